//! Requests to where none may go.

use portcullis_plugin::{
    Context, NoArguments, ToolError,
    egress::{Error, Http, Reply, Request, Way},
};
use serde::Deserialize;

use crate::{Answers, Count};

/// Schema: `schemas/urls.json`.
#[derive(Deserialize)]
pub(crate) struct Urls {
    method: String,
    urls: Vec<String>,
}

/// Schema: `schemas/labels.json`.
#[derive(Deserialize)]
pub(crate) struct Labels {
    secret: String,
    parents: Vec<String>,
}

/// One request, in a line: the host's word for its end, and its text.
pub(crate) fn tried(http: &impl Http, way: Way, request: &Request) -> String {
    match http.exchange(way, request) {
        Ok(Reply::Recorded) => "recorded".to_owned(),
        Ok(Reply::Response(response)) => {
            let headers: Vec<_> = response.headers().map(|(name, value)| format!("{name}: {value}")).collect();
            let body = String::from_utf8_lossy(response.bytes()).chars().take(800).collect::<String>();
            format!("answered {}: {}\n{body}", response.status(), headers.join("\n"))
        }
        Err(error) => refused(&error),
    }
}

pub(crate) fn refused(error: &Error) -> String {
    let kind = match error {
        Error::NotGranted(_) => "not-granted",
        Error::BadRequest(_) => "bad-request",
        Error::Refused(_) => "refused",
        Error::OverLimit(_) => "over-limit",
        Error::Unreachable(_) => "unreachable",
        Error::BadResponse(_) => "bad-response",
        _ => "else",
    };
    format!("{kind}: {error}")
}

pub(crate) fn plain(method: &str, url: &str) -> Request {
    Request { method: method.to_owned(), url: url.to_owned(), ..Request::default() }
}

fn each(http: &impl Http, way: Way, args: &Urls) -> Answers {
    let tried = args.urls.iter().map(|url| tried(http, way, &plain(&args.method, url)));
    Answers { answers: tried.collect() }
}

/// Each URL, with what is granted for `https://example.com/a/*`.
pub(crate) fn urls(args: Urls, cx: &Context) -> Result<Answers, ToolError> {
    Ok(each(&cx.http("site"), Way::Send, &args))
}

/// The same through the function that needs no write proof.
pub(crate) fn read_urls(args: Urls, cx: &Context) -> Result<Answers, ToolError> {
    Ok(each(&cx.http("site"), Way::Read, &args))
}

/// Carries a text out in the labels of names: whoever runs the parent's name server would read it there, without any
/// connection. Tries each parent with each of its capabilities.
pub(crate) fn labels(args: Labels, cx: &Context) -> Result<Answers, ToolError> {
    let mut answers = Vec::new();
    for parent in &args.parents {
        let url = format!("https://{}.{parent}/a/b", args.secret);
        for capability in ["site", "tenants"] {
            answers
                .push(format!("{capability} {parent} {}", tried(&cx.http(capability), Way::Send, &plain("GET", &url))));
        }
    }
    Ok(Answers { answers })
}

/// The same request until it is refused for its number; says how many were not.
pub(crate) fn requests_for_ever(_: NoArguments, cx: &Context) -> Result<Count, ToolError> {
    let crm = cx.http("crm");
    for count in 0.. {
        match crm.exchange(Way::Send, &plain("GET", "https://crm.test:8443/body")) {
            Err(Error::OverLimit(_)) => return Ok(Count { count }),
            Err(error) => return Err(ToolError::new(refused(&error))),
            Ok(_) => {}
        }
    }
    Err("nobody refused".into())
}
