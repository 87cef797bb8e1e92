//! Who is shut out: questions about the deny list.

use portcullis_calls::Host;
use portcullis_store::{Denied, DeniedEntry, DeniedKind};
use serde::{Deserialize, Serialize};

use super::Response;

/// What is shut out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeniedLine {
    /// `subject`, `client`, `token` (its `jti`) or `issued` (everything issued before `value`, in seconds since 1970).
    pub(crate) kind: DeniedWord,
    /// Of this issuer; empty for any.
    #[serde(default)]
    pub(crate) issuer: String,
    pub(crate) value: String,
}

/// [`DeniedKind`] as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeniedWord {
    Subject,
    Client,
    Token,
    Issued,
}

/// An entry of the list, for people.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeniedEntryLine {
    #[serde(flatten)]
    pub(crate) denied: DeniedLine,
    pub(crate) by: String,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
}

impl From<DeniedWord> for DeniedKind {
    fn from(word: DeniedWord) -> Self {
        match word {
            DeniedWord::Subject => Self::Subject,
            DeniedWord::Client => Self::Client,
            DeniedWord::Token => Self::Token,
            DeniedWord::Issued => Self::Issued,
        }
    }
}

impl From<DeniedKind> for DeniedWord {
    fn from(kind: DeniedKind) -> Self {
        match kind {
            DeniedKind::Subject => Self::Subject,
            DeniedKind::Client => Self::Client,
            DeniedKind::Token => Self::Token,
            DeniedKind::Issued => Self::Issued,
        }
    }
}

pub(super) async fn deny(host: &Host, by: &str, line: DeniedLine) -> Result<Response, String> {
    host.deny(denied(&line), by).await.map_err(|error| error.to_string())?;
    Ok(Response::DeniedChanged { denied: line })
}

pub(super) async fn allow(host: &Host, by: &str, line: DeniedLine) -> Result<Response, String> {
    host.allow_again(denied(&line), by).await.map_err(|error| error.to_string())?;
    Ok(Response::DeniedChanged { denied: line })
}

pub(super) async fn list(host: &Host) -> Result<Response, String> {
    let entries = host.denied().await.map_err(|error| error.to_string())?;
    let line = |entry: DeniedEntry| {
        let DeniedEntry { denied: Denied { kind, issuer, value }, by, at } = entry;
        DeniedEntryLine { denied: DeniedLine { kind: kind.into(), issuer, value }, by, at }
    };
    Ok(Response::DeniedList { entries: entries.into_iter().map(line).collect() })
}

fn denied(line: &DeniedLine) -> Denied {
    Denied { kind: line.kind.into(), issuer: line.issuer.clone(), value: line.value.clone() }
}
