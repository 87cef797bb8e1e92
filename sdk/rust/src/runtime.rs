//! What `std` would bring: an allocator, the function through which the host puts strings into the guest, and an end
//! for a panic.
#![allow(unsafe_code, reason = "an allocator and the canonical ABI deal in raw memory")]

mod heap;

#[cfg(all(not(feature = "std"), target_family = "wasm"))]
mod guest {
    use alloc::alloc::{alloc, realloc};
    use core::{alloc::Layout, arch::wasm32};

    use super::heap::{Heap, Memory, PAGE};

    // The compiler calls a few functions of C, such as `memcmp`, which `std` would have brought. Only what is called is
    // taken from the archive, and nothing of it imports anything.
    #[link(name = "c", kind = "static", modifiers = "-bundle")]
    unsafe extern "C" {}

    unsafe extern "C" {
        // Put by the linker where the static data ends. It has an address and no value.
        static __heap_base: u8;
    }

    /// The guest's linear memory behind its static data.
    struct Linear;

    impl Memory for Linear {
        fn start(&self) -> usize {
            &raw const __heap_base as usize
        }
        fn end(&self) -> usize {
            wasm32::memory_size::<0>() * PAGE
        }
        fn grow(&self, pages: usize) -> bool {
            wasm32::memory_grow::<0>(pages) != usize::MAX
        }
    }

    // SAFETY: a guest has one thread; the host refuses components with shared memory.
    unsafe impl Sync for Heap<Linear> {}

    #[global_allocator]
    static HEAP: Heap<Linear> = Heap::new(Linear);

    /// Where the host asks for room, for the arguments of a call and for what a host function gives.
    ///
    /// # Safety
    /// As the canonical ABI says: the old block, if it has a length, came from here and has that length and alignment.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
        // SAFETY: the host passes a power of two and lengths that it has checked against the memory.
        let block = unsafe {
            if new_len == 0 {
                return align as *mut u8;
            } else if old_len == 0 {
                alloc(Layout::from_size_align_unchecked(new_len, align))
            } else {
                realloc(old, Layout::from_size_align_unchecked(old_len, align), new_len)
            }
        };
        if block.is_null() {
            wasm32::unreachable();
        }
        block
    }

    /// The call ends as a trap. Nothing is said, because saying it would make every plugin import the log and a
    /// formatter.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        wasm32::unreachable()
    }
}
