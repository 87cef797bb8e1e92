//! `[capability.NAME]` as it is written: one table for each kind.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::{
    Refusal,
    list::List,
    reader::{At, Form, Reader, Spot},
    table::{MAY, NEED, Row, join, object, table},
    value::{amount, amount_schema, parsed},
};
use crate::{
    Bounds, Partition, SecretName, Unit,
    http::{HttpRule, MAX_REDIRECTS, MAX_RETRIES, MAX_RULES, OriginPattern},
};

table! {
    /// `kind = "kv"`: keys and values kept by the host. Source: DESIGN section 5.
    RawKv {
        /// Opens `kv`. Source: DESIGN section 5.
        NEED kind: IsKv;
        /// Whose rows: `user` gives each principal rows of their own, `shared` gives all the same. Source: ST-20.
        NEED partition: Partition;
        /// Most bytes of keys and values in one partition. Source: ST-20.
        MAY quota: Quota;
        /// Most keys in one partition. Source: ST-20.
        MAY keys: Keys;
    }
}

table! {
    /// `kind = "files"`: whole named files kept by the host. Source: DESIGN section 5.
    RawFiles {
        /// Opens `files`. Source: DESIGN section 5.
        NEED kind: IsFiles;
        /// Whose folder: `user` gives each principal a folder of their own, `shared` gives all the same. Source: ST-20.
        NEED partition: Partition;
        /// Most bytes of names and files in one partition. Source: ST-20.
        MAY quota: Quota;
        /// Most files in one partition. Source: ST-20.
        MAY files: Files;
    }
}

table! {
    /// `kind = "http"`: requests to an origin, by listed methods and paths. Source: DESIGN section 5.
    RawHttp {
        /// Opens `egress`: `NAME:read` opens `egress.read`, for origins inside the operator's [boundary] only, and
        /// `NAME:write` all of it. Source: DESIGN rule 5, WR-02.
        NEED kind: IsHttp;
        /// Where requests may go. `*.` is for exactly one label; without a port it is the scheme's own.
        /// Source: EG-05, EG-24, EG-25.
        NEED origin: OriginPattern;
        /// What they may ask there, each a method and a path: `*` is one whole segment of it, and `**` at its end one or
        /// more. What is not listed is not allowed. Source: EG-30.
        NEED allow: List<HttpRule, 1, MAX_RULES>;
        /// A secret that the host puts into requests; the plugin never sees it. Only for one origin, only over TLS.
        /// Source: EG-07, EG-11.
        MAY secret: RawSecret;
        /// How many redirects a request follows, each checked like the request itself. Source: EG-06.
        MAY redirects: Redirects;
        /// How often a request that can be repeated is sent again when nothing has come back. Source: section 4.
        MAY retries: Retries;
    }
}

table! {
    /// A secret that the host puts into requests. Source: EG-07.
    RawSecret {
        /// The name under which the operator keeps its value. Source: EG-07.
        NEED name: SecretName;
        /// The header that it goes into, and nowhere else. Source: EG-07, EG-10.
        NEED header: HeaderName;
        /// What stands in that header, with `{}` where the secret goes. Source: EG-07.
        NEED value: HeaderValue;
    }
}

/// The kinds of capability this host offers.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Kv,
    Http,
    Files,
}

impl Kind {
    const ALL: [(&'static str, Self); 3] = [("kv", Self::Kv), ("http", Self::Http), ("files", Self::Files)];
}

impl Form for Kind {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(value, spot, Self::words())?;
        let kind = Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, kind)| kind);
        if kind.is_none() {
            let offered = Self::ALL.into_iter().map(|(name, _)| name).collect();
            reader.refuse(spot, Refusal::Kind { written: text.to_owned(), offered });
        }
        kind
    }

    fn schema() -> Value {
        json!({ "enum": Self::ALL.map(|(name, _)| name) })
    }

    fn words() -> String {
        let names = Self::ALL.map(|(name, _)| format!("\"{name}\""));
        format!("one of {}", names.join(", "))
    }
}

/// The `kind` of a table of which that is known already.
macro_rules! kinds {
    ($($name:ident $word:literal;)+) => {$(
        #[derive(Debug)]
        pub(super) struct $name;

        impl Form for $name {
            fn read(_: &DeValue<'_>, _: &Spot, _: &mut Reader<'_>) -> Option<Self> {
                Some(Self)
            }

            fn schema() -> Value {
                json!({ "const": $word })
            }

            fn words() -> String {
                concat!("\"", $word, "\"").to_owned()
            }
        }
    )+};
}

kinds! {
    IsKv "kv";
    IsHttp "http";
    IsFiles "files";
}

/// A capability of any kind.
#[derive(Debug)]
pub(super) enum RawCapability {
    Kv(RawKv),
    Http(Box<RawHttp>),
    Files(RawFiles),
}

impl Form for RawCapability {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let table = reader.table(value, spot, Self::words())?;
        // Of a kind that is not known, no key can be known: then the kind is all there is to say.
        let kind: At<Kind> = reader.key(table, spot, "kind", NEED)?;
        match kind.value {
            Kind::Kv => RawKv::read(value, spot, reader).map(Self::Kv),
            Kind::Http => RawHttp::read(value, spot, reader).map(|http| Self::Http(Box::new(http))),
            Kind::Files => RawFiles::read(value, spot, reader).map(Self::Files),
        }
    }

    fn schema() -> Value {
        json!({ "type": "object", "oneOf": [RawKv::schema(), RawHttp::schema(), RawFiles::schema()] })
    }

    fn words() -> String {
        "a table with a `kind`".to_owned()
    }
}

macro_rules! amounts {
    ($($name:ident, $key:literal, $bounds:expr;)+) => {$(
        #[derive(Debug)]
        pub(super) struct $name(pub(super) u64);

        impl $name {
            pub(super) const BOUNDS: Bounds = $bounds;
        }

        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                amount(value, $key, Self::BOUNDS, spot, reader).map(Self)
            }

            fn schema() -> Value {
                amount_schema(Self::BOUNDS)
            }

            fn words() -> String {
                Self::BOUNDS.unit.form().to_owned()
            }
        }
    )+};
}

amounts! {
    Quota, "quota", Bounds { unit: Unit::Bytes, default: 16 << 20, minimum: 1 << 10, maximum: 64 << 20 };
    Keys, "keys", Bounds { unit: Unit::Count, default: 10_000, minimum: 1, maximum: 100_000 };
    Files, "files", Bounds { unit: Unit::Count, default: 1_000, minimum: 1, maximum: 10_000 };
    Redirects, "redirects", Bounds { unit: Unit::Count, default: 0, minimum: 0, maximum: MAX_REDIRECTS as u64 };
    Retries, "retries", Bounds { unit: Unit::Count, default: 0, minimum: 0, maximum: MAX_RETRIES as u64 };
}

parsed! {
    OriginPattern,
    json!({ "type": "string", "pattern": "^https?://(\\*\\.)?[a-z0-9-]+(\\.[a-z0-9-]+)*(:[1-9][0-9]{0,4})?$" }),
    "an origin such as \"https://api.example.com\" or \"https://*.example.com:8443\"";

    HttpRule,
    json!({ "type": "string", "pattern": "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /[!-~]*$" }),
    "a method and a path such as \"GET /v1/contacts/*\"";
}

/// Texts of `secret`. What they may be is checked when they are put together, so that only one place says it.
macro_rules! written {
    ($($name:ident, $schema:expr, $words:literal;)+) => {$(
        #[derive(Debug)]
        pub(super) struct $name(pub(super) String);

        impl Form for $name {
            fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
                reader.text(value, spot, Self::words()).map(|text| Self(text.to_owned()))
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

written! {
    HeaderName,
    json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$" }),
    "the name of a header in lower case, such as \"authorization\"";

    HeaderValue,
    json!({ "type": "string", "maxLength": 256, "pattern": "^[^{}]*\\{\\}[^{}]*$" }),
    "text with `{}` where the secret goes, such as \"Bearer {}\"";
}
