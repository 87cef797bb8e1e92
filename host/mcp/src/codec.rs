//! JSON-RPC messages as types. One pass over the bytes; what no method reads is checked and dropped.

mod hints;
mod meta;
mod method;

use std::borrow::Cow;

use portcullis_manifest::NoticeLevel;
use serde_json::{Map, Value};

use crate::{
    era::Version,
    json::{JsonError, Reader},
};

pub(crate) use meta::{Capabilities, Meta};
pub(crate) use method::Method;

/// Longest text of an id or a progress token, in bytes: it is kept as long as its request, and sent back with each event
/// (catalogue MC-40).
const ID: usize = 1024;

/// A request's id: a string or an integer, never null (facts A2). Sent back as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    Signed(i64),
    Unsigned(u64),
    Text(Box<str>),
}

/// A member that may be missing or of the wrong kind. Which of these is an error depends on the method.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Field<T> {
    #[default]
    Absent,
    Wrong,
    Is(T),
}

/// Every parameter that any method reads.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pub(crate) meta: Field<Meta>,
    pub(crate) name: Field<String>,
    pub(crate) uri: Field<String>,
    pub(crate) arguments: Field<Map<String, Value>>,
    pub(crate) cursor: Field<String>,
    pub(crate) protocol_version: Field<Version>,
    pub(crate) request_id: Field<Id>,
    pub(crate) capabilities: Field<Capabilities>,
    pub(crate) input_responses: Field<Map<String, Value>>,
    pub(crate) request_state: Field<String>,
    pub(crate) task_id: Field<String>,
    pub(crate) level: Field<NoticeLevel>,
    /// `ref`
    pub(crate) reference: Field<Map<String, Value>>,
    pub(crate) argument: Field<Map<String, Value>>,
    pub(crate) context: Field<Map<String, Value>>,
    pub(crate) notifications: Field<Map<String, Value>>,
}

/// A message that wants an answer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Id,
    pub(crate) method: Method,
    pub(crate) params: Params,
}

/// One message of a client.
#[derive(Debug)]
pub(crate) enum Incoming {
    Request(Request),
    Notification(Method, Params),
    /// An answer to a request of ours: to a question, in the legacy era. Without an id it is an error about something that
    /// the client could not read.
    Answer(Option<Id>, Answer),
}

/// What a client answers to a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Result(Value),
    /// The error object, whatever it is.
    Error(Value),
}

/// Bytes that are no message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    /// JSON-RPC -32700.
    #[error("the body is not JSON that this server reads: {0}")]
    Json(#[from] JsonError),
    /// JSON-RPC -32600.
    #[error("the body is not a JSON-RPC 2.0 message: {1}")]
    Message(Option<Id>, &'static str),
}

impl Incoming {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes)?;
        match reader.peek()? {
            b'{' => Members::read(&mut reader)?.sort(),
            // Not read any further: a batch is refused however well it is written.
            b'[' => Err(Malformed::Message(None, "batches are not part of MCP; send one message")),
            _ => {
                reader.value()?;
                reader.end()?;
                Err(Malformed::Message(None, "it must be an object"))
            }
        }
    }
}

/// The members of the outer object, before it is known what they make.
#[derive(Default)]
struct Members {
    version: bool,
    id: Field<Id>,
    method: Field<Method>,
    params: Field<Params>,
    result: Option<Value>,
    error: Option<Value>,
}

impl Members {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut members = Self::default();
        reader.object(|reader, key| {
            match key {
                "jsonrpc" => members.version = text(reader)? == Field::Is(Cow::Borrowed("2.0")),
                "id" => members.id = id(reader)?,
                "method" => members.method = text(reader)?.map(|name| Method::read(&name)),
                "params" => members.params = object(reader, Params::read)?,
                "result" => members.result = Some(reader.value()?),
                "error" => members.error = Some(reader.value()?),
                _ => drop(reader.value()?),
            }
            Ok(())
        })?;
        reader.end()?;
        Ok(members)
    }

    fn sort(self) -> Result<Incoming, Malformed> {
        let id = match self.id {
            Field::Is(id) => Some(id),
            Field::Absent => None,
            Field::Wrong => {
                return Err(Malformed::Message(None, "`id` must be a string of at most 1024 bytes or an integer"));
            }
        };
        if !self.version {
            return Err(Malformed::Message(id, "`jsonrpc` must be \"2.0\""));
        }
        // Who reads one member first would take such a message for a request, and who reads another for an answer.
        let kinds = [self.method != Field::Absent, self.result.is_some(), self.error.is_some()];
        if kinds.into_iter().filter(|there| *there).count() > 1 {
            return Err(Malformed::Message(id, "only one of `method`, `result` and `error` may be there"));
        }
        let method = match self.method {
            Field::Is(method) => method,
            Field::Absent => {
                return match (self.result, self.error) {
                    (Some(_), _) if id.is_none() => {
                        Err(Malformed::Message(None, "`id` is missing: a result answers one request"))
                    }
                    (Some(result), _) => Ok(Incoming::Answer(id, Answer::Result(result))),
                    (None, Some(error)) => Ok(Incoming::Answer(id, Answer::Error(error))),
                    (None, None) => Err(Malformed::Message(id, "`method` is missing")),
                };
            }
            Field::Wrong => return Err(Malformed::Message(id, "`method` must be a string")),
        };
        let params = match self.params {
            Field::Is(params) => params,
            Field::Absent => Params::default(),
            Field::Wrong => return Err(Malformed::Message(id, "`params` must be an object")),
        };
        Ok(match id {
            Some(id) => Incoming::Request(Request { id, method, params }),
            None => Incoming::Notification(method, params),
        })
    }
}

impl Params {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut params = Self::default();
        reader.object(|reader, key| {
            match key {
                "_meta" => params.meta = object(reader, Meta::read)?,
                "name" => params.name = text(reader)?.map(Cow::into_owned),
                "uri" => params.uri = text(reader)?.map(Cow::into_owned),
                "arguments" => params.arguments = object(reader, |reader| reader.map())?,
                "cursor" => params.cursor = text(reader)?.map(Cow::into_owned),
                "protocolVersion" => params.protocol_version = text(reader)?.map(|text| Version::read(&text)),
                "requestId" => params.request_id = id(reader)?,
                "capabilities" => params.capabilities = object(reader, Capabilities::read)?,
                "inputResponses" => params.input_responses = object(reader, |reader| reader.map())?,
                "level" => {
                    params.level = match text(reader)? {
                        Field::Is(level) => meta::notice_level(&level).map_or(Field::Wrong, Field::Is),
                        other => other.map(|_| NoticeLevel::Info),
                    };
                }
                "requestState" => params.request_state = text(reader)?.map(Cow::into_owned),
                "taskId" => params.task_id = text(reader)?.map(Cow::into_owned),
                "ref" => params.reference = object(reader, |reader| reader.map())?,
                "argument" => params.argument = object(reader, |reader| reader.map())?,
                "context" => params.context = object(reader, |reader| reader.map())?,
                "notifications" => params.notifications = object(reader, |reader| reader.map())?,
                _ => drop(reader.value()?),
            }
            Ok(())
        })?;
        Ok(params)
    }
}

impl Id {
    /// Appends the id as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        // Writing to a Vec can't fail, and these types have no failing serialiser.
        let written = match self {
            Self::Signed(number) => serde_json::to_writer(out, number),
            Self::Unsigned(number) => serde_json::to_writer(out, number),
            Self::Text(text) => serde_json::to_writer(out, text),
        };
        written.expect("a Vec takes every byte of a number or a string");
    }
}

impl<T> Field<T> {
    /// What is there, which is not there any more.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Absent)
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Wrong => Field::Wrong,
            Self::Is(value) => Field::Is(change(value)),
        }
    }
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<Field<Cow<'a, str>>, JsonError> {
    match reader.peek()? {
        b'"' => reader.string().map(Field::Is),
        _ => reader.value().map(|_| Field::Wrong),
    }
}

fn object<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, JsonError>,
) -> Result<Field<T>, JsonError> {
    match reader.peek()? {
        b'{' => read(reader).map(Field::Is),
        _ => reader.value().map(|_| Field::Wrong),
    }
}

fn id(reader: &mut Reader<'_>) -> Result<Field<Id>, JsonError> {
    Ok(match reader.value()? {
        Value::String(text) if text.len() <= ID => Field::Is(Id::Text(text.into())),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Field::Is(Id::Signed(number)),
            (None, Some(number)) => Field::Is(Id::Unsigned(number)),
            (None, None) => Field::Wrong,
        },
        _ => Field::Wrong,
    })
}
