//! What ChatGPT says of the person and their device (facts C). One that is not of its form is as good as none: a hint must
//! never be a reason to refuse, nor to allow.

use portcullis_backend::Hints;
use portcullis_manifest::hides;
use serde_json::Value;

use super::{Field, text};
use crate::json::{JsonError, Reader};

/// A language tag needs no more.
const LOCALE: usize = 35;
const USER_AGENT: usize = 512;
const LOCATION: usize = 1024;
const NAME: usize = 256;

/// Reads the value of `key`.
pub(super) fn read(reader: &mut Reader<'_>, key: &str, hints: &mut Hints) -> Result<(), JsonError> {
    match key {
        "openai/locale" => hints.locale = short(reader, LOCALE)?.filter(|locale| is_locale(locale)),
        "openai/userAgent" => hints.user_agent = short(reader, USER_AGENT)?,
        "openai/userLocation" => {
            hints.location = match reader.value()? {
                Value::Object(location) if !location.is_empty() => {
                    let short = serde_json::to_string(&location).is_ok_and(|text| text.len() <= LOCATION);
                    short.then_some(location)
                }
                _ => None,
            };
        }
        "openai/subject" => hints.subject = short(reader, NAME)?,
        "openai/session" => hints.session = short(reader, NAME)?,
        "openai/organization" => hints.organization = short(reader, NAME)?,
        _ => drop(reader.value()?),
    }
    Ok(())
}

/// A text of one to `most` bytes in which nothing hides.
fn short(reader: &mut Reader<'_>, most: usize) -> Result<Option<String>, JsonError> {
    Ok(match text(reader)? {
        Field::Is(text) if (1..=most).contains(&text.len()) && !text.chars().any(hides) => Some(text.into_owned()),
        _ => None,
    })
}

fn is_locale(locale: &str) -> bool {
    locale.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hint(key: &str, value: &Value) -> Hints {
        let (mut hints, text) = (Hints::default(), value.to_string());
        read(&mut Reader::new(text.as_bytes()).unwrap(), key, &mut hints).unwrap();
        hints
    }

    #[test]
    fn each_hint_is_read_up_to_its_bound() {
        let none = Hints::default();
        let texts = [
            ("openai/locale", 35, Hints { locale: Some("a".repeat(35)), ..none.clone() }),
            ("openai/userAgent", 512, Hints { user_agent: Some("a".repeat(512)), ..none.clone() }),
            ("openai/subject", 256, Hints { subject: Some("a".repeat(256)), ..none.clone() }),
            ("openai/session", 256, Hints { session: Some("a".repeat(256)), ..none.clone() }),
            ("openai/organization", 256, Hints { organization: Some("a".repeat(256)), ..none.clone() }),
        ];
        for (key, most, expected) in texts {
            assert_eq!(hint(key, &json!("a".repeat(most))), expected, "{key}");
            let odd = [json!("a".repeat(most + 1)), json!(""), json!("a\nb"), json!("a\u{202e}b"), json!(1), json!([])];
            for odd in odd.into_iter().chain([json!(null), json!({}), json!(["a"])]) {
                assert_eq!(hint(key, &odd), none, "{key}: {odd}");
            }
        }
        for odd in ["de_DE", "de DE", "d\u{e9}"] {
            assert_eq!(hint("openai/locale", &json!(odd)), none, "{odd}");
        }
        assert_eq!(hint("openai/anything", &json!("a")), none);
    }

    #[test]
    fn a_location_is_an_object_of_at_most_a_kibibyte() {
        let place = json!({ "city": "Bern", "latitude": 46.9, "more": { "timezone": "Europe/Zurich" } });
        assert_eq!(hint("openai/userLocation", &place).location.as_ref(), place.as_object());
        let length = |long: usize| json!({ "a": "x".repeat(long) });
        assert!(hint("openai/userLocation", &length(1024 - 8)).location.is_some());
        for odd in [length(1024 - 7), json!({}), json!("Bern"), json!([]), json!(null)] {
            assert_eq!(hint("openai/userLocation", &odd), Hints::default(), "{odd}");
        }
    }
}
