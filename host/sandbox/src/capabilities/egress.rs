//! `egress`: the one way out.
//!
//! Life of a request: the function checks proof (for `send`), grant, and the numbers of `limits`; the URL is parsed once into a
//! destination, which the capability admits or not; the effect is asked for, and a preview ends here with `recorded`. Before the
//! first `send` of a call its intent is made durable (DESIGN rule 7). Then `host/egress` resolves, checks, connects and sends;
//! what became of each attempt is told to the audit when it ends, and also when the call is dropped meanwhile.

use std::sync::Arc;

use portcullis_admission::{Content, Intended};
use portcullis_egress::{Admitted, Attempts, Destination, FetchError, NotAdmitted, Placeholders, Reach, Room, admit};
use portcullis_manifest::{
    Capability, Digest, Effect, HostFunction, Interface,
    http::{HttpCapability, Method},
};

use super::{CallState, Early, answer, effects::Verdict, function};
use crate::{
    contract::bindings::portcullis::plugin::egress::{Error, Header, Host, Reply, Request, Response},
    run::{Stop, Witness},
};

const READ: &HostFunction = function(Interface::Egress, "read");
const SEND: &HostFunction = function(Interface::Egress, "send");

/// Bytes of all headers of a request, and of the head of a response.
const HEADER_BYTES: usize = 32 << 10;

impl CallState {
    async fn request(
        &mut self,
        function: &HostFunction,
        capability: &str,
        asked: Request,
    ) -> Result<Reply, Early<Error>> {
        let sends = function.effect == Effect::Write;
        if sends {
            let _proof = self.enter_write(function, capability).map_err(Early::Call)?;
        } else {
            self.enter(function).map_err(Early::Call)?;
        }
        let grant = self.open(function, capability).map_err(Error::NotGranted)?;
        let Capability::Http(http) = grant.capability else {
            return Err(Error::NotGranted("not an http capability".to_owned()).into());
        };
        let room = self.room()?;
        let Request { method, url, headers, body } = asked;
        let method: Method = method.parse().map_err(|error| Error::BadRequest(format!("{error}")))?;
        let destination = url.parse::<Destination>();
        let destination = destination.map_err(|error| {
            self.tell_refused(function, &format!("a URL that is none: {}", error.kind()));
            Error::BadRequest(error.to_string())
        })?;
        let asked = format!("{method} {}{}", destination.origin(), destination.path());
        let reach = if sends { Reach::Granted } else { Reach::Inside(self.services.boundary.clone()) };
        let admitted = admit(&http, &reach, method, destination).map_err(|error| {
            self.tell_refused(function, &format!("{asked}: {}", error.kind()));
            not_admitted(&error)
        })?;
        if let Some(body) = &body
            && body.len() > room.request_body
        {
            let (found, limit) = (body.len(), room.request_body);
            let text = format!("the body has {found} bytes; `limits.request_body` of plugin.toml allows {limit}");
            return Err(Error::OverLimit(text).into());
        }
        if sends {
            let intended = || intended(capability, &admitted, &headers, body.as_deref());
            if self.effects.ask(intended).map_err(Early::Call)? == Verdict::Record {
                self.effects.gives_no_answer();
                return Ok(Reply::Recorded);
            }
        } else if self.permit.mode().is_preview() {
            self.effects.gives_no_answer();
            return Ok(Reply::Recorded);
        }
        let witness = intent_is_durable(self.witness.clone()).await.map_err(Early::Call)?;
        let headers = headers.into_iter().map(|Header { name, value }| (name, value)).collect();
        let placeholders = self.placeholders(capability, &http);
        let request = portcullis_egress::Request { headers, body: body.unwrap_or_default(), placeholders };
        if sends {
            // Before it is sent: a call that is dropped meanwhile may have sent it.
            self.effects.sends(asked);
        }
        let reporting = Reporting { attempts: Attempts::default(), witness, effect: function.effect };
        let fetched = self.services.egress.fetch_into(admitted, request, &room, &reporting.attempts).await;
        if !reporting.end() && sends {
            self.effects.did_not_send();
        }
        match fetched {
            Ok(response) => {
                let headers = response.headers.into_iter().map(|(name, value)| Header { name, value }).collect();
                Ok(Reply::Response(Response { status: response.status, headers, body: response.body }))
            }
            Err(error) => {
                if matches!(error, FetchError::Misplaced(_)) {
                    let tool = self.permit.tool();
                    tracing::error!(target: "portcullis::alert", alert = "secret-misplaced", tool = %tool.wire, correlation = %self.permit.correlation(), "a plugin tried to send the placeholder of a secret somewhere else");
                }
                Err(in_words(&error).into())
            }
        }
    }

    /// What was refused is in the audit too (catalogue EG-34): nobody looks for a way out and leaves no trace.
    fn tell_refused(&self, function: &HostFunction, why: &str) {
        if let Some(witness) = &self.witness {
            witness.refused(why, function.effect);
        }
    }

    /// What one request may take.
    fn room(&mut self) -> Result<Room, Error> {
        let limits = &self.permit.tool().limits;
        self.requests += 1;
        if self.requests > limits.requests {
            let limit = limits.requests;
            return Err(Error::OverLimit(format!(
                "one call may make {limit} requests (`limits.requests` of plugin.toml)"
            )));
        }
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Ok(Room {
            request_body: size(limits.request_body),
            response_body: size(limits.response_body),
            headers: size(limits.headers),
            header_bytes: HEADER_BYTES,
            deadline: self.deadline,
        })
    }

    /// Every placeholder that this guest knows: of the capability that the request is made with, and of the others.
    fn placeholders(&self, capability: &str, http: &HttpCapability) -> Placeholders {
        let others = self.permit.tool().grants.iter().filter(|grant| grant.name.as_str() != capability);
        let with_secret =
            others.filter(|grant| matches!(&grant.capability, Capability::Http(http) if http.secret().is_some()));
        Placeholders {
            own: http.secret().is_some().then(|| self.placeholder(capability)),
            others: with_secret.map(|grant| self.placeholder(grant.name.as_str())).collect(),
        }
    }
}

/// DESIGN rule 7: before anything leaves, what is about to happen is on record.
async fn intent_is_durable(witness: Option<Arc<dyn Witness>>) -> wasmtime::Result<Arc<dyn Witness>> {
    let Some(witness) = witness else {
        tracing::error!(target: "portcullis::alert", alert = "no-witness", "a call that reaches outside was not given a witness");
        return Err(Stop::Host.into());
    };
    match witness.intent().await {
        Ok(()) => Ok(witness),
        Err(_) => Err(Stop::Unrecorded.into()),
    }
}

/// Tells the audit of every attempt when the request has ended, and also when the call is dropped in the middle of it.
struct Reporting {
    attempts: Attempts,
    witness: Arc<dyn Witness>,
    effect: Effect,
}

impl Reporting {
    /// Gives whether any byte may have left the host.
    fn end(self) -> bool {
        self.tell()
    }

    fn tell(&self) -> bool {
        let attempts = self.attempts.take();
        attempts.iter().for_each(|attempt| self.witness.egress(attempt, self.effect));
        attempts.iter().any(|attempt| attempt.sent)
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        // What was told is taken out, so nothing is told twice.
        self.tell();
    }
}

fn intended(capability: &str, admitted: &Admitted, headers: &[Header], body: Option<&[u8]>) -> Intended {
    let mut text = Vec::new();
    for Header { name, value } in headers {
        // Lengths, so that no two lists of headers are one text.
        text.extend_from_slice(&(name.len() as u64).to_le_bytes());
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(&(value.len() as u64).to_le_bytes());
        text.extend_from_slice(value.as_bytes());
    }
    Intended::Send {
        capability: capability.to_owned(),
        method: admitted.method().to_string(),
        origin: admitted.destination().origin().to_string(),
        path: admitted.destination().target(),
        headers: headers.iter().map(|header| header.name.clone()).collect(),
        headers_sha256: Digest::of(&text),
        body: body.map(Content::of),
    }
}

fn not_admitted(error: &NotAdmitted) -> Error {
    match error {
        NotAdmitted::Outside(_) => Error::Refused(error.to_string()),
        error => Error::NotGranted(error.to_string()),
    }
}

impl Host for CallState {
    async fn read(&mut self, capability: String, request: Request) -> wasmtime::Result<Result<Reply, Error>> {
        answer(self.request(READ, &capability, request).await)
    }

    async fn send(&mut self, capability: String, request: Request) -> wasmtime::Result<Result<Reply, Error>> {
        answer(self.request(SEND, &capability, request).await)
    }
}

/// In words for the tool. Addresses of the operator's network are not among them (catalogue WX-31).
fn in_words(error: &FetchError) -> Error {
    let text = error.to_string();
    match error {
        FetchError::Target(_) | FetchError::Header(_) | FetchError::Misplaced(_) => Error::BadRequest(text),
        FetchError::Address(_) | FetchError::Secret(_) => Error::Refused(text),
        FetchError::Redirect(_) => Error::NotGranted(text),
        FetchError::TooLarge(_) | FetchError::Busy(_) => Error::OverLimit(text),
        FetchError::Protocol(_) => Error::BadResponse(text),
        FetchError::Dns(_) | FetchError::Connect(_) | FetchError::Tls(_) | FetchError::TimedOut(_) => {
            Error::Unreachable(text)
        }
    }
}
