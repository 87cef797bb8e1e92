//! Proof, at every start, that the proposals which are meant to be off are off: for each a tiny module or component that
//! uses it must fail to validate (catalogue WX-13). A setting that a new version of the engine ignores would show here.

use wasmparser::{Validator, WasmFeatures};
use wasmtime::Engine;

/// What guests may use of WebAssembly: the written allow-list. Everything the toolchains of plugins/ emit, nothing newer.
const ALLOWED: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::BULK_MEMORY_OPT)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    // Not the proposal: without it the validator refuses `funcref` and `externref` as well.
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::COMPONENT_MODEL);

/// Validates what guests hand in, before the engine sees it. The engine's own settings can't say everything: it needs
/// multiple memories for adapters of its own making.
pub(crate) fn guest_validator() -> Validator {
    Validator::new_with_features(ALLOWED)
}

/// A proposal that should be off validates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this build of the engine accepts the WebAssembly proposal `{proposal}`, which this host promises is off")]
pub struct ProposalEnabled {
    /// Its name.
    pub proposal: &'static str,
}

struct Probe {
    proposal: &'static str,
    /// The binary, because the text format's parser does not belong into a server. A test holds it equal to `text`.
    binary: &'static [u8],
    #[cfg(test)]
    text: &'static str,
}

macro_rules! probes {
    ($($proposal:literal: $text:literal => $binary:literal;)*) => {
        &[$(Probe { proposal: $proposal, binary: $binary, #[cfg(test)] text: $text },)*]
    };
}

include!("proposals_probes.rs");

/// Fails if any probe validates.
///
/// # Errors
/// Names the proposal.
pub(crate) fn prove_off(engine: &Engine) -> Result<(), ProposalEnabled> {
    let accepted = PROBES.iter().find(|probe| accepts(engine, probe.binary));
    match accepted {
        Some(probe) => Err(ProposalEnabled { proposal: probe.proposal }),
        None => Ok(()),
    }
}

fn accepts(engine: &Engine, binary: &[u8]) -> bool {
    if guest_validator().validate_all(binary).is_err() {
        return false;
    }
    // Layer 1 in the second half of the version field marks a component.
    if binary.get(6) == Some(&1) {
        wasmtime::component::Component::new(engine, binary).is_ok()
    } else {
        wasmtime::Module::validate(engine, binary).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineProfile;

    /// Fails without: any one of the lines that switch a proposal off in `EngineProfile::common`.
    #[test]
    fn wx_13_every_probe_is_refused_by_the_serving_engine_and_by_the_compiling_one() {
        let profile = EngineProfile::current();
        for config in [profile.compiling(), profile.serving(crate::PoolLimits::default())] {
            prove_off(&Engine::new(&config).unwrap()).unwrap();
        }
    }

    #[test]
    fn wx_13_every_probe_is_the_text_beside_it_and_is_valid_where_its_proposal_is_on() {
        for probe in PROBES {
            assert_eq!(
                wat::parse_str(probe.text).unwrap(),
                probe.binary,
                "{}: {:?}",
                probe.proposal,
                wat::parse_str(probe.text)
            );
            // If it could never validate, it would prove nothing.
            wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
                .validate_all(probe.binary)
                .unwrap_or_else(|error| panic!("{}: {error}", probe.proposal));
        }
    }

    #[test]
    fn wx_13_what_is_allowed_is_accepted_so_that_a_refusal_means_something() {
        // What the allow-list takes, an engine takes too; so a proposal that crept into the list would be found.
        let engine = Engine::new(&EngineProfile::current().compiling()).unwrap();
        let plain = wat::parse_str("(module (memory 1) (func))").unwrap();
        assert!(accepts(&engine, &plain));
        assert!(accepts(&engine, &wat::parse_str("(component (core module))").unwrap()));
    }
}
