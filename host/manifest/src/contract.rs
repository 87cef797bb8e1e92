//! The host's table of the functions in `wit/`, with the effect of each. A test in `host/sandbox` parses the WIT and
//! fails when a function or its effect differs from this table (DESIGN rule 4).

use crate::Effect;

/// Version of the WIT package `portcullis:plugin`. It is part of every release fingerprint.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// An interface of the contract that a component may import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interface {
    /// HTTP requests; opened by a capability of kind `http`.
    Egress,
    /// Placeholders; open to every plugin.
    Secrets,
    /// Keys and values; opened by a capability of kind `kv`.
    Kv,
    /// Named blobs; opened by a capability of kind `files`.
    Files,
    /// Answers to the tool's questions; open to every plugin.
    Questions,
    /// Lines for the operator; open to every plugin.
    Log,
    /// What the client is told while the call runs; open to every plugin.
    Progress,
    /// Files of the release; open to every plugin.
    Assets,
    /// Facts about the call; open to every plugin.
    Caller,
}

/// One imported function of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostFunction {
    /// Where it stands.
    pub interface: Interface,
    /// Its name in the WIT.
    pub name: &'static str,
    /// The most it may do.
    pub effect: Effect,
}

/// Every imported function of the contract.
pub const HOST_FUNCTIONS: &[HostFunction] = &[
    HostFunction { interface: Interface::Egress, name: "read", effect: Effect::Read },
    HostFunction { interface: Interface::Egress, name: "send", effect: Effect::Write },
    HostFunction { interface: Interface::Secrets, name: "placeholder", effect: Effect::None },
    HostFunction { interface: Interface::Kv, name: "get", effect: Effect::Read },
    HostFunction { interface: Interface::Kv, name: "list-keys", effect: Effect::Read },
    HostFunction { interface: Interface::Kv, name: "set", effect: Effect::Write },
    HostFunction { interface: Interface::Kv, name: "set-expiring", effect: Effect::Write },
    HostFunction { interface: Interface::Kv, name: "delete", effect: Effect::Write },
    HostFunction { interface: Interface::Kv, name: "compare-and-set", effect: Effect::Write },
    HostFunction { interface: Interface::Files, name: "read", effect: Effect::Read },
    HostFunction { interface: Interface::Files, name: "list-files", effect: Effect::Read },
    HostFunction { interface: Interface::Files, name: "write", effect: Effect::Write },
    HostFunction { interface: Interface::Files, name: "remove", effect: Effect::Write },
    HostFunction { interface: Interface::Questions, name: "answered", effect: Effect::None },
    HostFunction { interface: Interface::Log, name: "write", effect: Effect::None },
    HostFunction { interface: Interface::Progress, name: "report", effect: Effect::None },
    HostFunction { interface: Interface::Progress, name: "notice", effect: Effect::None },
    HostFunction { interface: Interface::Assets, name: "read", effect: Effect::None },
    HostFunction { interface: Interface::Assets, name: "read-part", effect: Effect::None },
    HostFunction { interface: Interface::Assets, name: "list-names", effect: Effect::None },
    HostFunction { interface: Interface::Caller, name: "get", effect: Effect::None },
    HostFunction { interface: Interface::Caller, name: "hints", effect: Effect::None },
];

impl Interface {
    /// Every interface, in the order of the contract.
    pub const ALL: [Self; 9] = [
        Self::Egress,
        Self::Secrets,
        Self::Kv,
        Self::Files,
        Self::Questions,
        Self::Log,
        Self::Progress,
        Self::Assets,
        Self::Caller,
    ];

    /// Its name in the WIT package.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Secrets => "secrets",
            Self::Kv => "kv",
            Self::Files => "files",
            Self::Questions => "questions",
            Self::Log => "log",
            Self::Progress => "progress",
            Self::Assets => "assets",
            Self::Caller => "caller",
        }
    }

    /// The kind of capability that opens it; none: it is open to every plugin.
    #[must_use]
    pub fn kind(self) -> Option<&'static str> {
        match self {
            Self::Egress => Some("http"),
            Self::Kv => Some("kv"),
            Self::Files => Some("files"),
            Self::Secrets | Self::Questions | Self::Log | Self::Progress | Self::Assets | Self::Caller => None,
        }
    }

    /// Whether a plugin holds it without a grant: it has no effect.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.kind().is_none()
    }

    /// The highest effect among its functions that is not above `ceiling`.
    #[must_use]
    pub fn effect_within(self, ceiling: Effect) -> Effect {
        HOST_FUNCTIONS
            .iter()
            .filter(|function| function.interface == self && function.effect <= ceiling)
            .map(|function| function.effect)
            .max()
            .unwrap_or(Effect::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails without: the comparison of interfaces in `Interface::effect_within`.
    #[test]
    fn wx_03_an_interface_has_the_effects_of_its_own_functions_and_of_no_other() {
        for interface in Interface::ALL {
            let own = |effect| HOST_FUNCTIONS.iter().any(|it| it.interface == interface && it.effect == effect);
            let highest = |ceiling| interface.effect_within(ceiling);
            assert_eq!(highest(Effect::None), Effect::None);
            assert_eq!(highest(Effect::Read) == Effect::Read, own(Effect::Read), "{interface:?}");
            assert_eq!(highest(Effect::Write) == Effect::Write, own(Effect::Write), "{interface:?}");
            assert_eq!(interface.is_open(), highest(Effect::Write) == Effect::None, "{interface:?}");
        }
    }
}
