//! Methods: a short list, because a grant names each (catalogue EG-26, EG-30).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::text::quoted;

/// What a request asks for. CONNECT and TRACE are no requests to a resource and are not here; extension methods are not
/// either, because nobody who approves a grant could know what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[allow(missing_docs, reason = "their names say all: RFC 9110 section 9.3 and RFC 5789")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

/// Why a text is not a [`Method`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a method that is sent; write GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS", quoted(.0))]
pub struct InvalidMethod(String);

impl Method {
    /// Every method.
    pub const ALL: [Self; 7] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// The word in the request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// Whether the sender asks for nothing to change (RFC 9110 section 9.2.1).
    #[must_use]
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }

    /// Whether asking twice is meant to do what asking once does (RFC 9110 section 9.2.2).
    #[must_use]
    pub fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self, Self::Put | Self::Delete)
    }
}

impl FromStr for Method {
    type Err = InvalidMethod;

    /// Methods are case-sensitive: `get` is another method, and one that is not sent.
    fn from_str(text: &str) -> Result<Self, InvalidMethod> {
        Self::ALL.into_iter().find(|method| method.as_str() == text).ok_or_else(|| InvalidMethod(text.to_owned()))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
