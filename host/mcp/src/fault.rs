//! Why a message gets no result: the JSON-RPC error, the HTTP status and header that go with it, and the rule for the
//! audit. One constructor for each refusal, so that the code and status of every response that is an error stand in this file;
//! the error of a task that failed is part of a result (`methods/tasks.rs`).

use std::{borrow::Cow, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode, header};
use portcullis_backend::{CallRefused, RefusalRule, Unauthenticated};
use portcullis_manifest::{hides, visible};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    asking::{NoAnswer, NotPut},
    challenge::{Challenges, Wrong},
    codec::{Id, Malformed, Method},
    era::{Era, Revision, SUPPORTED},
    hub::TooManyStreams,
    methods::EXTENSION,
};

/// A refusal, complete but for the request's id.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) code: i64,
    pub(crate) message: Cow<'static, str>,
    pub(crate) data: Option<Value>,
    /// Boxed, because few refusals have one and every check returns this type.
    pub(crate) header: Option<Box<(HeaderName, HeaderValue)>>,
    /// What the backend is told; nothing, where the backend itself refused.
    pub(crate) rule: Option<RefusalRule>,
}

/// The most characters of a client's own text that come back in a refusal.
pub(crate) const ECHO: usize = 80;

impl Fault {
    fn new(status: StatusCode, code: i64, rule: Option<RefusalRule>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: shown(message.into()), data: None, header: None, rule }
    }

    fn by(rule: RefusalRule, status: StatusCode, code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, code, Some(rule), message)
    }

    /// A fault of the HTTP layer. Its code is the status and two digits: see the crate's table.
    pub(crate) fn http(rule: RefusalRule, status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let nth = i64::from(rule == RefusalRule::Origin);
        Self::by(rule, status, i64::from(status.as_u16()) * 100 + nth, message)
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let mut fault = Self::http(
            RefusalRule::Method,
            StatusCode::METHOD_NOT_ALLOWED,
            "this path is not served by that HTTP method: see the header Allow",
        );
        fault.header = Some(Box::new((header::ALLOW, HeaderValue::from_static(allow))));
        fault
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::http(
            RefusalRule::BodySize,
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the message is longer than {limit} bytes"),
        )
    }

    /// The bodies of other clients fill what all of them together may.
    pub(crate) fn too_many_bodies(limit: usize) -> Self {
        let mut fault = Self::by(
            RefusalRule::BodySize,
            StatusCode::SERVICE_UNAVAILABLE,
            50300,
            format!("busy: the bodies of all requests together may have {limit} bytes; try again in 1 s"),
        );
        fault.header = Some(Box::new((header::RETRY_AFTER, HeaderValue::from_static("1"))));
        fault
    }

    /// The client stopped sending in the middle of its body.
    pub(crate) fn broken_body() -> Self {
        Self::by(RefusalRule::Json, StatusCode::BAD_REQUEST, -32700, "the body ended before it was complete")
    }

    /// The client took too long over its body.
    pub(crate) fn slow_body(patience: Duration) -> Self {
        let message = format!("the body was not complete after {} s", patience.as_secs());
        Self::http(RefusalRule::Json, StatusCode::REQUEST_TIMEOUT, message)
    }

    pub(crate) fn malformed(malformed: &Malformed) -> Self {
        let (rule, code) = match malformed {
            Malformed::Json(_) => (RefusalRule::Json, -32700),
            Malformed::Message(..) => (RefusalRule::Message, -32600),
        };
        Self::by(rule, StatusCode::BAD_REQUEST, code, malformed.to_string())
    }

    /// A message that is of JSON-RPC's form and still can't be taken.
    pub(crate) fn message(message: impl Into<Cow<'static, str>>) -> Self {
        Self::by(RefusalRule::Message, StatusCode::BAD_REQUEST, -32600, message)
    }

    /// The metadata that every modern request has to carry is not there.
    pub(crate) fn meta(message: &'static str) -> Self {
        Self::by(RefusalRule::Params, StatusCode::BAD_REQUEST, -32602, message)
    }

    /// Parameters that are not of the method's form: an answer like any other for HTTP.
    pub(crate) fn params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::by(RefusalRule::Params, StatusCode::OK, -32602, message)
    }

    pub(crate) fn unsupported_version(requested: &str) -> Self {
        let requested = visible(&requested.chars().take(ECHO).collect::<String>());
        let supported = SUPPORTED.map(Revision::as_str);
        let mut fault = Self::by(
            RefusalRule::Version,
            StatusCode::BAD_REQUEST,
            -32022,
            "this server does not speak that protocol version: choose one of `data.supported`",
        );
        fault.data = Some(json!({ "supported": supported, "requested": requested }));
        fault
    }

    pub(crate) fn header_mismatch(message: impl Into<Cow<'static, str>>) -> Self {
        Self::by(RefusalRule::HeaderMismatch, StatusCode::BAD_REQUEST, -32020, message)
    }

    pub(crate) fn unknown_method(method: &Method, era: Era) -> Self {
        let status = match era {
            Era::Modern => StatusCode::NOT_FOUND,
            Era::Legacy => StatusCode::OK,
        };
        Self::by(RefusalRule::UnknownMethod, status, -32601, format!("this server has no method `{method}`"))
    }

    /// A token where proxies, logs and histories keep it. It is not looked at, however good it is (catalogue AU-21).
    pub(crate) fn token_in_query(challenges: &Challenges) -> Self {
        const MESSAGE: &str = "an access token is taken from the header Authorization alone, never from the URL";
        let mut fault = Self::by(RefusalRule::QueryToken, StatusCode::BAD_REQUEST, 40000, MESSAGE);
        let challenge = challenges.header(Some((Wrong::InvalidRequest, MESSAGE)), &[]);
        fault.header = Some(Box::new((header::WWW_AUTHENTICATE, challenge)));
        fault
    }

    /// Nobody is proven. The backend has audited it.
    pub(crate) fn unauthenticated(why: &Unauthenticated, challenges: &Challenges) -> Self {
        let seconds = |wait: &Duration| HeaderValue::from(wait.as_secs().max(1));
        let (status, code, header) = match why {
            Unauthenticated::Missing => {
                (StatusCode::UNAUTHORIZED, 40100, (header::WWW_AUTHENTICATE, challenges.header(None, &[])))
            }
            Unauthenticated::Invalid { reason } => {
                let challenge = challenges.header(Some((Wrong::InvalidToken, reason)), &[]);
                (StatusCode::UNAUTHORIZED, 40101, (header::WWW_AUTHENTICATE, challenge))
            }
            Unauthenticated::TooMany { retry_after } => {
                (StatusCode::TOO_MANY_REQUESTS, 42900, (header::RETRY_AFTER, seconds(retry_after)))
            }
            Unauthenticated::Unavailable { retry_after, .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, 50304, (header::RETRY_AFTER, seconds(retry_after)))
            }
        };
        let mut fault = Self::new(status, code, None, why.to_string());
        fault.header = Some(Box::new(header));
        fault
    }

    /// The backend answered with what was not asked of it.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::OK, -32603, None, "the host failed")
    }

    /// A call that can't go on, and has no result that could say so. It was audited as a call.
    pub(crate) fn failed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::OK, -32603, None, message)
    }

    /// What a refusal by the backend looks like on the wire. The backend has audited it.
    pub(crate) fn refused(era: Era, refused: &CallRefused, correlation: Uuid, challenges: &Challenges) -> Self {
        let message = refused.to_string();
        let (status, code, header) = match refused {
            CallRefused::UnknownTool { .. }
            | CallRefused::UnknownPrompt { .. }
            | CallRefused::UnknownTask
            | CallRefused::Params(_)
            | CallRefused::State { .. } => (StatusCode::OK, -32602, None),
            CallRefused::UnknownResource { .. } if era == Era::Legacy => (StatusCode::OK, -32002, None),
            CallRefused::UnknownResource { .. } => (StatusCode::OK, -32602, None),
            CallRefused::Failed(_) => (StatusCode::OK, -32603, None),
            CallRefused::Capability { .. } | CallRefused::TasksNeeded { .. } => (StatusCode::BAD_REQUEST, -32021, None),
            CallRefused::SignIn { needed } => {
                let challenge = challenges.header(None, needed);
                (StatusCode::UNAUTHORIZED, 40100, Some((header::WWW_AUTHENTICATE, challenge)))
            }
            CallRefused::InsufficientScope { needed } => {
                let challenge = challenges.header(Some((Wrong::InsufficientScope, &message)), needed);
                (StatusCode::FORBIDDEN, 40302, Some((header::WWW_AUTHENTICATE, challenge)))
            }
            CallRefused::Busy { retry_after, .. } => {
                let seconds = HeaderValue::from(retry_after.as_secs().max(1));
                (StatusCode::SERVICE_UNAVAILABLE, 50300, Some((header::RETRY_AFTER, seconds)))
            }
            CallRefused::Unavailable { .. } => {
                let seconds = HeaderValue::from_static("5");
                (StatusCode::SERVICE_UNAVAILABLE, 50301, Some((header::RETRY_AFTER, seconds)))
            }
        };
        let mut fault = Self::new(status, code, None, message);
        let mut data = json!({ "correlation": correlation });
        match refused {
            CallRefused::UnknownResource { uri } => data["uri"] = json!(uri),
            CallRefused::Capability { needed } => {
                let kinds = [("elicitation", needed.form), ("sampling", needed.sampling), ("roots", needed.roots)];
                let kinds = kinds.into_iter().filter(|(_, missing)| *missing);
                let needed: Map<String, Value> = kinds.map(|(kind, _)| (kind.to_owned(), json!({}))).collect();
                data["requiredCapabilities"] = Value::Object(needed);
            }
            CallRefused::TasksNeeded { .. } => data["requiredCapabilities"] = tasks(),
            _ => {}
        }
        fault.data = Some(data);
        fault.header = header.map(Box::new);
        fault
    }

    /// What is asked for is part of the extension for tasks, which this request does not declare.
    pub(crate) fn needs_tasks() -> Self {
        const MESSAGE: &str =
            "this needs `extensions[\"io.modelcontextprotocol/tasks\"]` among the client capabilities of the request";
        let mut fault = Self::by(RefusalRule::Params, StatusCode::BAD_REQUEST, -32021, MESSAGE);
        fault.data = Some(json!({ "requiredCapabilities": tasks() }));
        fault
    }

    /// More requests at once than one stream may have.
    pub(crate) fn stream_is_full(most: usize) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            50302,
            Some(RefusalRule::Message),
            format!("{most} requests of this stream are being answered: wait for one of them"),
        )
    }

    /// A question that may not wait for a person: more of them do than may, or it can't be kept.
    pub(crate) fn not_asked(why: NotPut) -> Self {
        match why {
            NotPut::TooMany(too_many) => {
                let message = format!("the tool has a question, and {too_many}");
                Self::by(RefusalRule::Message, StatusCode::SERVICE_UNAVAILABLE, 50303, message)
            }
            NotPut::NotKept(not_kept) => {
                tracing::error!(error = %not_kept, "a question that can't be kept is not asked");
                Self::unavailable("the tool has a question, and the host can't keep it now")
            }
        }
    }

    /// The store can't write. The operator is told by the log.
    fn unavailable(message: &'static str) -> Self {
        let mut fault = Self::new(StatusCode::SERVICE_UNAVAILABLE, 50301, None, message);
        fault.header = Some(Box::new((header::RETRY_AFTER, HeaderValue::from_static("5"))));
        fault
    }

    /// More streams than may wait for what changes.
    pub(crate) fn too_many_streams(too_many: TooManyStreams) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 50305, Some(RefusalRule::Message), too_many.to_string())
    }

    /// The answer would be a stream, and the client takes none.
    pub(crate) fn wants_events() -> Self {
        Self::http(
            RefusalRule::Accept,
            StatusCode::NOT_ACCEPTABLE,
            "the answer is a stream of events: send the header Accept: application/json, text/event-stream",
        )
    }

    /// There is nowhere to tell this client anything, so that it was not offered.
    pub(crate) fn no_session() -> Self {
        const MESSAGE: &str = "nothing can be told to this client: it has no session, or not this one";
        Self::by(RefusalRule::UnknownMethod, StatusCode::OK, -32601, MESSAGE)
    }

    /// What a client wants to read on is not kept, or not its own.
    pub(crate) fn no_stream() -> Self {
        const MESSAGE: &str =
            "nothing is kept of that stream for this client: its time is over, or `Last-Event-ID` is another's";
        Self::http(RefusalRule::Message, StatusCode::NOT_FOUND, MESSAGE)
    }

    /// All that may be kept is taken.
    pub(crate) fn no_room_for_streams() -> Self {
        const MESSAGE: &str = "this server keeps as many streams as it may; try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 50305, Some(RefusalRule::Message), MESSAGE)
    }

    /// The credentials of a stream prove somebody else by now.
    pub(crate) fn another_principal() -> Self {
        const MESSAGE: &str = "the access token proves somebody else than who opened this stream: open another one";
        Self::by(RefusalRule::Message, StatusCode::UNAUTHORIZED, 40101, MESSAGE)
    }

    /// An answer to a question that is not taken.
    pub(crate) fn no_answer(why: NoAnswer) -> Self {
        let (rule, code) = match &why {
            NoAnswer::NotKept(not_kept) => {
                tracing::error!(error = %not_kept, "an answer that can't be kept is not taken");
                return Self::unavailable(
                    "the host can't take the answer now, and the question is still open: send it again",
                );
            }
            NoAnswer::NotOpen => (RefusalRule::Message, -32600),
            NoAnswer::Malformed(_) => (RefusalRule::Params, -32602),
        };
        Self::by(rule, StatusCode::BAD_REQUEST, code, why.to_string())
    }

    /// The JSON-RPC error object.
    pub(crate) fn render(&self, id: Option<&Id>) -> Vec<u8> {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(br#"{"jsonrpc":"2.0","#);
        if let Some(id) = id {
            out.extend_from_slice(br#""id":"#);
            id.write(&mut out);
            out.push(b',');
        }
        out.extend_from_slice(br#""error":"#);
        out.extend_from_slice(error.to_string().as_bytes());
        out.push(b'}');
        out
    }
}

/// The capability without which there are no tasks.
fn tasks() -> Value {
    json!({ "extensions": { EXTENSION: {} } })
}

/// The message with whatever hides, or is obeyed by a terminal, as its code point: parts of it can be the client's, and who
/// reads it may be a model or a person at a log.
fn shown(message: Cow<'static, str>) -> Cow<'static, str> {
    match message {
        Cow::Owned(text) if text.chars().any(hides) => Cow::Owned(visible(&text)),
        message => message,
    }
}
