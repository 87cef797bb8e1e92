//! A plugin's folder, read.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_calls::Source;
use portcullis_manifest::{AssetName, Assets, MAX_ASSET_BYTES, MAX_ASSETS, Manifest, TooManyAssets};
use rustix::{
    fs::{Mode, OFlags, open, openat},
    io::Errno,
};

use crate::{control::Request, exit::Failure};

/// Longest file that is read: what is longer is refused anyway, and not after filling memory.
const LONGEST: u64 = 64 << 20;

/// A source and where it is from.
pub(super) struct Read(pub(super) Source);

/// To read, and not to wait for whoever would write into a pipe.
const READ: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK);

/// Reads what the manifest at `path` names. Files outside its folder can't be named, and no link is followed to one.
pub(super) fn read(path: &Path, prefix: Option<String>) -> Result<Read, Failure> {
    let (folder, manifest_path, manifest) = if path.is_dir() {
        (
            path.to_owned(),
            path.join("plugin.toml"),
            within(path, "plugin.toml", || no_plugin(&path.join("plugin.toml")))?,
        )
    } else {
        // Whoever names a file means what it leads to.
        let file = open(path, READ, Mode::empty()).map_err(|errno| refused(path, errno, || no_plugin(path)))?;
        (path.parent().map_or(PathBuf::new(), Path::to_owned), path.to_owned(), bytes(path, file.into())?)
    };
    let manifest = String::from_utf8(manifest)
        .map_err(|_| Failure::refused(format_args!("{}: not UTF-8", manifest_path.display())))?;
    let parsed = Manifest::parse(&manifest).map_err(Failure::refused)?;
    let name = &parsed.plugin.component;
    let component =
        within(&folder, name, || missing(&folder.join(name), "plugin.component", "build it, and copy it there"))?;
    let mut files = BTreeMap::new();
    let schemas = parsed.tools.iter().flat_map(|tool| {
        let schemas = [("input", &tool.input), ("output", &tool.output)].into_iter();
        schemas.filter_map(|(key, name)| Some((format!("tool.{}.{key}", tool.name), name.as_ref()?)))
    });
    for (key, name) in schemas {
        let gone = || missing(&folder.join(name), &key, "write the schema there, or leave the key out");
        let schema = within(&folder, name, gone)?;
        if std::str::from_utf8(&schema).is_err() {
            return Err(Failure::refused(format_args!("{name}: not UTF-8")));
        }
        files.insert(name.clone(), schema);
    }
    let mut found = Found::default();
    if let Some(Assets { folder: name }) = &parsed.assets {
        let root = folder.join(name);
        let kind = root.symlink_metadata().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Failure::refused(missing(&root, "assets.folder", "make the folder, or leave [assets] out"))
            }
            _ => failed(&root)(error),
        });
        let kind = kind?.file_type();
        if !kind.is_dir() {
            return Err(Failure::refused(format_args!("{}: no folder; links are not followed", root.display())));
        }
        let read = |asset: &str| {
            let gone = || format!("{} was there, and is gone: try again", root.join(asset).display());
            within(&folder, &format!("{name}/{asset}"), gone)
        };
        collect(&root, "", &read, &mut found)?;
    }
    Ok(Read(Source { manifest, files, assets: found.assets, component, prefix }))
}

/// What is in the folder of assets.
#[derive(Default)]
struct Found {
    assets: BTreeMap<String, Vec<u8>>,
    /// In which they are, or nothing is.
    folders: usize,
}

/// Every file in `folder` and under it. What could not be an asset is refused, never left out: what is missing would be
/// noticed when it is asked for.
fn collect(
    folder: &Path,
    prefix: &str,
    read: &dyn Fn(&str) -> Result<Vec<u8>, Failure>,
    found: &mut Found,
) -> Result<(), Failure> {
    for entry in folder.read_dir().map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        let refused = |why: &dyn std::fmt::Display| Failure::refused(format_args!("{}: {why}", path.display()));
        let name = entry.file_name().into_string().map_err(|_| refused(&"its name is not UTF-8: rename it"))?;
        let name = format!("{prefix}{name}");
        // Of a folder's name too: every part of a name is held to the same.
        name.parse::<AssetName>().map_err(|why| refused(&why))?;
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() {
            found.folders += 1;
            if found.folders > MAX_ASSETS {
                return Err(refused(&format_args!(
                    "it is in more than {MAX_ASSETS} folders of assets: leave some out"
                )));
            }
            collect(&path, &format!("{name}/"), read, found)?;
        } else if !kind.is_file() {
            return Err(refused(
                &"assets are files and folders, and this is a link or something else: copy what it leads to",
            ));
        } else if found.assets.len() == MAX_ASSETS {
            return Err(Failure::refused(TooManyAssets::Number(MAX_ASSETS + 1)));
        } else {
            let content = read(&name)?;
            found.assets.insert(name, content);
        }
        let all: usize = found.assets.values().map(Vec::len).sum();
        if all > MAX_ASSET_BYTES {
            return Err(Failure::refused(TooManyAssets::All(all)));
        }
    }
    Ok(())
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |error| Failure::refused(format_args!("{}: {error}", path.display()))
}

impl Read {
    pub(super) fn into_request(self, approve: bool) -> Request {
        let Source { manifest, files, assets, component, prefix } = self.0;
        let assets = assets.into_iter().map(|(name, bytes)| (name, BASE64_STANDARD.encode(bytes))).collect();
        let files =
            files.into_iter().map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned())).collect();
        Request::Publish { manifest, files, assets, component: BASE64_STANDARD.encode(component), prefix, approve }
    }
}

/// What a key of the manifest names and nobody has put there.
fn missing(path: &Path, key: &str, instead: &str) -> String {
    format!("`{key}` of plugin.toml names {}, which is not there: {instead}", path.display())
}

fn no_plugin(path: &Path) -> String {
    let path = path.display();
    format!("{path} is not there: a plugin is a folder with a `plugin.toml` in it; name that folder, or the file")
}

/// The file `name` in `folder`, each part of it there itself. `gone` is what to say when it is not there.
fn within(folder: &Path, name: &str, gone: impl Fn() -> String) -> Result<Vec<u8>, Failure> {
    let path = folder.join(name);
    let refused = |errno| refused(&path, errno, &gone);
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut at = open(here, READ | OFlags::DIRECTORY, Mode::empty()).map_err(refused)?;
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        let kind = if parts.peek().is_some() { OFlags::DIRECTORY } else { OFlags::empty() };
        at = openat(&at, part, READ | OFlags::NOFOLLOW | kind, Mode::empty()).map_err(refused)?;
    }
    bytes(&path, at.into())
}

fn refused(path: &Path, errno: Errno, gone: impl Fn() -> String) -> Failure {
    let path = path.display();
    match errno {
        Errno::NOENT => Failure::refused(gone()),
        Errno::LOOP | Errno::NOTDIR => Failure::refused(format_args!(
            "{path}: it is, or is behind, a link or no folder, and links are not followed: copy what it leads to"
        )),
        errno => Failure::refused(format_args!("{path}: {}", std::io::Error::from(errno))),
    }
}

fn bytes(path: &Path, file: File) -> Result<Vec<u8>, Failure> {
    if !file.metadata().map_err(failed(path))?.is_file() {
        return Err(Failure::refused(format_args!(
            "{}: it is a folder, a pipe or a device, and no file",
            path.display()
        )));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed(path))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::refused(format_args!("{}: longer than {} MiB", path.display(), LONGEST >> 20)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{create_dir, create_dir_all, write},
        os::unix::fs::symlink,
    };

    use rustix::fs::{CWD, mkfifoat};

    use super::*;

    const MANIFEST: &str = r#"
manifest = 1
[plugin]
name = "a"
version = "0.1.0"
component = "a.wasm"
publisher = "example"
summary = "A plugin"
support = "mailto:support@example.com"
privacy_policy = "https://example.com/privacy"
[assets]
folder = "assets"
[[tool]]
name = "look"
title = "Look"
description = "Use this to look. Do not use it for anything else."
label = "read"
input = "schemas/look.json"
"#;

    fn plugin() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        write(at.join("plugin.toml"), MANIFEST).unwrap();
        write(at.join("a.wasm"), "component").unwrap();
        create_dir_all(at.join("assets/pages")).unwrap();
        write(at.join("assets/pages/a.md"), "asset").unwrap();
        create_dir(at.join("schemas")).unwrap();
        write(at.join("schemas/look.json"), "{}").unwrap();
        folder
    }

    fn why(path: &Path) -> String {
        format!("{:?}", read(path, None).map(|_| ()).unwrap_err())
    }

    fn pipe(path: &Path) {
        mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
    }

    #[test]
    fn a_folder_is_read_with_all_that_its_manifest_names() {
        let folder = plugin();
        let named = folder.path().join("plugin.toml");
        for path in [folder.path(), &named] {
            let Read(source) = read(path, None).unwrap();
            assert_eq!(source.component, b"component");
            assert_eq!(source.files["schemas/look.json"], b"{}");
            assert_eq!(source.assets["pages/a.md"], b"asset");
        }
        // Whoever names a file means what it leads to: its folder is where the name is.
        let manifest = folder.path().join("linked.toml");
        symlink(&named, &manifest).unwrap();
        assert!(read(&manifest, None).is_ok());
    }

    /// Fails without `NONBLOCK`, and then never ends.
    #[test]
    fn a_pipe_is_no_file_of_a_plugin_and_nobody_waits_for_it() {
        for name in ["plugin.toml", "a.wasm", "schemas/look.json", "assets/pages/a.md"] {
            let folder = plugin();
            let at = folder.path().join(name);
            std::fs::remove_file(&at).unwrap();
            pipe(&at);
            let refused = why(folder.path());
            assert!(
                refused.contains(name) && (refused.contains("a pipe") || refused.contains("assets are")),
                "{refused}"
            );
        }
        let folder = tempfile::tempdir().unwrap();
        pipe(&folder.path().join("p"));
        assert!(why(&folder.path().join("p")).contains("a pipe"));
        assert!(why(Path::new("/dev/zero")).contains("a device"));
    }

    /// Fails without `NOFOLLOW`, on each part of the name.
    #[test]
    fn no_link_leads_out_of_the_folder_of_a_plugin() {
        let other = plugin();
        for name in
            ["plugin.toml", "a.wasm", "schemas", "schemas/look.json", "assets", "assets/pages", "assets/pages/a.md"]
        {
            let folder = plugin();
            let at = folder.path().join(name);
            if at.is_dir() { std::fs::remove_dir_all(&at) } else { std::fs::remove_file(&at) }.unwrap();
            symlink(other.path().join(name), &at).unwrap();
            let refused = why(folder.path());
            assert!(refused.contains(name) && refused.contains("link"), "{name}: {refused}");
        }
    }

    #[test]
    fn a_file_is_read_only_so_far() {
        let folder = plugin();
        File::create(folder.path().join("a.wasm")).unwrap().set_len(LONGEST + 1).unwrap();
        assert!(why(folder.path()).contains("longer than 64 MiB"));
    }

    /// Fails without a count of folders.
    #[test]
    fn folders_of_assets_are_counted_too() {
        let folder = plugin();
        for n in 1..MAX_ASSETS {
            create_dir(folder.path().join(format!("assets/d{n}"))).unwrap();
        }
        assert!(read(folder.path(), None).is_ok());
        create_dir(folder.path().join("assets/more")).unwrap();
        assert!(why(folder.path()).contains("more than 2000 folders"));
    }
}
