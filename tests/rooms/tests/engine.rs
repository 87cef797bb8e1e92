//! Which parts of the engine are in the build (catalogue WX-13), as cargo resolves it for the program that is shipped.

use std::collections::BTreeSet;

use portcullis_tests::printed;

/// Features of the engine that are in the build, each for a reason that stands in the workspace's Cargo.toml, or because one of
/// these needs it.
const FEATURES: [&str; 16] = [
    "async",
    "component-model",
    "component-model-async",
    "cranelift",
    "gc",
    "gc-copying",
    "gc-drc",
    "gc-null",
    "once_cell",
    "parallel-compilation",
    "pooling-allocator",
    "runtime",
    "stack-switching",
    "std",
    "threads",
    "wasmtime-jit-icache-coherence",
];

/// Fails if a second compiler, the features of the interpreter, a cache that reads artefacts from files, debugging or profiling
/// come into the build, also by way of another crate. (The interpreter's code itself is in every build of wasmtime 48; that it runs
/// nothing is tested in `host/sandbox/src/profile.rs` and `run/tests.rs`.)
#[test]
fn wx_13_the_engine_has_the_features_that_are_written_down_and_no_second_compiler() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["tree", "--locked", "-p", "portcullis", "-e", "normal,build", "--prefix", "none", "-f", "{p}|{f}"];
    let tree = printed(&cargo, &arguments);
    let crates: BTreeSet<(&str, &str)> =
        tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|')).collect();
    assert!(crates.len() > 100, "{} crates", crates.len());
    let name = |package: &str| package.split(' ').next().unwrap_or_default().to_owned();
    for (package, _) in &crates {
        let name = name(package);
        assert!(!name.contains("winch") && name != "wasmtime-wasi-http" && name != "wasmtime-cache", "{package}");
    }
    let engines: Vec<_> = crates.iter().filter(|(package, _)| name(package) == "wasmtime").collect();
    let [(_, features)] = engines[..] else { panic!("one engine: {engines:?}") };
    let features: BTreeSet<&str> = features.split(',').collect();
    assert_eq!(features, BTreeSet::from(FEATURES));
}
