//! Asking for the same thing for ever.

use std::{hint::black_box, mem::forget};

use portcullis_plugin::{
    Context, NoArguments, ToolError,
    bindings::portcullis::plugin::log::{self, Level},
    kv::KeyValue,
};

use crate::Count;

type Never = Result<Count, ToolError>;

pub(crate) fn flood_caller(_: NoArguments, cx: &Context) -> Never {
    loop {
        black_box(cx.caller());
    }
}

pub(crate) fn flood_kv(_: NoArguments, cx: &Context) -> Never {
    loop {
        black_box(cx.kv("box").get("k")?);
    }
}

/// Far more than any limit on log bytes, a line at a time.
pub(crate) fn flood_log(_: NoArguments, _cx: &Context) -> Never {
    let line = "flood ".repeat(170);
    loop {
        log::write(Level::Error, &line);
    }
}

pub(crate) fn flood_stdout(_: NoArguments, _cx: &Context) -> Never {
    let line = "flood ".repeat(170);
    loop {
        println!("{line}");
        eprintln!("{line}");
    }
}

/// Alarms that nobody waits for and nobody drops.
pub(crate) fn leak_handles(_: NoArguments, _cx: &Context) -> Never {
    loop {
        forget(wasip2::clocks::monotonic_clock::subscribe_duration(3_600_000_000_000));
    }
}

/// A gigabyte of random bytes, in one request.
pub(crate) fn random_bomb(_: NoArguments, _cx: &Context) -> Never {
    Ok(Count { count: wasip2::random::random::get_random_bytes(1 << 30).len() as u64 })
}
