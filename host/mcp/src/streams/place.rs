//! Where an event stands, as clients say it.

use std::fmt::Write as _;

use uuid::Uuid;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What one call says, up to its response.
    Call,
    /// What the server tells of itself.
    News,
}

/// Where an event stands: what `Last-Event-ID` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) stream: Uuid,
    pub(crate) event: u64,
}

impl Place {
    /// As it stands in the field `id` of an event.
    pub(crate) fn write(self, out: &mut String) {
        let kind = match self.kind {
            Kind::Call => 'c',
            Kind::News => 'n',
        };
        write!(out, "{kind}{}-{}", self.stream.simple(), self.event).expect("a text takes every character");
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let kind = match text.as_bytes().first()? {
            b'c' => Kind::Call,
            b'n' => Kind::News,
            _ => return None,
        };
        let (stream, event) = text.get(1..)?.split_once('-')?;
        let stream = (stream.len() == 32).then(|| Uuid::try_parse(stream).ok())??;
        Some(Self { kind, stream, event: event.parse().ok()? })
    }
}
