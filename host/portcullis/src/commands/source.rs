//! A plugin's folder, read.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_calls::Source;
use portcullis_manifest::Manifest;

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
    Ok(Read(Source { manifest, files, component, prefix }))
}

impl Read {
    pub(super) fn into_request(self, approve: bool) -> Request {
        let Source { manifest, files, component, prefix } = self.0;
        let files =
            files.into_iter().map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned())).collect();
        Request::Publish { manifest, files, component: BASE64_STANDARD.encode(component), prefix, approve }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::refused(format_args!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::refused(format_args!("{}: longer than {} MiB", path.display(), LONGEST >> 20)));
    }
    Ok(bytes)
}
