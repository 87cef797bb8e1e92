//! What the client says of the person or their device.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::bindings::portcullis::plugin::caller;

/// What this client says of the person or their device, of what the manifest asks for (`hints = ["locale", "location"]`). Any of
/// it may be missing, and any of it may be wrong: nothing may be allowed because of it. See
/// [`Context::hints`](crate::Context::hints).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// Names of the manifest, and JSON.
    given: Vec<(String, String)>,
}

/// Roughly where the person is. Every part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Location {
    /// Such as `Lyon`.
    #[serde(deserialize_with = "lenient")]
    pub city: Option<String>,
    /// Such as `Auvergne-Rhône-Alpes`.
    #[serde(deserialize_with = "lenient")]
    pub region: Option<String>,
    /// Such as `FR`.
    #[serde(deserialize_with = "lenient")]
    pub country: Option<String>,
    /// Such as `Europe/Paris`.
    #[serde(deserialize_with = "lenient")]
    pub timezone: Option<String>,
    /// Degrees east.
    #[serde(deserialize_with = "degrees")]
    pub longitude: Option<f64>,
    /// Degrees north.
    #[serde(deserialize_with = "degrees")]
    pub latitude: Option<f64>,
}

impl Hints {
    /// These names and their values as JSON; for tests of a plugin's logic.
    pub fn new<N: Into<String>, J: Into<String>>(given: impl IntoIterator<Item = (N, J)>) -> Self {
        Self { given: given.into_iter().map(|(name, json)| (name.into(), json.into())).collect() }
    }

    pub(crate) fn of_this_call() -> Self {
        Self::new(caller::hints().into_iter().map(|caller::Hint { name, value }| (name, value)))
    }

    /// The hint of that name, as in `hints` of the manifest, if the client gave it and it is a `T`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (_, json) = self.given.iter().find(|(known, _)| known == name)?;
        serde_json::from_str(json).ok()
    }

    /// The person's language, BCP 47.
    #[must_use]
    pub fn locale(&self) -> Option<String> {
        self.get("locale")
    }

    /// The person's browser or app.
    #[must_use]
    pub fn user_agent(&self) -> Option<String> {
        self.get("user-agent")
    }

    /// Roughly where the person is.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.get("location")
    }

    /// A name that the client has for the person. Who calls is [`Caller::subject`](crate::Caller::subject).
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        self.get("subject")
    }

    /// A name that the client has for the conversation.
    #[must_use]
    pub fn session(&self) -> Option<String> {
        self.get("session")
    }

    /// A name that the client has for the person's organisation.
    #[must_use]
    pub fn organization(&self) -> Option<String> {
        self.get("organization")
    }
}

/// A part of another kind is a part that is missing: one bad part must not take the others away.
fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_str().map(Into::into))
}

/// Clients give numbers, and numbers as texts.
fn degrees<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|degrees| degrees.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_part_is_missing_and_takes_nothing_with_it() {
        let json = r#"{"city":"Lyon","country":7,"longitude":"4.8","latitude":45.7,"planet":"Earth"}"#;
        let hints = Hints::new([("location", json), ("locale", "\"fr\""), ("session", "7")]);
        let location = hints.location().expect("is there");
        assert_eq!((location.city.as_deref(), location.country), (Some("Lyon"), None));
        assert_eq!((location.longitude, location.latitude), (Some(4.8), Some(45.7)));
        assert_eq!((hints.locale().as_deref(), hints.session(), hints.subject()), (Some("fr"), None, None));
    }

    #[test]
    fn what_is_no_object_is_no_location() {
        assert_eq!(Hints::new([("location", "\"Lyon\"")]).location(), None);
    }
}
