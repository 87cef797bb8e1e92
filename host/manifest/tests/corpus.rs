//! The corpus of the fuzz target `manifest`, without a fuzzer.

#[path = "../../../fuzz/holds/manifest.rs"]
mod holds;

use std::{env, fs, path::Path};

#[test]
fn rg_40_what_holds_for_every_manifest_holds_for_the_corpus() {
    let crate_directory = env::var_os("CARGO_MANIFEST_DIR").expect("tests are run by cargo");
    let corpus = Path::new(&crate_directory).join("../../fuzz/corpus/manifest");
    let (mut read, mut refused) = (Vec::new(), Vec::new());
    for file in fs::read_dir(&corpus).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if holds::manifest_holds(&fs::read(&path).unwrap()) { read.push(name) } else { refused.push(name) }
    }
    // By their names, so that a seed that has stopped to be what it was added for is seen.
    assert!(read.len() >= 6 && read.iter().all(|name| name.starts_with("good-")), "{read:?}");
    assert!(refused.len() >= 20 && refused.iter().all(|name| name.starts_with("bad-")), "{refused:?}");
}
