//! URLs and locations: `cargo +nightly fuzz run destination`.

#![no_main]

#[path = "../holds/destination.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holds::destination_holds(bytes));
