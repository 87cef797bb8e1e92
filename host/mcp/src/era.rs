//! The two eras of the protocol on one endpoint, and how a message shows which one it belongs to (facts A5).

use crate::codec::{Field, Method, Params};

/// A revision of the protocol that a client may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    V2026_07_28,
    V2025_11_25,
    V2025_06_18,
    /// Never offered; accepted in a header, because a client that was offered another one may still send it.
    V2025_03_26,
}

/// What `server/discover` and -32022 say that this server speaks, newest first.
pub(crate) const SUPPORTED: [Revision; 3] = [Revision::V2026_07_28, Revision::V2025_11_25, Revision::V2025_06_18];

/// A revision as a client wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Known(Revision),
    Other(Box<str>),
}

/// Which rules hold for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// From 2026-07-28 on: everything a request needs is in the request.
    Modern,
    /// Up to 2025-11-25: `initialize` first.
    Legacy,
}

impl Revision {
    pub(crate) const LATEST: Self = Self::V2026_07_28;
    pub(crate) const LATEST_LEGACY: Self = Self::V2025_11_25;

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V2026_07_28 => "2026-07-28",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_03_26 => "2025-03-26",
        }
    }

    pub(crate) fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Modern,
            Self::V2025_11_25 | Self::V2025_06_18 | Self::V2025_03_26 => Era::Legacy,
        }
    }

    /// Whether a field of a form may be a list (`MultiSelectEnumSchema`).
    pub(crate) fn has_lists(self) -> bool {
        matches!(self, Self::V2026_07_28 | Self::V2025_11_25)
    }

    /// The revision that an `initialize` request is answered with: the one asked for, or the newest legacy one.
    pub(crate) fn negotiated(asked: &Version) -> Self {
        match asked {
            Version::Known(revision @ (Self::V2025_11_25 | Self::V2025_06_18)) => *revision,
            _ => Self::LATEST_LEGACY,
        }
    }
}

impl Version {
    pub(crate) fn read(text: &str) -> Self {
        const KNOWN: [Revision; 4] =
            [Revision::V2026_07_28, Revision::V2025_11_25, Revision::V2025_06_18, Revision::V2025_03_26];
        match KNOWN.into_iter().find(|revision| revision.as_str() == text) {
            Some(revision) => Self::Known(revision),
            None => Self::Other(text.into()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Known(revision) => revision.as_str(),
            Self::Other(text) => text,
        }
    }

    /// The rules that such a header asks for. Revisions are dates, so that those to come sort after those we know.
    pub(crate) fn era(&self) -> Era {
        match self {
            Self::Known(revision) => revision.era(),
            Self::Other(text) if is_date(text) && **text > *Revision::LATEST.as_str() => Era::Modern,
            Self::Other(_) => Era::Legacy,
        }
    }
}

impl Era {
    /// Which rules hold, from what the message and its header show.
    pub(crate) fn of(method: &Method, params: &Params, header: Option<&Version>) -> Self {
        let in_body = match &params.meta {
            Field::Is(meta) => meta.version != Field::Absent || meta.capabilities != Field::Absent,
            Field::Absent | Field::Wrong => false,
        };
        let modern = in_body
            || *method == Method::Discover
            || (*method != Method::Initialize && header.is_some_and(|version| version.era() == Self::Modern));
        if modern { Self::Modern } else { Self::Legacy }
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}
