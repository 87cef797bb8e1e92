//! Names and ids, each checked once where it enters, so that whoever holds one need not look again.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A name that is not of its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` is not allowed: {rule}")]
pub struct InvalidName {
    what: &'static str,
    value: String,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The form, in words.
            pub const RULE: &'static str = $rule;

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> {
                let check: fn(&str) -> bool = $check;
                if check(value) {
                    Ok(Self(value.into()))
                } else {
                    // A hostile name may be long; the error has to stay readable.
                    let value = value.chars().take(80).collect();
                    Err(InvalidName { what: $what, value, rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(value: String) -> Result<Self, InvalidName> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.as_ref().to_owned()
            }
        }

        impl From<$name> for std::sync::Arc<str> {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn lower_name(value: &str, longest: usize, also: &[u8]) -> bool {
    value.len() <= longest
        && value.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || also.contains(&b))
}

name! {
    /// The name of a plugin, unique on a host.
    PluginName, "plugin name", "1 to 40 of a-z, 0-9 and -, beginning with a letter",
    |value| lower_name(value, 40, b"-")
}
name! {
    /// The name of a tool inside its plugin.
    ToolName, "tool name", "1 to 64 of a-z, 0-9 and _, beginning with a letter",
    |value| lower_name(value, 64, b"_")
}
name! {
    /// The name of a prompt's argument. Clients show it and send it back, and many programs write `resourceUri`.
    ArgumentName, "argument name", "1 to 64 of A-Z, a-z, 0-9 and _, beginning with a letter",
    |value| value.len() <= 64
        && value.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
name! {
    /// The name under which a manifest declares a capability.
    CapabilityName, "capability name", "1 to 40 of a-z, 0-9, - and _, beginning with a letter",
    |value| lower_name(value, 40, b"-_")
}
name! {
    /// The name under which the operator keeps the value of a secret.
    SecretName, "secret name", "1 to 64 of a-z, 0-9, - and _, beginning with a letter",
    |value| lower_name(value, 64, b"-_")
}
name! {
    /// The name of a tool as clients see it: the release's prefix and the tool's name. Catalogue MC-04.
    WireName, "tool name on the wire", "1 to 128 of A-Z, a-z, 0-9, _, - and .",
    |value| (1..=128).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}
name! {
    /// An OAuth scope token (RFC 6749 section 3.3).
    Scope, "scope", "1 to 128 printable ASCII characters other than space, \" and \\",
    |value| (1..=128).contains(&value.len())
        && value.bytes().all(|b| b == 0x21 || (0x23..=0x5b).contains(&b) || (0x5d..=0x7e).contains(&b))
}

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("sha256:")?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> {
                let wrong = || InvalidName {
                    what: "digest",
                    value: value.chars().take(80).collect(),
                    rule: "`sha256:` and 64 of 0-9 and a-f",
                };
                let hex = value.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.is_ascii());
                let hex = hex.ok_or_else(wrong)?;
                let mut bytes = [0; 32];
                for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
                    let nibble = |c: u8| match c {
                        b'0'..=b'9' => Some(c - b'0'),
                        b'a'..=b'f' => Some(c - b'a' + 10),
                        _ => None,
                    };
                    *byte = nibble(pair[0]).zip(nibble(pair[1])).map(|(h, l)| h << 4 | l).ok_or_else(wrong)?;
                }
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(value: String) -> Result<Self, InvalidName> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

hash! {
    /// SHA-256 of some bytes: a component, a precompiled artefact, an audit record.
    Digest
}
hash! {
    /// What an approval is a decision on: every byte of a release that matters. See [`crate::Package::fingerprint`].
    Fingerprint
}

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Names a release for people: `notes@1.2.0`. What is approved and served is its [`Fingerprint`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReleaseId {
    /// The plugin.
    pub plugin: PluginName,
    /// Its version (Semantic Versioning 2.0).
    pub version: String,
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.plugin, self.version)
    }
}
