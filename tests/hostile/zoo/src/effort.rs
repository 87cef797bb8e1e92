//! Never coming back, and not coming back well.

use std::{hint::black_box, process, time::Duration};

use portcullis_plugin::{
    Context, NoArguments, ToolError,
    bindings::portcullis::plugin::log::{self, Level},
};

use crate::Count;

type Never = Result<Count, ToolError>;

/// The plain endless loop.
pub(crate) fn spin(_: NoArguments, _cx: &Context) -> Never {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

/// One instruction that is long: an epoch is looked at only before it begins.
pub(crate) fn memfill(_: NoArguments, _cx: &Context) -> Never {
    let mut all = crate::memory::as_much_as_there_is();
    let mut n = 0_u8;
    loop {
        n = n.wrapping_add(1);
        all.fill(n);
        black_box(&mut all);
    }
}

/// Frames on the engine's stack and none in linear memory: through a table, so that no optimiser makes a loop of it.
pub(crate) fn recursion(_: NoArguments, _cx: &Context) -> Never {
    static NEXT: [fn(u64) -> u64; 2] = [even, odd];
    #[inline(never)]
    fn even(depth: u64) -> u64 {
        NEXT[(depth & 1) as usize](depth + 1).rotate_left(7) ^ depth
    }
    #[inline(never)]
    fn odd(depth: u64) -> u64 {
        NEXT[(depth & 1) as usize](depth + 1).wrapping_mul(31) ^ depth
    }
    Ok(Count { count: even(0) })
}

/// Frames in linear memory, down to its address 0 and below.
pub(crate) fn recursion_frames(_: NoArguments, _cx: &Context) -> Never {
    #[inline(never)]
    #[allow(unconditional_recursion, reason = "is the attack")]
    fn deeper(depth: u64) -> u64 {
        let frame = black_box([depth; 64]);
        deeper(depth + 1) ^ frame[depth as usize % 64]
    }
    Ok(Count { count: deeper(0) })
}

/// Host functions called with ever less stack left under them.
pub(crate) fn recursion_host_calls(_: NoArguments, _cx: &Context) -> Never {
    static NEXT: [fn(u64) -> u64; 2] = [even, odd];
    fn ask_host(depth: u64) {
        if depth.is_multiple_of(32) {
            log::write(Level::Debug, "down");
        }
    }
    #[inline(never)]
    fn even(depth: u64) -> u64 {
        ask_host(depth);
        NEXT[(depth & 1) as usize](depth + 1).rotate_left(7) ^ depth
    }
    #[inline(never)]
    fn odd(depth: u64) -> u64 {
        ask_host(depth);
        NEXT[(depth & 1) as usize](depth + 1).wrapping_mul(31) ^ depth
    }
    Ok(Count { count: even(0) })
}

/// Waits for an hour by looking at the clock.
pub(crate) fn clock_spin(_: NoArguments, _cx: &Context) -> Never {
    let begin = wasip2::clocks::monotonic_clock::now();
    while wasip2::clocks::monotonic_clock::now() - begin < HOUR {}
    Err("an hour went by".into())
}

const HOUR: u64 = Duration::from_secs(3600).as_nanos() as u64;

/// Waits for an hour and does nothing, which costs no fuel.
pub(crate) fn sleeper(_: NoArguments, _cx: &Context) -> Never {
    let alarm = wasip2::clocks::monotonic_clock::subscribe_duration(HOUR);
    wasip2::io::poll::poll(&[&alarm]);
    Err("an hour went by".into())
}

pub(crate) fn trap(_: NoArguments, _cx: &Context) -> Never {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    process::abort();
}

/// Its text goes to stderr before the trap; no client may see it.
pub(crate) fn panic(_: NoArguments, _cx: &Context) -> Never {
    panic!("on purpose: nobody outside may read this");
}

/// Success, says the guest. A call that ends without an answer did not succeed.
pub(crate) fn exit(_: NoArguments, _cx: &Context) -> Never {
    process::exit(0);
}
