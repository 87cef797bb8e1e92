//! The one place in Portcullis that is `unsafe` (catalogue SC-03, WX-06).

use wasmtime::{Engine, component::Component};

/// Loads an artefact whose MAC the caller has just verified over these very bytes.
pub(super) fn authenticated(engine: &Engine, artefact: &[u8]) -> wasmtime::Result<Component> {
    #[allow(unsafe_code, reason = "the engine has no safe way to load what it compiled before")]
    // SAFETY: `Component::deserialize` asks that the bytes come from `precompile_component` of a compatible engine and
    // were not changed since. The MAC under this host's key says so: only `ArtefactCache::put` computes it, over what this
    // host's own compiling worker gave back, together with the digest of the engine profile. The bytes are in memory that
    // nobody else can write. The worker compiled hostile input under the assumption that the compiler is correct, which is
    // the assumption that running any guest rests on.
    unsafe {
        Component::deserialize(engine, artefact)
    }
}
