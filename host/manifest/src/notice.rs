//! How much a line matters that a plugin has for its client.

/// How much a line for the client's log matters (RFC 5424), the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeLevel {
    /// For whoever looks for a fault in the plugin.
    Debug,
    /// What the call does.
    Info,
    /// Something worth a look.
    Notice,
    /// Something that may become an error.
    Warning,
    /// Something failed.
    Error,
    /// A part does not work.
    Critical,
    /// Somebody has to act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

impl NoticeLevel {
    /// Every level, the least first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_the_words_of_rfc_5424_and_its_order() {
        let words = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
        assert_eq!(NoticeLevel::ALL.map(NoticeLevel::as_str), words);
        assert!(NoticeLevel::ALL.is_sorted());
    }
}
