//! One line of `allow`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{InvalidMethod, InvalidPath, Method, PathPattern, RequestPath};
use crate::text::quoted;

/// One line of `allow`: `GET /v1/contacts/*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpRule {
    method: Method,
    path: PathPattern,
}

/// Why a text is not an [`HttpRule`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// Not two words.
    #[error("{} is not a method and a path with one space between; write it as `GET /v1/contacts/*`", quoted(.0))]
    Shape(String),
    /// Its method.
    #[error(transparent)]
    Method(#[from] InvalidMethod),
    /// Its path.
    #[error(transparent)]
    Path(#[from] InvalidPath),
}

impl HttpRule {
    /// The rule that allows `method` on paths that match `path`.
    #[must_use]
    pub fn new(method: Method, path: PathPattern) -> Self {
        Self { method, path }
    }

    /// The one method it allows: GET does not bring HEAD with it.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The paths it allows.
    #[must_use]
    pub fn path(&self) -> &PathPattern {
        &self.path
    }

    /// Whether the rule allows this request.
    #[must_use]
    pub fn allows(&self, method: Method, path: &RequestPath) -> bool {
        self.method == method && self.path.matches(path)
    }
}

impl FromStr for HttpRule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let (method, path) = text.split_once(' ').ok_or_else(|| InvalidRule::Shape(text.to_owned()))?;
        if path.contains(' ') {
            return Err(InvalidRule::Shape(text.to_owned()));
        }
        Ok(Self { method: method.parse()?, path: path.parse()? })
    }
}

impl fmt::Display for HttpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
