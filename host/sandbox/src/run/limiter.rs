//! Memory and tables of one call, summed over everything in it: the engine's own limits are for each memory by itself
//! (catalogue WX-10).

use wasmtime::ResourceLimiter;

/// Most memories, tables and core instances of one store; the pools are made for no more.
const COUNT: usize = 1_000;

/// See the module.
pub(crate) struct Limiter {
    memory_limit: usize,
    memory: usize,
    pub(crate) memory_refused: bool,
    table_limit: usize,
    table: usize,
    pub(crate) table_refused: bool,
}

impl Limiter {
    pub(crate) fn new(memory: u64, table_elements: u64) -> Self {
        let size = |value| usize::try_from(value).unwrap_or(usize::MAX);
        Self {
            memory_limit: size(memory),
            memory: 0,
            memory_refused: false,
            table_limit: size(table_elements),
            table: 0,
            table_refused: false,
        }
    }

    /// Bytes of linear memory. It never shrinks, so this is the most there was.
    pub(crate) fn memory(&self) -> u64 {
        self.memory as u64
    }
}

fn grow(total: &mut usize, limit: usize, current: usize, desired: usize) -> bool {
    let wanted = total.saturating_add(desired.saturating_sub(current));
    if wanted > limit {
        return false;
    }
    *total = wanted;
    true
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Beyond what the module itself declares, the engine would refuse anyway: not this limit's doing.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let allowed = grow(&mut self.memory, self.memory_limit, current, desired);
        self.memory_refused |= !allowed;
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let allowed = grow(&mut self.table, self.table_limit, current, desired);
        self.table_refused |= !allowed;
        Ok(allowed)
    }

    fn instances(&self) -> usize {
        COUNT
    }

    fn tables(&self) -> usize {
        COUNT
    }

    fn memories(&self) -> usize {
        COUNT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails without: the sum in `grow`: the engine's own limits are for each memory.
    #[test]
    fn wx_10_memory_is_summed_over_all_memories_and_exact_at_the_edge() {
        let mut limiter = Limiter::new(300, 10);
        assert!(limiter.memory_growing(0, 100, None).unwrap());
        assert!(limiter.memory_growing(0, 100, None).unwrap());
        assert!(!limiter.memory_growing(100, 201, None).unwrap());
        assert!(limiter.memory_refused);
        assert!(limiter.memory_growing(100, 200, None).unwrap());
        assert_eq!(limiter.memory(), 300);
        assert!(limiter.table_growing(0, 10, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
        assert!(limiter.table_refused);
    }

    #[test]
    fn a_module_that_outgrows_its_own_maximum_is_not_told_of_a_limit() {
        let mut limiter = Limiter::new(300, 10);
        assert!(!limiter.memory_growing(0, 100, Some(50)).unwrap());
        assert!(!limiter.memory_refused);
    }
}
