//! Texts of `plugin.toml`: `cargo +nightly fuzz run manifest`.

#![no_main]

#[path = "../holds/manifest.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    holds::manifest_holds(bytes);
});
