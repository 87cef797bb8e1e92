//! The host's table of the functions in `wit/`, with the effect of each. A test in `host/sandbox` parses the WIT and
//! fails when a function or its effect differs from this table (DESIGN rule 4).

use crate::Effect;

/// Version of the WIT package `portcullis:plugin`. It is part of every release fingerprint.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// An interface of the contract that a component may import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interface {
    /// Keys and values; opened by a capability of kind `kv`.
    Kv,
    /// Lines for the operator; open to every plugin.
    Log,
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
    HostFunction { interface: Interface::Kv, name: "get", effect: Effect::Read },
    HostFunction { interface: Interface::Kv, name: "list-keys", effect: Effect::Read },
    HostFunction { interface: Interface::Kv, name: "set", effect: Effect::Write },
    HostFunction { interface: Interface::Kv, name: "delete", effect: Effect::Write },
    HostFunction { interface: Interface::Kv, name: "compare-and-set", effect: Effect::Write },
    HostFunction { interface: Interface::Log, name: "write", effect: Effect::None },
    HostFunction { interface: Interface::Caller, name: "get", effect: Effect::None },
];

impl Interface {
    /// Every interface, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Kv, Self::Log, Self::Caller];

    /// Its name in the WIT package.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Log => "log",
            Self::Caller => "caller",
        }
    }

    /// Whether a plugin holds it without a grant: it has no effect.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Log | Self::Caller)
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
