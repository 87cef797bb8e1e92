//! The forms of single values: what each may be, in code, in words and in JSON Schema.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::{
    Refusal,
    reader::{Form, Reader, Spot, found},
};
use crate::{
    ArgumentName, AskKind, Bounds, CapabilityName, Confirm, Hint, Label, Partition, PluginName, Preview, Scope,
    SecretName, TaskSupport, ToolName, Unit, text,
};

/// `manifest = 1`.
#[derive(Debug)]
pub(super) struct Format;

impl Form for Format {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let written = match value {
            DeValue::Integer(number) if number.to_string() == "1" => return Some(Self),
            DeValue::Integer(number) => number.to_string(),
            DeValue::String(text) => text.to_string(),
            other => found(other).to_owned(),
        };
        reader.refuse(spot, Refusal::Format(written));
        None
    }

    fn schema() -> Value {
        json!({ "const": 1 })
    }

    fn words() -> String {
        "1".to_owned()
    }
}

macro_rules! names {
    ($($name:ident, $pattern:literal;)+) => {$(
        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                let text = reader.text(value, spot, Self::words())?;
                text.parse().map_err(|_| reader.refuse(spot, form::<Self>(text))).ok()
            }

            fn schema() -> Value {
                json!({ "type": "string", "pattern": $pattern })
            }

            fn words() -> String {
                format!("text: {}", Self::RULE)
            }
        }
    )+};
}

names! {
    PluginName, "^[a-z][a-z0-9-]{0,39}$";
    ToolName, "^[a-z][a-z0-9_]{0,63}$";
    ArgumentName, "^[A-Za-z][A-Za-z0-9_]{0,63}$";
    CapabilityName, "^[a-z][a-z0-9_-]{0,39}$";
    SecretName, "^[a-z][a-z0-9_-]{0,63}$";
    Scope, "^[!#-\\[\\]-~]{1,128}$";
}

pub(super) fn form<F: Form>(written: &str) -> Refusal {
    Refusal::Form { written: written.to_owned(), form: F::words() }
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident, $schema:expr, $words:literal, $check:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(super) struct $name(pub(super) String);

        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                let text = reader.text(value, spot, Self::words())?;
                let check: fn(&str) -> bool = $check;
                if !check(text) {
                    reader.refuse(spot, form::<Self>(text));
                    return None;
                }
                Some(Self(text.to_owned()))
            }

            fn schema() -> Value {
                $schema
            }

            fn words() -> String {
                $words.to_owned()
            }
        }
    )+};
}

texts! {
    /// Semantic Versioning 2.0.
    Version,
    json!({ "type": "string", "maxLength": 64, "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$" }),
    "a semantic version such as \"1.2.0\", at most 64 characters",
    |text| text.len() <= 64 && semver::Version::parse(text).is_ok();

    /// A file beside the manifest.
    FileName,
    json!({ "type": "string", "maxLength": 128, "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$" }),
    "a file relative to the manifest such as \"schemas/create.json\": at most 128 of A-Z, a-z, 0-9, _, -, . and /, no part beginning with a dot",
    is_file_name;

    /// Where users get help.
    Contact,
    json!({ "type": "string", "maxLength": 256, "pattern": "^(mailto:|https://)" }),
    "an address that begins with mailto: or https://",
    |text| is_https(text) || is_mailto(text);

    /// RFC 6838: a type, a subtype, and parameters without quotation marks.
    MediaType,
    json!({ "type": "string", "maxLength": 128, "pattern": "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*(; ?[a-z]+=[A-Za-z0-9_.+-]+)*$" }),
    "a media type such as \"text/markdown\", at most 128 characters",
    is_media_type;

    /// The name of an argument.
    Property,
    json!({ "type": "string", "minLength": 1, "maxLength": 128 }),
    "the name of an argument, at most 128 characters",
    |text| (1..=128).contains(&text.chars().count()) && !text.chars().any(text::hides);

    /// A web page.
    WebPage,
    json!({ "type": "string", "maxLength": 256, "pattern": "^https://" }),
    "an address that begins with https://",
    is_https;
}

fn is_file_name(text: &str) -> bool {
    let part = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) && !part.starts_with(['.', '-'])
    };
    text.len() <= 128 && text.split('/').all(|name| !name.is_empty() && part(name))
}

fn is_media_type(text: &str) -> bool {
    let token = |text: &str, also: &[u8]| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
    };
    let mut parts = text.split(';');
    let essence = parts.next().and_then(|essence| essence.split_once('/'));
    let parameter = |part: &str| {
        part.strip_prefix(' ').unwrap_or(part).split_once('=').is_some_and(|(name, value)| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase())
                && !value.is_empty()
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.+-".contains(&b))
        })
    };
    text.len() <= 128
        && essence.is_some_and(|(kind, subtype)| token(kind, b"!#$&^_.+-") && token(subtype, b"!#$&^_.+-"))
        && parts.all(parameter)
}

fn is_address(text: &str) -> bool {
    text.len() <= 256 && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&b))
}

fn is_mailto(text: &str) -> bool {
    text.strip_prefix("mailto:")
        .and_then(|address| address.split_once('@'))
        .is_some_and(|(user, host)| is_address(text) && !user.is_empty() && is_host(host))
}

fn is_https(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
        is_address(text) && is_host(host) && port.parse::<u16>().is_ok()
    })
}

/// A name with a dot in it: nobody outside reaches `localhost`, and a name without user information can't mislead.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !label.starts_with('-')
    };
    host.contains('.') && host.split('.').all(label)
}

macro_rules! lines {
    ($($(#[doc = $doc:literal])+ $name:ident, $maximum:literal, $lines:literal, $words:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(super) struct $name(pub(super) String);

        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                let form = text::Form { maximum: $maximum, lines: $lines, filled: true };
                reader.linted(value, spot, form, Self::words()).map(Self)
            }

            fn schema() -> Value {
                json!({ "type": "string", "minLength": 1, "maxLength": $maximum })
            }

            fn words() -> String {
                $words.to_owned()
            }
        }
    )+};
}

lines! {
    /// A name for people.
    Title, 80, false, "text of one line, at most 80 characters";
    /// One line for the admin.
    Summary, 200, false, "text of one line, at most 200 characters";
    /// What a client shows while a tool runs.
    Invocation, 64, false, "text of one line, at most 64 characters";
    /// Text for the model.
    Description, 1024, true, "text, at most 1024 characters";
}

impl Form for bool {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let written = value.as_bool();
        if written.is_none() {
            reader.refuse(spot, Refusal::Type { found: found(value), expected: Self::words() });
        }
        written
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }

    fn words() -> String {
        "true or false".to_owned()
    }
}

/// Text of a type that parses itself and says what is wrong.
macro_rules! parsed {
    ($($name:ty, $schema:expr, $words:literal;)+) => {$(
        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                let text = reader.text(value, spot, Self::words())?;
                text.parse::<Self>().map_err(|error| reader.refuse(spot, error.into())).ok()
            }

            fn schema() -> Value {
                $schema
            }

            fn words() -> String {
                $words.to_owned()
            }
        }
    )+};
}

pub(super) use parsed;

macro_rules! words {
    ($($name:ident { $($word:literal => $value:expr),+ })+) => {$(
        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                match reader.text(value, spot, Self::words())? {
                    $($word => Some($value),)+
                    text => {
                        let offered = vec![$($word),+];
                        reader.refuse(spot, Refusal::Word { written: text.to_owned(), offered });
                        None
                    }
                }
            }

            fn schema() -> Value {
                json!({ "enum": [$($word),+] })
            }

            fn words() -> String {
                let words = [$(concat!("\"", $word, "\"")),+];
                format!("one of {}", words.join(", "))
            }
        }
    )+};
}

pub(super) use words;

words! {
    Partition { "user" => Self::User, "shared" => Self::Shared }
    Label { "read" => Self::Read, "write" => Self::Write, "destructive" => Self::Destructive }
    Confirm { "preview" => Self::Preview, "person" => Self::Person }
    Preview { "whole" => Self::Whole, "partial" => Self::Partial }
    AskKind { "form" => Self::Form, "sampling" => Self::Sampling, "roots" => Self::Roots }
    TaskSupport { "never" => Self::Never, "optional" => Self::Optional, "required" => Self::Required }
    Hint {
        "locale" => Self::Locale, "user-agent" => Self::UserAgent, "location" => Self::Location,
        "subject" => Self::Subject, "session" => Self::Session, "organization" => Self::Organization
    }
}

/// An amount within its bounds, or a refusal that names them.
pub(super) fn amount(
    value: &DeValue<'_>,
    limit: &'static str,
    bounds: Bounds,
    spot: &Spot,
    reader: &mut Reader<'_>,
) -> Option<u64> {
    let Bounds { unit, minimum, maximum, .. } = bounds;
    let number = match value {
        DeValue::Integer(number) if unit.takes_number() => match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number,
            Err(_) => {
                reader.refuse(spot, Refusal::Number { written: number.to_string(), form: unit.form() });
                return None;
            }
        },
        DeValue::String(text) if unit != Unit::Count => match unit.parse(text) {
            Some(number) => number,
            None => {
                reader.refuse(spot, Refusal::Form { written: text.to_string(), form: unit.form().to_owned() });
                return None;
            }
        },
        other => {
            reader.refuse(spot, Refusal::Type { found: found(other), expected: unit.form().to_owned() });
            return None;
        }
    };
    if number > maximum {
        reader.refuse(spot, Refusal::TooMuch { limit, unit, value: number, maximum });
    } else if number < minimum {
        reader.refuse(spot, Refusal::TooLittle { limit, unit, value: number, minimum });
    } else {
        return Some(number);
    }
    None
}

/// The JSON Schema of an amount. Sizes and times as text can't be bounded there, so the bounds stand in words beside it.
pub(super) fn amount_schema(bounds: Bounds) -> Value {
    let Bounds { unit, default, minimum, maximum } = bounds;
    let number = json!({ "type": "integer", "minimum": minimum, "maximum": maximum });
    let mut schema = match unit {
        Unit::Bytes => json!({ "anyOf": [number, { "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB)$" }] }),
        Unit::Time => json!({ "type": "string", "pattern": "^[0-9]+ ?(ms|s)$" }),
        Unit::Count => number,
    };
    schema["default"] = match unit {
        Unit::Count => default.into(),
        _ => unit.print(default).into(),
    };
    schema["x-minimum"] = unit.print(minimum).into();
    schema["x-maximum"] = unit.print(maximum).into();
    schema
}

#[cfg(test)]
mod tests;
