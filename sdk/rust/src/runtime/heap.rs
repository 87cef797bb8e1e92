//! The allocator. Made for instances that live for one call: it takes its memory from behind the static data, where
//! the page is touched anyway, and grows the memory only when that is used up. A first touch of a page costs more than
//! everything else that a small call does.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    ptr::{self, null_mut},
};

/// What a memory grows by.
pub(super) const PAGE: usize = 65536;
/// What every block is aligned to, and the size of the smallest.
const SMALLEST: usize = 16;

/// The memory that a heap hands out: one piece, which can grow at its end.
pub(super) trait Memory {
    /// Where it begins.
    fn start(&self) -> usize;
    /// Where it ends now.
    fn end(&self) -> usize;
    /// Grows it by so many pages, or not at all.
    fn grow(&self, pages: usize) -> bool;
}

/// Blocks have powers of two for sizes. A freed block goes on the list of its size, the last one back to the rest.
pub(super) struct Heap<M> {
    memory: M,
    /// Where the rest begins. Zero: nothing was allocated yet.
    next: Cell<usize>,
    /// Where the memory ends.
    end: Cell<usize>,
    /// The first free block of each size; each holds the address of the one after it in its first bytes.
    free: [Cell<usize>; usize::BITS as usize],
}

/// The size of the block for a layout. A layout's size is at most `isize::MAX`, so there is such a power.
fn block(layout: Layout) -> usize {
    layout.size().max(SMALLEST).next_power_of_two()
}

impl<M: Memory> Heap<M> {
    /// A heap that has handed out nothing.
    pub(super) const fn new(memory: M) -> Self {
        let free = [const { Cell::new(0) }; usize::BITS as usize];
        Self { memory, next: Cell::new(0), end: Cell::new(0), free }
    }

    /// Whether the memory up to `end` is there; then it is taken, and no more than it.
    fn take(&self, end: usize) -> bool {
        if end > self.end.get() {
            if !self.memory.grow((end - self.end.get()).div_ceil(PAGE)) {
                return false;
            }
            self.end.set(self.memory.end());
        }
        self.next.set(end);
        true
    }
}

// SAFETY: blocks never overlap: each comes from the rest, which begins behind it from then on, or from the list of its
// size, where only unused blocks are. Each is at least as large as its layout and aligned as asked.
unsafe impl<M: Memory> GlobalAlloc for Heap<M>
where
    Self: Sync,
{
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = block(layout);
        let list = &self.free[size.trailing_zeros() as usize];
        if list.get() != 0 && list.get().is_multiple_of(layout.align()) {
            let found = list.get() as *mut usize;
            // SAFETY: a block on a list is unused, and holds the address of the next one.
            list.set(unsafe { *found });
            return found.cast();
        }
        if self.next.get() == 0 {
            self.next.set(self.memory.start());
            self.end.set(self.memory.end());
        }
        let start = self.next.get().checked_next_multiple_of(layout.align().max(SMALLEST));
        match start.and_then(|start| Some((start, start.checked_add(size)?))) {
            Some((start, end)) if self.take(end) => start as *mut u8,
            _ => null_mut(),
        }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        let (start, size) = (old as usize, block(layout));
        if start + size == self.next.get() {
            self.next.set(start);
        } else {
            let list = &self.free[size.trailing_zeros() as usize];
            // SAFETY: the caller gives the block up; it has at least 16 bytes and is aligned to 16.
            unsafe { *old.cast::<usize>() = list.get() };
            list.set(start);
        }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `new_size`, rounded up to the alignment, fits an `isize`.
        let wanted = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        let (start, have, want) = (old as usize, block(layout), block(wanted));
        if have == want {
            return old;
        }
        if start + have == self.next.get() {
            // The last block grows and shrinks where it is: no copy, no second page.
            return match start.checked_add(want) {
                Some(end) if self.take(end) => old,
                _ => null_mut(),
            };
        }
        // A block is never cut: pieces that nobody joins again would use up the memory in the end.
        // SAFETY: what both blocks have room for is copied, and then the old one is given up.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                ptr::copy_nonoverlapping(old, new, layout.size().min(new_size));
                self.dealloc(old, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const MOST: usize = 64;

    /// 4 MiB, of which a part counts as there.
    struct Piece {
        start: usize,
        pages: Cell<usize>,
    }

    impl Memory for Piece {
        fn start(&self) -> usize {
            self.start + 1000
        }
        fn end(&self) -> usize {
            self.start + self.pages.get() * PAGE
        }
        fn grow(&self, pages: usize) -> bool {
            let fits = self.pages.get() + pages <= MOST;
            if fits {
                self.pages.set(self.pages.get() + pages);
            }
            fits
        }
    }

    // SAFETY: each test has its own, and one thread.
    unsafe impl Sync for Heap<Piece> {}

    /// The pages, and the heap in them.
    struct Fixture(Heap<Piece>, #[expect(dead_code, reason = "keeps the pages alive")] Vec<u128>);

    impl Fixture {
        fn new() -> Self {
            let mut pages = alloc::vec![0; MOST * PAGE / size_of::<u128>()];
            Self(Heap::new(Piece { start: pages.as_mut_ptr() as usize, pages: Cell::new(1) }), pages)
        }
        fn pages(&self) -> usize {
            self.0.memory.pages.get()
        }
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).expect("a layout")
    }

    /// A small random generator, so that a failure can be run again.
    fn random(state: &mut u64) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 16) as usize
    }

    #[test]
    fn blocks_keep_what_is_written_into_them() {
        let heap = Fixture::new();
        let mut live: Vec<(*mut u8, Layout, u8)> = Vec::new();
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for round in 0..200_000_u32 {
            let mark = round as u8;
            // SAFETY: each block is used with its own layout, inside its size, until it is given up.
            unsafe {
                match (random(&mut state) % 3, live.len()) {
                    (0, 1..) | (_, 200) => {
                        let (at, layout, mark) = live.swap_remove(random(&mut state) % live.len());
                        assert!((0..layout.size()).all(|n| *at.add(n) == mark), "{layout:?}");
                        heap.0.dealloc(at, layout);
                    }
                    (1, 1..) => {
                        let index = random(&mut state) % live.len();
                        let (at, old, was) = live[index];
                        let new = layout(1 + random(&mut state) % 6000, old.align());
                        let moved = heap.0.realloc(at, old, new.size());
                        assert!(!moved.is_null() && (moved as usize).is_multiple_of(old.align()));
                        assert!((0..old.size().min(new.size())).all(|n| *moved.add(n) == was), "{old:?} {new:?}");
                        moved.write_bytes(mark, new.size());
                        live[index] = (moved, new, mark);
                    }
                    _ => {
                        let layout = layout(1 + random(&mut state) % 3000, 1 << (random(&mut state) % 5));
                        let at = heap.0.alloc(layout);
                        assert!(!at.is_null() && (at as usize).is_multiple_of(layout.align()), "{layout:?}");
                        at.write_bytes(mark, layout.size());
                        live.push((at, layout, mark));
                    }
                }
            }
        }
    }

    #[test]
    fn a_large_alignment_is_kept_and_its_block_used_again() {
        let heap = Fixture::new();
        // SAFETY: nothing is done with the blocks.
        unsafe {
            let small = heap.0.alloc(layout(256, 1));
            let large = heap.0.alloc(layout(256, 4096));
            assert!((large as usize).is_multiple_of(4096));
            heap.0.alloc(layout(16, 1));
            heap.0.dealloc(large, layout(256, 4096));
            assert_eq!(heap.0.alloc(layout(256, 4096)), large);
            heap.0.dealloc(small, layout(256, 1));
            assert!((heap.0.alloc(layout(256, 4096)) as usize).is_multiple_of(4096));
            assert_eq!(heap.0.alloc(layout(256, 1)), small);
        }
    }

    #[test]
    fn the_memory_grows_only_when_it_is_used_up() {
        let heap = Fixture::new();
        // SAFETY: nothing is done with the blocks.
        unsafe {
            assert!(!heap.0.alloc(layout(32 << 10, 1)).is_null());
            assert_eq!(heap.pages(), 1);
            assert!(!heap.0.alloc(layout(32 << 10, 1)).is_null());
            assert_eq!(heap.pages(), 2);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let heap = Fixture::new();
        // SAFETY: only the good block is used, and inside its size.
        unsafe {
            let good = heap.0.alloc(layout(100, 1));
            assert!(heap.0.alloc(layout(MOST * PAGE, 1)).is_null());
            assert!(heap.0.alloc(layout(isize::MAX as usize, 1)).is_null());
            assert!(heap.0.realloc(good, layout(100, 1), isize::MAX as usize).is_null());
            assert_eq!(heap.pages(), 1);
            assert_eq!(heap.0.alloc(layout(100, 1)) as usize, good as usize + 128);
        }
    }

    #[test]
    fn the_last_block_grows_where_it_is_and_gives_its_room_back() {
        let heap = Fixture::new();
        // SAFETY: the block is used with its layout of the moment.
        unsafe {
            let block = heap.0.alloc(layout(16, 1));
            assert_eq!(heap.0.realloc(block, layout(16, 1), 5000), block);
            heap.0.dealloc(block, layout(5000, 1));
            assert_eq!(heap.0.alloc(layout(300, 1)), block);
        }
    }

    #[test]
    fn growing_a_vector_for_ever_uses_no_more_than_four_times_its_size() {
        let heap = Fixture::new();
        // SAFETY: each block is used with its layout of the moment.
        unsafe {
            let mut one = (heap.0.alloc(layout(16, 1)), 16);
            let mut two = (heap.0.alloc(layout(16, 1)), 16);
            while one.1 < 256 << 10 {
                for vector in [&mut one, &mut two] {
                    *vector = (heap.0.realloc(vector.0, layout(vector.1, 1), vector.1 * 2), vector.1 * 2);
                    assert!(!vector.0.is_null());
                }
            }
            assert!(heap.pages() * PAGE <= 4 * (2 * (256 << 10)) + PAGE, "{}", heap.pages());
        }
    }
}
