//! The contents of a release's assets: read-only, in memory once for all calls of the release.

use std::{collections::BTreeMap, fmt, ops::Bound, sync::Arc};

use crate::{AssetName, Digest};

/// Most assets of a release.
pub const MAX_ASSETS: usize = 2000;

/// Most bytes of one asset.
pub const MAX_ASSET: usize = 8 << 20;

/// Most bytes of all assets of a release.
pub const MAX_ASSET_BYTES: usize = 32 << 20;

/// Files by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AssetFiles(BTreeMap<AssetName, Arc<[u8]>>);

/// More assets than a release may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManyAssets {
    /// Their number.
    #[error("there are {0} assets and at most {MAX_ASSETS} are allowed: leave some out, or put several into one")]
    Number(usize),
    /// The bytes of one.
    #[error("the asset `{name}` has {bytes} bytes and at most {MAX_ASSET} are allowed: make it smaller")]
    One {
        /// Its name.
        name: AssetName,
        /// Its bytes.
        bytes: usize,
    },
    /// The bytes of all.
    #[error("the assets have {0} bytes and at most {MAX_ASSET_BYTES} are allowed: leave some out")]
    All(usize),
}

impl AssetFiles {
    /// These files.
    ///
    /// # Errors
    /// [`TooManyAssets`].
    pub fn new(files: BTreeMap<AssetName, Arc<[u8]>>) -> Result<Self, TooManyAssets> {
        if files.len() > MAX_ASSETS {
            return Err(TooManyAssets::Number(files.len()));
        }
        if let Some((name, bytes)) = files.iter().find(|(_, bytes)| bytes.len() > MAX_ASSET) {
            return Err(TooManyAssets::One { name: name.clone(), bytes: bytes.len() });
        }
        match files.values().map(|bytes| bytes.len()).sum() {
            bytes if bytes > MAX_ASSET_BYTES => Err(TooManyAssets::All(bytes)),
            _ => Ok(Self(files)),
        }
    }

    /// The contents of the asset of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<[u8]>> {
        self.0.get(name)
    }

    /// Every asset, by the bytes of its name.
    pub fn iter(&self) -> impl Iterator<Item = (&AssetName, &Arc<[u8]>)> {
        self.0.iter()
    }

    /// The names that begin with `prefix` and come after `after`, by their bytes.
    pub fn names<'a>(&'a self, prefix: &'a str, after: Option<&str>) -> impl Iterator<Item = &'a AssetName> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let from = self.0.range::<str, _>((from, Bound::Unbounded)).map(|(name, _)| name);
        from.take_while(move |name| name.as_str().starts_with(prefix))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The digest of each.
    #[must_use]
    pub fn digests(&self) -> BTreeMap<AssetName, Digest> {
        self.0.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect()
    }
}

/// Names and sizes: contents would fill a log.
impl fmt::Debug for AssetFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.len()))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> AssetFiles {
        AssetFiles::new(names.iter().map(|name| (name.parse().unwrap(), Arc::from(name.as_bytes()))).collect()).unwrap()
    }

    #[test]
    fn names_are_listed_by_prefix_and_go_on_after_one() {
        let files = files(&["a.md", "pages/a.md", "pages/b.md", "pages2/c.md"]);
        let listed = |prefix, after| files.names(prefix, after).map(AssetName::as_str).collect::<Vec<_>>();
        assert_eq!(listed("pages/", None), ["pages/a.md", "pages/b.md"]);
        assert_eq!(listed("pages/", Some("pages/a.md")), ["pages/b.md"]);
        assert_eq!(
            listed("pages/", Some("a.md")),
            ["pages/a.md", "pages/b.md"],
            "what comes before the prefix is no place in it"
        );
        assert_eq!(
            files.names("pages2", Some("pages/a.md")).map(AssetName::as_str).collect::<Vec<_>>(),
            ["pages2/c.md"],
            "nor is it where something else stands in between"
        );
        assert_eq!(listed("pages/", Some("z")), [""; 0]);
        assert_eq!(listed("", None).len(), 4);
        assert_eq!(files.get("a.md").unwrap().as_ref(), b"a.md");
        assert!(files.get("pages").is_none());
        assert!(files.iter().map(|(name, _)| name.as_str()).eq(["a.md", "pages/a.md", "pages/b.md", "pages2/c.md"]));
    }

    #[test]
    fn each_has_the_digest_of_its_contents() {
        let digests = files(&["a", "b/c"]).digests();
        let expected = [("a", Digest::of(b"a")), ("b/c", Digest::of(b"b/c"))];
        assert!(digests.iter().map(|(name, digest)| (name.as_str(), *digest)).eq(expected));
        assert!(AssetFiles::default().is_empty() && !files(&["a"]).is_empty());
    }

    #[test]
    fn number_and_sizes_are_bounded() {
        let many = |number: usize, bytes: usize| {
            let content: Arc<[u8]> = vec![0; bytes].into();
            let named = |at| (format!("f{at}").parse().unwrap(), Arc::clone(&content));
            AssetFiles::new((0..number).map(named).collect())
        };
        assert_eq!((MAX_ASSETS, MAX_ASSET, MAX_ASSET_BYTES), (2_000, 8_388_608, 33_554_432), "as the pages say");
        assert_eq!(many(MAX_ASSETS, 1).unwrap().len(), MAX_ASSETS);
        assert_eq!(many(MAX_ASSETS + 1, 1).unwrap_err(), TooManyAssets::Number(MAX_ASSETS + 1));
        assert!(many(4, MAX_ASSET).is_ok());
        assert!(matches!(many(1, MAX_ASSET + 1), Err(TooManyAssets::One { bytes, .. }) if bytes == MAX_ASSET + 1));
        assert_eq!(many(5, MAX_ASSET).unwrap_err(), TooManyAssets::All(5 * MAX_ASSET));
    }
}
