//! Data directories with plugins published, kept between tests: by what the program and the plugins are, so that a new
//! build of either is published anew.

use std::{
    collections::hash_map::DefaultHasher,
    fs::{self, File},
    hash::{Hash as _, Hasher as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use crate::{Home, needed, program};

/// Copies the data directory in which `plugins` are published and approved to `data`, after making it where it is missing.
pub(crate) fn copy<'a>(plugins: impl Iterator<Item = &'a Path>, data: &Path) {
    let plugins: Vec<&Path> = plugins.collect();
    let shelf = needed::target().join("tmp/portcullis-homes");
    fs::create_dir_all(&shelf).expect("the target directory can be written");
    let lock = File::create(shelf.join("lock")).expect("the target directory can be written");
    // Held to the end of this function: tests are processes, and all want the same at once.
    flock(&lock, FlockOperation::LockExclusive).expect("a file can be locked");
    let kept = shelf.join(format!("{:016x}", key(&plugins)));
    if !kept.exists() {
        // Of earlier builds: nothing asks for them any more.
        entries(&shelf).into_iter().filter(|path| path.is_dir()).for_each(|path| {
            fs::remove_dir_all(path).expect("the target directory can be written");
        });
        let home = Home::with(&plugins);
        copy_folder(&home.data(), &kept.with_extension("new"));
        fs::rename(kept.with_extension("new"), &kept).expect("a folder can be renamed");
    }
    copy_folder(&kept, data);
}

/// What the program and the plugins are: by time for the program, which is large, and by content for the rest.
fn key(plugins: &[&Path]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let program = fs::metadata(program()).expect("the program is there");
    (program.len(), program.modified().expect("files have times")).hash(&mut hasher);
    for plugin in plugins {
        plugin.hash(&mut hasher);
        let schemas = plugin.join("schemas");
        let schemas = if schemas.is_dir() { entries(&schemas) } else { Vec::new() };
        let wanted =
            |path: &PathBuf| path.is_file() && path.extension().is_some_and(|kind| kind == "toml" || kind == "wasm");
        let mut files: Vec<PathBuf> = entries(plugin).into_iter().filter(wanted).chain(schemas).collect();
        files.sort();
        files.iter().for_each(|path| fs::read(path).expect("a plugin can be read").hash(&mut hasher));
    }
    hasher.finish()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::DirBuilder::new().mode(0o700).create(to).expect("a folder can be made");
    for path in entries(from) {
        let target = to.join(path.file_name().expect("an entry has a name"));
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(fs::copy(&path, &target).expect("a file can be copied")),
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    entries.map(|entry| entry.expect("a folder can be read").path()).collect()
}
