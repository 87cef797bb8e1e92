//! What clients say beside a method's own parameters: `params._meta`, and what they can do.

use serde_json::Value;

use super::{Field, id, object, text};
use crate::{
    era::Version,
    json::{JsonError, Reader},
};

/// What is read of what a client says it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Elicitation, mode `form`: it can put questions to a person.
    pub(crate) form: bool,
}

/// What is read of `params._meta`.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    pub(crate) version: Field<Version>,
    pub(crate) capabilities: Field<Capabilities>,
    pub(crate) log_level: Field<()>,
    pub(crate) client_info: Field<()>,
    pub(crate) progress_token: Field<()>,
    pub(crate) locale: Option<String>,
    pub(crate) preview: Field<bool>,
    /// Whether the client links accounts on results: ChatGPT does, whose own keys all begin alike (facts B3).
    pub(crate) links_accounts: bool,
}

/// The longest `openai/locale` that is passed on; a language tag needs no more.
const LOCALE_BYTES: usize = 35;

impl Meta {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut meta = Self::default();
        reader.object(|reader, key| {
            meta.links_accounts |= key.starts_with("openai/");
            match key {
                "io.modelcontextprotocol/protocolVersion" => {
                    meta.version = text(reader)?.map(|text| Version::read(&text));
                }
                "io.modelcontextprotocol/clientCapabilities" => {
                    meta.capabilities = object(reader, Capabilities::read)?;
                }
                "io.modelcontextprotocol/logLevel" => {
                    meta.log_level = match text(reader)? {
                        Field::Is(level) if is_log_level(&level) => Field::Is(()),
                        _ => Field::Wrong,
                    };
                }
                "io.modelcontextprotocol/clientInfo" => {
                    meta.client_info = match object(reader, client_info)? {
                        Field::Is(true) => Field::Is(()),
                        _ => Field::Wrong,
                    };
                }
                "progressToken" => meta.progress_token = id(reader)?.map(drop),
                "portcullis/preview" => {
                    meta.preview = match reader.value()? {
                        Value::Bool(preview) => Field::Is(preview),
                        _ => Field::Wrong,
                    };
                }
                "openai/locale" => {
                    meta.locale = match text(reader)? {
                        Field::Is(locale) if is_locale(&locale) => Some(locale.into_owned()),
                        // A hint: one that is no language tag is as good as none.
                        _ => None,
                    };
                }
                _ => drop(reader.value()?),
            }
            Ok(())
        })?;
        Ok(meta)
    }
}

impl Capabilities {
    /// What has another form than its schema's is not declared: nothing is done that a client may not understand.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut capabilities = Self::default();
        reader.object(|reader, key| {
            match key {
                "elicitation" => capabilities.form = object(reader, elicits_forms)? == Field::Is(true),
                _ => drop(reader.value()?),
            }
            Ok(())
        })?;
        Ok(capabilities)
    }
}

/// Whether `elicitation` declares forms: it names them, or it is from before there was anything else.
fn elicits_forms(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    let (mut form, mut others) = (Field::Absent, false);
    reader.object(|reader, key| {
        match key {
            "form" => form = object(reader, |reader| reader.map().map(drop))?,
            key => {
                others |= key == "url";
                reader.value()?;
            }
        }
        Ok(())
    })?;
    Ok(form == Field::Is(()) || (form == Field::Absent && !others))
}

/// Whether an `Implementation` has what its schema requires. Nothing else is read of it, because nothing may depend on it.
fn client_info(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    let (mut name, mut version) = (false, false);
    reader.object(|reader, key| {
        match key {
            "name" => name = matches!(text(reader)?, Field::Is(_)),
            "version" => version = matches!(text(reader)?, Field::Is(_)),
            _ => drop(reader.value()?),
        }
        Ok(())
    })?;
    Ok(name && version)
}

fn is_log_level(level: &str) -> bool {
    matches!(level, "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency")
}

fn is_locale(locale: &str) -> bool {
    (1..=LOCALE_BYTES).contains(&locale.len())
        && locale.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
