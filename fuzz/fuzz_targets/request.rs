//! Requests as guests ask for them: `cargo +nightly fuzz run request`.

#![no_main]

#[path = "../holds/request.rs"]
mod holds;

thread_local! {
    static WIRE: holds::Wire = holds::Wire::open();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    WIRE.with(|wire| wire.request_holds(bytes));
});
