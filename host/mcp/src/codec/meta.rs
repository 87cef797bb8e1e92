//! What clients say beside a method's own parameters: `params._meta`, and what they can do.

use portcullis_backend::{Asking, Hints, Trace};
use portcullis_manifest::NoticeLevel;
use serde_json::Value;

use super::{Field, Id, hints, id, object, text};
use crate::{
    era::Version,
    json::{JsonError, Reader},
    methods::EXTENSION,
    trace,
};

/// What is read of what a client says it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Elicitation in mode `form`, sampling, roots.
    pub(crate) asking: Asking,
    /// Modern only: it takes a task for an answer.
    pub(crate) tasks: bool,
}

/// What is read of `params._meta`.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    pub(crate) version: Field<Version>,
    pub(crate) capabilities: Field<Capabilities>,
    /// The least level of lines that the client wants.
    pub(crate) log_level: Field<NoticeLevel>,
    pub(crate) client_info: Field<()>,
    /// What its progress is reported under.
    pub(crate) progress_token: Field<Id>,
    /// On the heap, as the trace: few requests have them, and each pays for the size of this.
    pub(crate) hints: Option<Box<Hints>>,
    pub(crate) trace: Option<Box<Trace>>,
    pub(crate) preview: Field<bool>,
    /// Whether the client links accounts on results: ChatGPT does, whose own keys all begin alike (facts B3).
    pub(crate) links_accounts: bool,
}

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
                        Field::Is(level) => notice_level(&level).map_or(Field::Wrong, Field::Is),
                        _ => Field::Wrong,
                    };
                }
                "io.modelcontextprotocol/clientInfo" => {
                    meta.client_info = match object(reader, client_info)? {
                        Field::Is(true) => Field::Is(()),
                        _ => Field::Wrong,
                    };
                }
                "progressToken" => meta.progress_token = id(reader)?,
                "portcullis/preview" => {
                    meta.preview = match reader.value()? {
                        Value::Bool(preview) => Field::Is(preview),
                        _ => Field::Wrong,
                    };
                }
                "traceparent" => {
                    meta.trace = if let Field::Is(text) = text(reader)? { trace::read(&text) } else { None };
                }
                key if key.starts_with("openai/") => {
                    hints::read(reader, key, meta.hints.get_or_insert_default())?;
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
                "elicitation" => {
                    let forms = object(reader, elicits_forms)? == Field::Is(true);
                    // What older revisions do not have, `initialize` takes out.
                    (capabilities.asking.form, capabilities.asking.lists) = (forms, forms);
                }
                "sampling" => capabilities.asking.sampling = is_object(reader)?,
                "roots" => capabilities.asking.roots = is_object(reader)?,
                "extensions" => capabilities.tasks = object(reader, extends_to_tasks)? == Field::Is(true),
                _ => drop(reader.value()?),
            }
            Ok(())
        })?;
        Ok(capabilities)
    }
}

/// Whether a capability is there, whatever more it says.
fn is_object(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    Ok(object(reader, |reader| reader.map().map(drop))? == Field::Is(()))
}

fn extends_to_tasks(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    let mut tasks = false;
    reader.object(|reader, key| {
        match key {
            EXTENSION => tasks = is_object(reader)?,
            _ => drop(reader.value()?),
        }
        Ok(())
    })?;
    Ok(tasks)
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

/// The level of that name.
pub(crate) fn notice_level(name: &str) -> Option<NoticeLevel> {
    NoticeLevel::ALL.into_iter().find(|level| level.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(text: &str) -> Meta {
        Meta::read(&mut Reader::new(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_progress_token_is_kept_as_it_came() {
        for (written, expected) in [
            (r#""a\n\u0000""#, Field::Is(Id::Text("a\n\0".into()))),
            (r#""""#, Field::Is(Id::Text("".into()))),
            ("-7", Field::Is(Id::Signed(-7))),
            ("18446744073709551615", Field::Is(Id::Unsigned(u64::MAX))),
            ("1.5", Field::Wrong),
            ("null", Field::Wrong),
            ("[1]", Field::Wrong),
        ] {
            assert_eq!(meta(&format!(r#"{{"progressToken":{written}}}"#)).progress_token, expected, "{written}");
        }
        assert_eq!(meta("{}").progress_token, Field::Absent);
    }

    /// Fails without the bound on texts of ids, which request ids share.
    #[test]
    fn mc_40_a_progress_token_that_is_long_is_none() {
        let token = |length: usize| meta(&format!(r#"{{"progressToken":"{}"}}"#, "t".repeat(length))).progress_token;
        assert_eq!(token(1024), Field::Is(Id::Text("t".repeat(1024).into())));
        assert_eq!(token(1025), Field::Wrong);
    }

    #[test]
    fn a_log_level_is_one_of_eight_words() {
        let of = |written: &str| meta(&format!(r#"{{"io.modelcontextprotocol/logLevel":{written}}}"#)).log_level;
        for level in NoticeLevel::ALL {
            assert_eq!(of(&format!("\"{}\"", level.as_str())), Field::Is(level));
        }
        for wrong in [r#""Info""#, r#""""#, r#""warn""#, "3", "null", "[]"] {
            assert_eq!(of(wrong), Field::Wrong, "{wrong}");
        }
        assert_eq!(meta("{}").log_level, Field::Absent);
    }
}
