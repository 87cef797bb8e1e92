//! A plugin's folder, read.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_calls::Source;
use portcullis_manifest::{AssetName, Assets, MAX_ASSET_BYTES, MAX_ASSETS, Manifest, TooManyAssets};

use crate::{control::Request, exit::Failure};

/// Longest file that is read: what is longer is refused anyway, and not after filling memory.
const LONGEST: u64 = 64 << 20;

/// A source and where it is from.
pub(super) struct Read(pub(super) Source);

/// Reads what the manifest at `path` names. Files outside its folder can't be named.
pub(super) fn read(path: &Path, prefix: Option<String>) -> Result<Read, Failure> {
    let manifest_path = if path.is_dir() { path.join("plugin.toml") } else { path.to_owned() };
    let folder = manifest_path.parent().map_or(PathBuf::new(), Path::to_owned);
    let manifest = String::from_utf8(bytes(&manifest_path)?)
        .map_err(|_| Failure::refused(format_args!("{}: not UTF-8", manifest_path.display())))?;
    let parsed = Manifest::parse(&manifest).map_err(Failure::refused)?;
    let component = bytes(&folder.join(&parsed.plugin.component))?;
    let mut files = BTreeMap::new();
    for name in parsed.tools.iter().flat_map(|tool| [&tool.input, &tool.output]).flatten() {
        let schema = bytes(&folder.join(name))?;
        if std::str::from_utf8(&schema).is_err() {
            return Err(Failure::refused(format_args!("{name}: not UTF-8")));
        }
        files.insert(name.clone(), schema);
    }
    let mut assets = BTreeMap::new();
    if let Some(Assets { folder: name }) = &parsed.assets {
        let root = folder.join(name);
        let kind = root.symlink_metadata().map_err(failed(&root))?.file_type();
        if !kind.is_dir() {
            return Err(Failure::refused(format_args!("{}: no folder; links are not followed", root.display())));
        }
        collect(&root, "", &mut assets)?;
    }
    Ok(Read(Source { manifest, files, assets, component, prefix }))
}

/// Every file in `folder` and under it. What could not be an asset is refused, never left out: what is missing would be
/// noticed when it is asked for.
fn collect(folder: &Path, prefix: &str, assets: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
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
            collect(&path, &format!("{name}/"), assets)?;
        } else if !kind.is_file() {
            return Err(refused(
                &"assets are files and folders, and this is a link or something else: copy what it leads to",
            ));
        } else if assets.len() == MAX_ASSETS {
            return Err(Failure::refused(TooManyAssets::Number(MAX_ASSETS + 1)));
        } else {
            let content = bytes(&path)?;
            assets.insert(name, content);
        }
        let all: usize = assets.values().map(Vec::len).sum();
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

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path).map_err(failed(path))?.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed(path))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::refused(format_args!("{}: longer than {} MiB", path.display(), LONGEST >> 20)));
    }
    Ok(bytes)
}
