//! The operator's secrets: read once when the host starts, never printed, wiped when they are dropped. Nothing but the
//! header of a request over TLS ever gets one.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use portcullis_manifest::{SecretName, http::Origin};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// Shorter than this, a value could not be told from ordinary text in a response, nor would it be much of a secret.
pub const MIN_SECRET: usize = 8;
/// No header is sent that is longer.
pub const MAX_SECRET: usize = 4096;

/// Where the operator keeps a secret's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a variable of the environment that the host was started in.
    Env(String),
    /// In a file. One line end at its end is not part of it.
    File(PathBuf),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {}", name.escape_debug()),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

/// One of the operator's secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretConfig {
    /// Where its value is.
    pub source: SecretSource,
    /// The one origin that it is for. A manifest that names the secret for another one gets nothing: an admin who overlooks
    /// the name in a manifest must not give the value away.
    pub origin: Origin,
}

/// A secret's value cannot be used. Read by the operator when the host starts; it says nothing about the value but its length.
#[derive(Debug, thiserror::Error)]
#[error("the secret `{name}` cannot be read from {from}: {reason}")]
pub struct SecretUnreadable {
    name: SecretName,
    from: SecretSource,
    reason: String,
}

/// The secrets, by name.
#[derive(Default)]
pub(crate) struct Secrets(BTreeMap<SecretName, (SecretString, Origin)>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Reads every value once.
    pub(crate) fn read(sources: &BTreeMap<SecretName, SecretConfig>) -> Result<Self, SecretUnreadable> {
        Self::read_with(sources, |name| std::env::var(name).ok().map(Zeroizing::new))
    }

    fn read_with(
        sources: &BTreeMap<SecretName, SecretConfig>,
        environment: impl Fn(&str) -> Option<Zeroizing<String>>,
    ) -> Result<Self, SecretUnreadable> {
        let mut secrets = BTreeMap::new();
        for (name, SecretConfig { source: from, origin }) in sources {
            let unreadable = |reason: String| SecretUnreadable { name: name.clone(), from: from.clone(), reason };
            let text = match from {
                SecretSource::Env(variable) => {
                    environment(variable).ok_or_else(|| unreadable("it is not set, or is no text".to_owned()))?
                }
                SecretSource::File(path) => {
                    if is_public(path) {
                        return Err(unreadable(
                            "everybody on this machine can read it: take that right away (chmod o-rwx)".to_owned(),
                        ));
                    }
                    Zeroizing::new(std::fs::read_to_string(path).map_err(|error| unreadable(error.kind().to_string()))?)
                }
            };
            let value = match from {
                SecretSource::Env(_) => text.as_str(),
                SecretSource::File(_) => text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(&text),
            };
            if !(MIN_SECRET..=MAX_SECRET).contains(&value.len()) {
                let length = value.len();
                return Err(unreadable(format!(
                    "its value has {length} bytes, and {MIN_SECRET} to {MAX_SECRET} are allowed"
                )));
            }
            if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(unreadable("its value has to be visible ASCII without spaces".to_owned()));
            }
            secrets.insert(name.clone(), (SecretString::from(value), origin.clone()));
        }
        Ok(Self(secrets))
    }

    /// The value of `name`, if it is for that origin.
    pub(crate) fn value(&self, name: &SecretName, origin: &Origin) -> Option<&str> {
        let (value, own) = self.0.get(name)?;
        (own == origin).then(|| value.expose_secret())
    }

    /// Every secret that is for that origin: what it answers may repeat any of them, whoever asks.
    pub(crate) fn at(&self, origin: &Origin) -> impl Iterator<Item = (&SecretName, &str)> {
        let here = self.0.iter().filter(move |(_, (_, own))| own == origin);
        here.map(|(name, (value, _))| (name, value.expose_secret()))
    }
}

/// Whether others than its owner and its group may read the file. What is not there is told when it is read.
fn is_public(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: SecretSource) -> Result<Secrets, SecretUnreadable> {
        let environment = |name: &str| match name {
            "TOKEN" => Some(Zeroizing::new("canary-in-a-variable".to_owned())),
            "SHORT" => Some(Zeroizing::new("canary7".to_owned())),
            _ => None,
        };
        let config = SecretConfig { source: from, origin: origin() };
        Secrets::read_with(&BTreeMap::from([("token".parse().unwrap(), config)]), environment)
    }

    fn origin() -> Origin {
        "https://api.crm.example".parse().unwrap()
    }

    fn value(secrets: &Secrets) -> &str {
        secrets.value(&"token".parse().unwrap(), &origin()).unwrap()
    }

    /// Fails without: the comparison of origins in `Secrets::value`.
    #[test]
    fn eg_08_a_secret_is_for_its_own_origin_alone() {
        let secrets = read(SecretSource::Env("TOKEN".to_owned())).unwrap();
        for other in ["https://evil.example", "https://api.crm.example:8443", "http://api.crm.example"] {
            let other: Origin = other.parse().unwrap();
            assert_eq!(secrets.value(&"token".parse().unwrap(), &other), None);
            assert_eq!(secrets.at(&other).count(), 0);
        }
    }

    #[test]
    fn a_secret_comes_from_a_variable_or_from_a_file_without_its_line_end() {
        assert_eq!(value(&read(SecretSource::Env("TOKEN".to_owned())).unwrap()), "canary-in-a-variable");
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in ["canary-in-a-file", "canary-in-a-file\n", "canary-in-a-file\r\n"] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(value(&read(SecretSource::File(file.path().to_owned())).unwrap()), "canary-in-a-file");
        }
    }

    /// Fails without the hand-written `Debug`, or with the value in an error.
    #[test]
    fn eg_07_neither_debug_nor_an_error_shows_a_value() {
        let secrets = read(SecretSource::Env("TOKEN".to_owned())).unwrap();
        assert!(!format!("{secrets:?}").contains("canary"), "{secrets:?}");
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in
            ["canary7", "canary with spaces", "canary\nof two lines", "canary-é-not-ascii", "", &"c".repeat(4097)]
        {
            std::fs::write(file.path(), text).unwrap();
            let error = read(SecretSource::File(file.path().to_owned())).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = read(SecretSource::Env("MISSING".to_owned())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the secret `token` cannot be read from the environment variable MISSING: it is not set, or is no text"
        );
        assert!(read(SecretSource::Env("SHORT".to_owned())).is_err());
    }
}
