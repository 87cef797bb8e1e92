//! Documents from outside, through the guarded client: what a client on the internet could not reach is not reached from here
//! either, unless the operator has listed it.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use portcullis_egress::{
    AddressRefused, Attempt, ConnectFault, Destination, DnsFault, Egress, FetchError, Fetched, Reach, Request, Room,
    TlsFault, Verdict, admit,
};
use portcullis_manifest::http::{HostPattern, HttpCapability, HttpRule, Method, Origin, OriginPattern};
use serde_json::{Map, Value};

use super::finding::{Check, quoted};

/// Longest document. Metadata and key sets have a few kilobytes.
const DOCUMENT: usize = 512 << 10;
/// How long one document may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything outside.
pub(super) struct Outside(Egress);

/// What somebody answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// When it was asked for, and when it was there.
    pub(super) asked: SystemTime,
    pub(super) answered: SystemTime,
}

/// Nobody answered.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// What it is that failed.
    pub(super) check: Check,
    pub(super) found: String,
    pub(super) change: String,
}

impl Outside {
    pub(super) fn new(egress: Egress) -> Self {
        Self(egress)
    }

    /// As a client fetches a document.
    pub(super) async fn get(&self, url: &str) -> Result<Answer, Unanswered> {
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        self.send(Method::Get, url, Request { headers, ..Request::default() }).await
    }

    /// As an MCP client begins.
    pub(super) async fn post(&self, url: &str, body: &Value) -> Result<Answer, Unanswered> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers =
            vec![header("accept", "application/json, text/event-stream"), header("content-type", "application/json")];
        let body = body.to_string().into_bytes();
        self.send(Method::Post, url, Request { headers, body, ..Request::default() }).await
    }

    async fn send(&self, method: Method, url: &str, request: Request) -> Result<Answer, Unanswered> {
        let destination: Destination = url.parse().map_err(|error: portcullis_egress::InvalidDestination| {
            unusable(format!("{} can't be fetched: {error}", quoted(url)))
        })?;
        let capability = exactly(method, &destination).ok_or_else(|| unusable(format!("{} has a `*`", quoted(url))))?;
        let admitted = admit(&Arc::new(capability), &Reach::Granted, method, destination.clone())
            .map_err(|error| unusable(error.to_string()))?;
        let room = Room {
            request_body: DOCUMENT,
            response_body: DOCUMENT,
            headers: 128,
            header_bytes: 64 << 10,
            deadline: Instant::now() + PATIENCE,
        };
        let asked = SystemTime::now();
        let Fetched { attempts, result } = self.0.fetch(admitted, request, &room).await;
        let response = result.map_err(|error| why(&error, attempts.last(), destination.origin()))?;
        let (status, headers, body) = (response.status, response.headers, response.body);
        Ok(Answer { status, headers, body, asked, answered: SystemTime::now() })
    }
}

/// This command asks for whatever the documents name, so each request is granted, by itself; addresses are still decided on.
fn exactly(method: Method, destination: &Destination) -> Option<HttpCapability> {
    let origin = destination.origin();
    let pattern = OriginPattern::new(origin.scheme(), HostPattern::Exact(origin.host().clone()), origin.port());
    let rule = HttpRule::new(method, destination.path().as_str().parse().ok()?);
    // A redirect is an answer here: it is judged, not followed.
    HttpCapability::new(pattern, vec![rule], None, 0, 0).ok()
}

impl Answer {
    /// The values of a header, in their order.
    pub(super) fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(named, _)| named == name).map(|(_, value)| value.as_str())
    }

    /// The body as a JSON object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, String> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err("is JSON but no object".to_owned()),
            Err(_) => {
                let start = String::from_utf8_lossy(&self.body[..self.body.len().min(80)]).into_owned();
                Err(format!("is no JSON: it begins with {}", quoted(&start)))
            }
        }
    }

    /// What it is, in short, where it is not what was asked for.
    pub(super) fn is(&self) -> String {
        match (self.status, self.header("location").next()) {
            (300..=399, Some(location)) => format!("a redirect ({}) to {}", self.status, quoted(location)),
            (status, _) => format!("the status {status}"),
        }
    }
}

fn unusable(found: String) -> Unanswered {
    Unanswered { check: Check::Url, found, change: "write an http or https URL with a name as its host".to_owned() }
}

/// What failed, for who can change it.
fn why(error: &FetchError, attempt: Option<&Attempt>, origin: &Origin) -> Unanswered {
    let (host, port) = (origin.host(), origin.port());
    let (check, change) = match error {
        FetchError::Dns(DnsFault::NoAddress) => {
            (Check::Reach, format!("give `{host}` an A or AAAA record in the DNS, or correct the name"))
        }
        FetchError::Dns(_) => (
            Check::Reach,
            "see that the name servers of this machine answer; `egress.name_servers` names others".to_owned(),
        ),
        FetchError::Address(AddressRefused::NotPublic { address, .. }) => (
            Check::Reach,
            format!(
                "clients on the internet can't reach {address}: let `{host}` lead to a public address. If all clients are inside \
                 your network (ChatGPT is not), let this command look there with \
                 `[[egress.private]]` `host = \"{host}\"`, `net = \"{address}/{bits}\"`, `port = {port}`",
                bits = if address.is_ipv4() { 32 } else { 128 }
            ),
        ),
        FetchError::Address(_) => (Check::Reach, format!("correct the addresses of `{host}` in the DNS")),
        FetchError::Connect(ConnectFault::Refused) => (
            Check::Reach,
            format!("start what should listen on port {port} of `{host}` (your proxy?), or let the firewall pass it"),
        ),
        FetchError::Connect(_) | FetchError::TimedOut(_) => (
            Check::Reach,
            format!("see that port {port} of `{host}` is open to the internet, and that what listens there answers"),
        ),
        FetchError::Tls(TlsFault::Name) => {
            (Check::Tls, format!("get a certificate for `{host}`: the one that is served is for other names"))
        }
        FetchError::Tls(TlsFault::Expired) => {
            (Check::Tls, format!("renew the certificate of `{host}`, and see that its renewal is automatic"))
        }
        FetchError::Tls(TlsFault::Untrusted) => (
            Check::Tls,
            format!(
                "serve a certificate of `{host}` that browsers trust, and its intermediate certificates with it. An authority \
                 of your own is for clients that know it (ChatGPT does not); for this host it goes into `egress.roots`"
            ),
        ),
        FetchError::Tls(_) => {
            (Check::Tls, format!("let `{host}` speak TLS 1.2 or 1.3, and HTTP/1.1 in it, on port {port}"))
        }
        FetchError::TooLarge(_) => {
            (Check::Reach, format!("see what `{host}` serves there: no such document is as large"))
        }
        _ => (Check::Reach, format!("see what listens on port {port} of `{host}`: it does not speak HTTP/1.1 well")),
    };
    // With the address, which a guest would not be told and the operator is.
    let told = attempt.and_then(|attempt| match &attempt.verdict {
        Verdict::Refused(text) | Verdict::Failed(text) => Some((text, attempt.address)),
        _ => None,
    });
    let found = match told {
        Some((text, Some(address))) => format!("{text} ({address})"),
        Some((text, None)) => text.clone(),
        None => error.to_string(),
    };
    Unanswered { check, found: format!("{host}: {found}"), change }
}
