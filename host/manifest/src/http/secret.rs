//! Where a secret goes into a request. Its value is never here: the host puts it in, behind every decision.

use super::{InvalidHeader, header};
use crate::{InvalidName, SecretName, text::quoted};

/// Most characters of `value`.
const LONGEST: usize = 256;

/// `secret = { name = "crm_token", header = "authorization", value = "Bearer {}" }`: which secret, in which header, between
/// which texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretSlot {
    name: SecretName,
    header: String,
    prefix: String,
    suffix: String,
}

/// Why a [`SecretSlot`] is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Its name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Its header.
    #[error(transparent)]
    Header(#[from] InvalidHeader),
    /// No `{}`, two, or other braces.
    #[error("{} does not have exactly one `{{}}` and no other brace; write it where the secret goes: `Bearer {{}}`", quoted(.0))]
    Placeholder(String),
    /// Not visible ASCII.
    #[error(
        "{} has characters that a header value can't have: write visible ASCII, with spaces only inside, for example \
         `Bearer {{}}`",
        quoted(.0)
    )]
    Character(String),
    /// Over its length.
    #[error("the secret's value has {0} characters around the secret and at most {LONGEST} are allowed")]
    TooLong(usize),
}

impl SecretSlot {
    /// Puts the secret `name` into `header`, where `{}` stands in `value`.
    ///
    /// # Errors
    /// [`InvalidSecret`] with the first that is wrong.
    pub fn new(name: &str, header: &str, value: &str) -> Result<Self, InvalidSecret> {
        let name = name.parse()?;
        header::check(header)?;
        if value.len() > LONGEST {
            return Err(InvalidSecret::TooLong(value.len()));
        }
        // A space at an end would be trimmed on the way, so that the header would not be what was approved.
        if !value.bytes().all(|b| matches!(b, b' '..=b'~')) || value.trim() != value {
            return Err(InvalidSecret::Character(value.to_owned()));
        }
        let (prefix, suffix) = value
            .split_once("{}")
            .filter(|(prefix, suffix)| !prefix.contains(['{', '}']) && !suffix.contains(['{', '}']))
            .ok_or_else(|| InvalidSecret::Placeholder(value.to_owned()))?;
        Ok(Self { name, header: header.to_owned(), prefix: prefix.to_owned(), suffix: suffix.to_owned() })
    }

    /// The name under which the operator keeps its value.
    #[must_use]
    pub fn name(&self) -> &SecretName {
        &self.name
    }

    /// The header, in lower case.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// What stands before the secret in the header.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What stands behind it.
    #[must_use]
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// `value` as it was written.
    #[must_use]
    pub fn value(&self) -> String {
        format!("{}{{}}{}", self.prefix, self.suffix)
    }
}
