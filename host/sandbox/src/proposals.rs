//! Proof, at every start, that the proposals which are meant to be off are off: for each a tiny module or component that
//! uses it must fail to validate (catalogue WX-13). A setting that a new version of the engine ignores would show here.

use wasmtime::Engine;

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
    fn wx_13_a_probe_that_validates_stops_the_start() {
        let mut config = wasmtime::Config::new();
        config.wasm_memory64(true);
        let error = prove_off(&Engine::new(&config).unwrap()).unwrap_err();
        assert!(error.to_string().contains("which this host promises is off"), "{error}");
    }
}
