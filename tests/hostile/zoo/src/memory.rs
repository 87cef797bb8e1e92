//! Taking memory, and looking for what earlier calls left in it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use portcullis_plugin::{Context, NoArguments, ToolError};

use crate::Count;

#[cfg(target_family = "wasm")]
fn grow(pages: usize) -> bool {
    core::arch::wasm32::memory_grow::<0>(pages) != usize::MAX
}
#[cfg(target_family = "wasm")]
fn size() -> usize {
    core::arch::wasm32::memory_size::<0>() * 65536
}
#[cfg(not(target_family = "wasm"))]
fn grow(_: usize) -> bool {
    false
}
#[cfg(not(target_family = "wasm"))]
fn size() -> usize {
    0
}

/// The largest vector that can be had.
pub(crate) fn as_much_as_there_is() -> Vec<u8> {
    let mut all = Vec::new();
    let mut bytes = 100 << 20;
    while all.try_reserve_exact(bytes).is_err() {
        bytes -= bytes / 8;
    }
    all.resize(bytes, b'x');
    all
}

/// Grows until it is refused, and then dies of it.
pub(crate) fn bomb(_: NoArguments, _cx: &Context) -> Result<Count, ToolError> {
    while grow(1) {}
    panic!("no more memory");
}

/// The same, but every page is written to, so that the host really has to give it. Says how many bytes it got.
pub(crate) fn touch(_: NoArguments, _cx: &Context) -> Result<Count, ToolError> {
    loop {
        let end = size();
        if !grow(1) {
            return Ok(Count { count: end as u64 });
        }
        for page in (end..size()).step_by(4096) {
            // SAFETY: that memory is there and nobody's.
            #[allow(unsafe_code, reason = "touches memory that no allocator knows of")]
            unsafe {
                (page as *mut u8).write_volatile(1);
            }
        }
    }
}

/// Never written down as it is: a search must not find itself.
fn canary() -> u64 {
    std::hint::black_box(0x5ec2_e7ca_0a47_0000_u64) ^ 0x0123_4567_89ab_cdef
}

/// Fills all the memory it can get with a secret, and leaves.
pub(crate) fn leave_canary(_: NoArguments, _cx: &Context) -> Result<Count, ToolError> {
    let begin = size();
    while grow(1) {}
    for place in (begin..size()).step_by(8) {
        // SAFETY: that memory is there, aligned, and nobody's.
        #[allow(unsafe_code, reason = "writes to memory that no allocator knows of")]
        unsafe {
            (place as *mut u64).write_volatile(canary());
        }
    }
    Ok(Count { count: ((size() - begin) / 8) as u64 })
}

/// Counts the secrets of other calls in all the memory it can get.
pub(crate) fn find_canary(_: NoArguments, _cx: &Context) -> Result<Count, ToolError> {
    while grow(1) {}
    let canary = canary();
    let mut count = 0;
    for place in (1024..size()).step_by(8) {
        // SAFETY: that memory is there and aligned; what it holds is the question.
        #[allow(unsafe_code, reason = "reads all memory")]
        let found = unsafe { (place as *const u64).read_volatile() };
        count += u64::from(found == canary);
    }
    Ok(Count { count })
}

/// How often it was called before, as far as its own memory knows.
pub(crate) fn counter(_: NoArguments, _cx: &Context) -> Result<Count, ToolError> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    Ok(Count { count: CALLS.fetch_add(1, Relaxed) })
}
