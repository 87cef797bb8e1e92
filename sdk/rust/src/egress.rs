//! HTTP requests to the origin of a capability, done by the host.
//!
//! [`Context::http`](crate::Context::http) opens a capability of kind `http`. Logic that is written against the trait
//! [`Http`] can be tested on the machine it is written on, with [`Memory`] in the host's place.
//!
//! ```
//! use portcullis_plugin::{Context, ToolError, egress::Http};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Contact {
//!     name: String,
//! }
//!
//! fn contact(id: &str, crm: &impl Http) -> Result<Contact, ToolError> {
//!     let answer = crm.get("https://api.crm.example/v1/contacts").segment(id).send()?;
//!     Ok(answer.success()?.json()?)
//! }
//!
//! fn tool(cx: &Context) -> Result<Contact, ToolError> {
//!     contact("7", &cx.http("crm"))
//! }
//! ```
//!
//! A request ends with one of three:
//!
//! * [`send`](Builder::send): any granted request. Its effect is write, a `GET` too, because an address carries data out; the
//!   tool's `uses` has to say `NAME:write`.
//! * [`send_or_record`](Builder::send_or_record): the same, for a tool that can go on without an answer. In a preview nothing
//!   leaves the host and there is no answer: this gives none, where `send` ends in an error.
//! * [`read`](Builder::read): a `GET` or `HEAD` to an origin that the operator's `[boundary]` calls inside; `NAME:read` is
//!   enough.
//!
//! A tool that is confirmed before it runs is previewed first. If its last request is one whose answer it does not need,
//! `send_or_record` lets the preview be whole.

mod builder;
mod memory;
mod response;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, marker::PhantomData};

use crate::{Context, bindings::portcullis::plugin::egress as host};

pub use builder::{Builder, escape};
pub use memory::Memory;
pub use response::Response;

/// Why there is no response. Each but the last three holds what the host says about it, meant to be passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The tool's `uses`, or the capability's `origin` and `allow`, do not grant this request. Nothing was sent.
    NotGranted(String),
    /// The URL, a header or the body can't be sent as it is. Nothing was sent.
    BadRequest(String),
    /// The operator's rules refuse the destination. Nothing was sent.
    Refused(String),
    /// More than a limit allows.
    OverLimit(String),
    /// No answer. Something may have been sent.
    Unreachable(String),
    /// The answer is not HTTP that the host takes.
    BadResponse(String),
    /// This call is a preview: the request was recorded, and the tool can't go on without its answer.
    Recorded(String),
    /// The answer came, with a status that says no. Said by [`Response::success`].
    Status {
        /// The status code.
        status: u16,
        /// What was asked and what came, shortened.
        text: String,
    },
    /// The body is not the JSON or the text that was expected, or could not be written as JSON. Said by the SDK.
    NotReadable(String),
}

/// A request, as it goes to the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// None: no body.
    pub body: Option<Vec<u8>>,
}

/// By which of the host's two functions a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `GET` and `HEAD` inside the boundary.
    Read,
    /// Whatever is granted. What was sent can't be taken back.
    Send,
}

/// How a request that was allowed ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was sent, and answered.
    Response(Response),
    /// This call is a preview: it was recorded, nothing left the host, and there is no answer.
    Recorded,
}

/// Requests with one capability, whoever does them.
pub trait Http {
    /// Does one request. The builders below are an easier way.
    fn exchange(&self, way: Way, request: &Request) -> Result<Reply, Error>;

    /// Begins a request of that method.
    fn request(&self, method: &str, url: &str) -> Builder<'_, Self>
    where
        Self: Sized,
    {
        Builder::new(self, method, url)
    }

    /// Begins a `GET`.
    fn get(&self, url: &str) -> Builder<'_, Self>
    where
        Self: Sized,
    {
        self.request("GET", url)
    }

    /// Begins a `HEAD`.
    fn head(&self, url: &str) -> Builder<'_, Self>
    where
        Self: Sized,
    {
        self.request("HEAD", url)
    }

    /// Begins a `POST`.
    fn post(&self, url: &str) -> Builder<'_, Self>
    where
        Self: Sized,
    {
        self.request("POST", url)
    }

    /// Begins a `PUT`.
    fn put(&self, url: &str) -> Builder<'_, Self>
    where
        Self: Sized,
    {
        self.request("PUT", url)
    }

    /// Begins a `PATCH`.
    fn patch(&self, url: &str) -> Builder<'_, Self>
    where
        Self: Sized,
    {
        self.request("PATCH", url)
    }

    /// Begins a `DELETE`.
    fn delete(&self, url: &str) -> Builder<'_, Self>
    where
        Self: Sized,
    {
        self.request("DELETE", url)
    }
}

/// Requests with one capability, done by the host. See [`Context::http`](crate::Context::http).
#[derive(Clone, Copy, Debug)]
pub struct Client<'cx> {
    capability: &'static str,
    // There is no asking the host outside a call.
    call: PhantomData<&'cx Context>,
}

impl<'cx> Client<'cx> {
    pub(crate) fn open(_: &'cx Context, capability: &'static str) -> Self {
        Self { capability, call: PhantomData }
    }
}

impl Http for Client<'_> {
    fn exchange(&self, way: Way, request: &Request) -> Result<Reply, Error> {
        let headers = request.headers.iter();
        let request = host::Request {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: headers.map(|(name, value)| host::Header { name: name.clone(), value: value.clone() }).collect(),
            body: request.body.clone(),
        };
        let reply = match way {
            Way::Read => host::read(self.capability, &request)?,
            Way::Send => host::send(self.capability, &request)?,
        };
        Ok(match reply {
            host::Reply::Response(host::Response { status, headers, body }) => {
                let headers = headers.into_iter().map(|host::Header { name, value }| (name, value)).collect();
                Reply::Response(Response { status, headers, body, asked: asked(&request.method, &request.url) })
            }
            host::Reply::Recorded => Reply::Recorded,
        })
    }
}

/// A request in words for an error: without its query, which may be long and the person's own.
fn asked(method: &str, url: &str) -> String {
    format!("{method} {}", url.split('?').next().unwrap_or(url))
}

impl Error {
    /// What a tool ends with that can't go on without the answer to a request that was only recorded.
    fn recorded(request: &Request) -> Self {
        Self::Recorded(format!(
            "In a preview nothing is sent, and this tool needs the answer to {} to go on.",
            asked(&request.method, &request.url)
        ))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotGranted(text)
        | Self::BadRequest(text)
        | Self::Refused(text)
        | Self::OverLimit(text)
        | Self::Unreachable(text)
        | Self::BadResponse(text)
        | Self::Recorded(text)
        | Self::Status { text, .. }
        | Self::NotReadable(text)) = self;
        f.write_str(text)
    }
}

impl core::error::Error for Error {}

impl From<Error> for crate::ToolError {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<host::Error> for Error {
    fn from(error: host::Error) -> Self {
        match error {
            host::Error::NotGranted(text) => Self::NotGranted(text),
            host::Error::BadRequest(text) => Self::BadRequest(text),
            host::Error::Refused(text) => Self::Refused(text),
            host::Error::OverLimit(text) => Self::OverLimit(text),
            host::Error::Unreachable(text) => Self::Unreachable(text),
            host::Error::BadResponse(text) => Self::BadResponse(text),
        }
    }
}
