//! One description of the engine, for the process that compiles and the process that serves. Only the allocator differs,
//! so that an artefact of the one always fits the other (catalogue WX-13, WX-40 to WX-43).

use portcullis_manifest::{Digest, HARD_LIMITS};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy};

/// Most stack a guest may use. Deep recursion ends here, in a trap; a tool that needs more is written as a loop.
const GUEST_STACK: usize = 512 << 10;

/// Stack of a call: the guest's and what is left for host functions called at the guest's deepest (WX-21: at least 1 MiB).
const CALL_STACK: usize = GUEST_STACK + (1536 << 10);

/// Changes whenever a setting below changes what an artefact may assume: an artefact of another profile is compiled again.
const PROFILE: &str = "portcullis engine profile 1, wasmtime 48, x86_64 baseline, speed, fuel, epochs, no proposals";

/// The locked version. A patch release that mends the compiler must not run what the unmended one compiled, and wasmtime by
/// itself compares major versions only.
const WASMTIME: &str = "48.0.8";

/// Where untrusted plugins are run: the engine's first tier, and the one target on which this host is tested. On another the
/// compiler has had mistakes of its own that let guests out (RUSTSEC-2026-0096).
const TARGET: (&str, &str) = ("x86_64", "linux");

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct EngineProfile(());

/// The host was built for a target on which it runs no plugins (catalogue WX-14).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this program was built for {arch} {os}, and plugins that nobody has to trust run on {} {} only: see docs/security.md",
    TARGET.0,
    TARGET.1
)]
pub struct TargetUnsupported {
    arch: &'static str,
    os: &'static str,
}

/// Refuses every target but the one that is tested.
pub(crate) fn check_target(arch: &'static str, os: &'static str) -> Result<(), TargetUnsupported> {
    if (arch, os) == TARGET { Ok(()) } else { Err(TargetUnsupported { arch, os }) }
}

/// What the pools are made for, at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Calls that hold an instance at once.
    pub calls: u32,
    /// Core instances that one component may have. JavaScript and Python components use more than fourteen.
    pub core_instances: u32,
    /// Linear memories that one component may have.
    pub memories: u32,
    /// Tables that one component may have.
    pub tables: u32,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { calls: 64, core_instances: 32, memories: 4, tables: 8 }
    }
}

impl EngineProfile {
    /// The one profile there is.
    #[must_use]
    pub fn current() -> Self {
        Self(())
    }

    /// Names the profile, the compiler's version and the target: part of what authenticates an artefact.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let target = (std::env::consts::ARCH, std::env::consts::OS);
        Digest::of(format!("{PROFILE}\n{target:?}\n{WASMTIME}").as_bytes())
    }

    /// For the process that compiles: no pools, one thread, because a worker has one call and a CPU limit.
    #[must_use]
    pub fn compiling(&self) -> Config {
        let mut config = self.common();
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        config.parallel_compilation(false);
        config
    }

    /// For the process that serves.
    #[must_use]
    pub fn serving(&self, limits: PoolLimits) -> Config {
        let PoolLimits { calls, core_instances, memories, tables } = limits;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(calls)
            .total_core_instances(calls * core_instances)
            .total_memories(calls * memories)
            .total_tables(calls * tables)
            .total_stacks(calls)
            .total_gc_heaps(0)
            .max_core_instances_per_component(core_instances)
            .max_memories_per_component(memories)
            .max_tables_per_component(tables)
            .max_memory_size(usize::try_from(HARD_LIMITS.memory).unwrap_or(usize::MAX))
            .table_elements(usize::try_from(HARD_LIMITS.table_elements).unwrap_or(usize::MAX))
            .max_component_instance_size(1 << 20)
            .max_core_instance_size(1 << 20)
            // What stays mapped between calls is overwritten with zeros or with the image; what is beyond is given back.
            // Measured: most of a fresh call is first touches of pages, and a small guest touches less than this.
            .linear_memory_keep_resident(256 << 10)
            .table_keep_resident(16 << 10)
            .async_stack_keep_resident(8 << 10)
            // Given back for some calls at once: every time, each thread of the host is interrupted to forget where it was.
            // Nothing uses it before that.
            .decommit_batch_size(8)
            // The kernel could say which pages a call has written to. Of a page that it swaps out or moves at that moment it says
            // that it is not there, the engine leaves it as it is, and the next call would read it (catalogue WX-41; see
            // bytecodealliance/wasmtime#14357).
            .pagemap_scan(Enabled::No);
        let mut config = self.common();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        config
    }

    fn common(&self) -> Config {
        let mut config = Config::new();
        config
            .strategy(Strategy::Cranelift)
            .cranelift_opt_level(OptLevel::Speed)
            .consume_fuel(true)
            .epoch_interruption(true)
            .max_wasm_stack(GUEST_STACK)
            .async_stack_size(CALL_STACK)
            .async_stack_zeroing(true)
            .memory_init_cow(true)
            .guard_before_linear_memory(true)
            .memory_may_move(false)
            .signals_based_traps(true)
            .cranelift_nan_canonicalization(true)
            .relaxed_simd_deterministic(true)
            // A trap's text goes to the operator's log, never to a client: without frames there is nothing to leak.
            .wasm_backtrace_max_frames(None)
            .generate_address_map(false)
            .native_unwind_info(false);
        // Off for guests, each proven by a probe at start: the memory-safety advisories of 2026 sit in these (catalogue section 3).
        config
            .wasm_memory64(false)
            // On, because the adapters that the engine itself makes between the parts of a component use it. Guests may not:
            // `proposals::guest_validator` refuses it before the engine compiles.
            .wasm_multi_memory(true)
            .wasm_threads(false)
            .shared_memory(false)
            .wasm_shared_everything_threads(false)
            .wasm_relaxed_simd(false)
            .wasm_tail_call(false)
            .wasm_function_references(false)
            .wasm_gc(false)
            .wasm_exceptions(false)
            .wasm_stack_switching(false)
            .wasm_wide_arithmetic(false)
            .wasm_custom_page_sizes(false)
            .wasm_component_model(true)
            .wasm_component_model_async(false)
            .wasm_component_model_more_async_builtins(false)
            .wasm_component_model_async_stackful(false)
            .wasm_component_model_threading(false)
            .wasm_component_model_error_context(false)
            .wasm_component_model_gc(false)
            .wasm_component_model_map(false)
            .wasm_component_model_memory64(false)
            .wasm_component_model_fixed_length_lists(false)
            .concurrency_support(false)
            .gc_support(false);
        config
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;

    use super::*;

    /// Where an ELF file says for which machine its code is, and what it says for x86-64.
    const MACHINE: (std::ops::Range<usize>, [u8; 2]) = (18..20, [62, 0]);

    /// Fails if Winch is compiled in, or if the interpreter Pulley, which wasmtime 48 can't leave out, is what runs guests.
    #[test]
    fn wx_13_guests_are_machine_code_that_cranelift_made() {
        let profile = EngineProfile::current();
        for config in [profile.compiling(), profile.serving(PoolLimits::default())] {
            let engine = Engine::new(&config).unwrap();
            assert!(!engine.is_pulley());
            let artefact = engine.precompile_component(&wat::parse_str("(component (core module (func)))").unwrap());
            assert_eq!(artefact.unwrap()[MACHINE.0], MACHINE.1);
        }
        let mut winch = profile.compiling();
        winch.strategy(Strategy::Winch);
        let error = Engine::new(&winch).map(drop).unwrap_err();
        assert!(format!("{error:?}").contains("winch support not compiled in"), "{error:?}");
    }

    /// Fails without: `check_target`. That it is asked at the start is the first line of `Engine::start`.
    #[test]
    fn wx_14_another_target_than_the_one_that_is_tested_is_refused() {
        assert_eq!(check_target("x86_64", "linux"), Ok(()));
        for (arch, os) in [("aarch64", "linux"), ("x86_64", "macos"), ("s390x", "linux"), ("riscv64", "linux")] {
            let said = check_target(arch, os).unwrap_err().to_string();
            assert!(said.contains(arch) && said.contains(os) && said.contains("x86_64 linux only"), "{said}");
        }
    }

    #[test]
    fn wx_06_the_profile_names_the_very_wasmtime_that_is_locked() {
        let crate_directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
        let lock = std::fs::read_to_string(format!("{crate_directory}/../../Cargo.lock")).unwrap();
        let wanted = format!("name = \"wasmtime\"\nversion = \"{WASMTIME}\"\n");
        assert!(lock.contains(&wanted), "set profile::WASMTIME to the version in Cargo.lock");
    }
}
