//! A note and its id.

use std::{fmt, time::SystemTime};

use portcullis_plugin::ToolError;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A note, as it is kept and as it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) id: Id,
    pub(crate) title: String,
    pub(crate) body: String,
    /// RFC 3339.
    pub(crate) created: String,
    /// RFC 3339. The same as `created` for as long as there is no tool that changes a note.
    pub(crate) updated: String,
}

/// 20 hex digits: the time of creation in milliseconds, counted down, and then 32 random bits. Byte order is the order
/// in which the host lists keys; counted down, it is newest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Id(String);

const LAST_MILLISECOND: u64 = (1 << 48) - 1;

impl Id {
    pub(crate) fn new(now: SystemTime, random: u32) -> Self {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let left = LAST_MILLISECOND.saturating_sub(u64::try_from(since).unwrap_or(u64::MAX));
        Self(format!("{left:012x}{random:08x}"))
    }

    /// The id in what a model sent.
    pub(crate) fn parse(text: &str) -> Result<Self, ToolError> {
        if text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return Ok(Self(text.to_owned()));
        }
        Err(ToolError::new(format!(
            "\"{text}\" is no id of a note: an id is 20 of 0-9 and a-f. Use search to find the note and its id."
        )))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 3339, UTC.
pub(crate) fn timestamp(now: SystemTime) -> Result<String, ToolError> {
    let text = OffsetDateTime::from(now).format(&Rfc3339);
    text.map_err(|error| ToolError::new(format!("The host's clock shows a time that can't be written: {error}")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    #[test]
    fn a_newer_id_sorts_before_an_older_one() {
        let mut last = Id::new(at(0), 0);
        for ms in [1, 999, 1_000, 1_795_325_000_000, 4_102_444_800_000, LAST_MILLISECOND] {
            let id = Id::new(at(ms), 0xffff);
            assert!(id < last, "{id} {last}");
            last = id;
        }
    }

    #[test]
    fn every_id_made_is_an_id_when_it_comes_back() {
        for id in [Id::new(at(0), 0), Id::new(at(1_795_325_000_000), 0xffff)] {
            assert_eq!(Id::parse(&id.to_string()), Ok(id));
        }
    }

    #[test]
    fn what_is_no_id_is_refused_with_what_one_looks_like() {
        for text in ["", "1", "Milk", "FE63C2B1A0FF0001", "fe63c2b1a0ff000g", "fe63c2b1a0ff00011", "é63c2b1a0ff0001"] {
            let error = Id::parse(text).expect_err(text).to_string();
            assert!(error.contains("20 of 0-9 and a-f") && error.contains("search"), "{error}");
        }
    }

    #[test]
    fn times_are_written_as_rfc_3339() {
        assert_eq!(timestamp(at(1_795_325_000_123)).as_deref(), Ok("2026-11-22T05:23:20.123Z"));
    }
}
