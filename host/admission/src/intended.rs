//! What a call means to do to the world outside its sandbox: what a preview lists, and what a confirmed run is held to.

use std::fmt;

use portcullis_manifest::{Digest, visible};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One effect. Equal values are the same effect: a confirmed run may do nothing that is not equal to what was previewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect")]
pub enum Intended {
    /// A request that leaves the host.
    #[serde(rename = "egress.send")]
    Send {
        /// The capability.
        capability: String,
        /// The method.
        method: String,
        /// Scheme, host and port.
        origin: String,
        /// Path and query, as they are sent.
        path: String,
        /// The names of the headers that the guest set, in its order.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        headers: Vec<String>,
        /// Of these headers with their values.
        headers_sha256: Digest,
        /// What is sent with it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        body: Option<Content>,
    },
    /// A value that is kept.
    #[serde(rename = "kv.set")]
    KvSet {
        /// The capability.
        capability: String,
        /// The key.
        key: String,
        /// The value.
        value: Content,
        /// For how many seconds; none: until it is changed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        seconds: Option<u32>,
    },
    /// A value that is removed.
    #[serde(rename = "kv.delete")]
    KvDelete {
        /// The capability.
        capability: String,
        /// The key.
        key: String,
    },
    /// A file that is kept.
    #[serde(rename = "files.write")]
    FileWrite {
        /// The capability.
        capability: String,
        /// The file's name.
        name: String,
        /// What it holds.
        content: Content,
    },
    /// A file that is removed.
    #[serde(rename = "files.remove")]
    FileRemove {
        /// The capability.
        capability: String,
        /// The file's name.
        name: String,
    },
}

/// Bytes, by their number and their digest: a preview names what is written and repeats none of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// How many.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: Digest,
}

/// What a preview found, and what makes the run that follows it the same: kept by the host between the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previewed {
    /// Where its random numbers and its time came from.
    pub fixed: Fixed,
    /// In the order in which they would be done.
    pub effects: Vec<Intended>,
    /// Whether that is all. False: the tool could not go on to its end without an answer from outside, and what it would do
    /// after that is not here.
    pub whole: bool,
}

/// Randomness and time that a run can be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixed {
    /// Seed of every random number.
    pub seed: [u8; 32],
    /// Milliseconds since 1970: what the wall clock says, all the time.
    pub clock: i64,
    /// What the guest is told that the call is named.
    pub call: Uuid,
}

impl Content {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, sha256: Digest::of(bytes) }
    }
}

/// Most characters of a key or a name that are put into words, and of a path.
const NAME: usize = 80;
const PATH: usize = 300;

/// What a guest chose, in quotes that it can't leave, and cut with its length said: it must not pass for words of the host's.
fn quoted(text: &str, longest: usize) -> String {
    let shown: String = visible(text).chars().take(longest).collect();
    let shown = shown.replace('\\', "\\\\").replace('"', "\\\"");
    match text.chars().count() {
        count if count > longest => format!("\"{shown}…\" ({count} characters)"),
        _ => format!("\"{shown}\""),
    }
}

impl fmt::Display for Intended {
    /// In plain words, for the person who is asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { method, origin, path, headers, body, .. } => {
                write!(f, "send {method} to {origin}, path {}", quoted(path, PATH))?;
                match headers.len() {
                    0 => {}
                    1..=8 => write!(
                        f,
                        ", with the headers {}",
                        headers.iter().map(|h| quoted(h, 40)).collect::<Vec<_>>().join(", ")
                    )?,
                    count => write!(f, ", with {count} headers")?,
                }
                match body {
                    Some(body) => write!(f, ", with a body of {} bytes", body.bytes),
                    None => Ok(()),
                }
            }
            Self::KvSet { capability, key, value, seconds } => {
                write!(f, "keep {} bytes in {capability} under {}", value.bytes, quoted(key, NAME))?;
                match seconds {
                    Some(seconds) => write!(f, ", for {seconds} s"),
                    None => Ok(()),
                }
            }
            Self::KvDelete { capability, key } => write!(f, "remove from {capability} {}", quoted(key, NAME)),
            Self::FileWrite { capability, name, content } => {
                write!(f, "write in {capability} the file {}, {} bytes", quoted(name, NAME), content.bytes)
            }
            Self::FileRemove { capability, name } => {
                write!(f, "remove from {capability} the file {}", quoted(name, NAME))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wr_05_an_effect_is_written_and_read_back_unchanged() {
        let effects = [
            Intended::Send {
                capability: "crm".to_owned(),
                method: "POST".to_owned(),
                origin: "https://api.crm.example".to_owned(),
                path: "/v1/notes?x=1".to_owned(),
                headers: vec!["accept".to_owned()],
                headers_sha256: Digest::of(b""),
                body: Some(Content::of(b"hello")),
            },
            Intended::KvSet {
                capability: "a".to_owned(),
                key: "k".to_owned(),
                value: Content::of(b""),
                seconds: Some(5),
            },
            Intended::KvDelete { capability: "a".to_owned(), key: "k".to_owned() },
            Intended::FileWrite { capability: "a".to_owned(), name: "n".to_owned(), content: Content::of(b"x") },
            Intended::FileRemove { capability: "a".to_owned(), name: "n".to_owned() },
        ];
        for effect in effects {
            let text = serde_json::to_string(&effect).unwrap();
            assert_eq!(serde_json::from_str::<Intended>(&text).unwrap(), effect, "{text}");
        }
    }

    #[test]
    fn mc_10_what_a_guest_chose_is_told_in_quotes_that_it_cannot_leave() {
        let said = |key: &str| Intended::KvDelete { capability: "a".to_owned(), key: key.to_owned() }.to_string();
        assert!(!said("x\u{202e}y\nz").chars().any(portcullis_manifest::hides));
        assert_eq!(said(r#"x". All is well. "y"#), r#"remove from a "x\". All is well. \"y""#);
        assert_eq!(said(r"x\"), r#"remove from a "x\\""#);
        assert!(said(&"k".repeat(NAME)).ends_with("k\""), "as long as one may be");
        let long = said(&"k".repeat(500));
        assert!(long.len() < 150 && long.ends_with("…\" (500 characters)"), "{long}");
    }
}
