//! Compiled artefacts on disk, authenticated before they are loaded (catalogue WX-06, RG-02).
//!
//! Loading an artefact runs whatever it holds as machine code, so nothing is loaded that this host did not write: a MAC
//! under a key of this host covers the artefact, the digest of the component it was compiled from, and the engine profile
//! it was compiled for. The store keeps components; artefacts are a cache and can be deleted at any time.

mod load;

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use portcullis_manifest::Digest;
use sha2::Sha256;
use wasmtime::component::Component;

use crate::EngineProfile;

const MAGIC: &[u8; 8] = b"PRTCART1";
const MAC: usize = 32;
const HEADER: usize = MAGIC.len() + MAC;

/// This host's secret: 32 random bytes in a file that only its user can read. Keys for each purpose are derived from it.
#[derive(Clone)]
pub struct HostKey([u8; 32]);

/// Why there is no artefact to load.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// Written by another host, changed since, for another component or another engine.
    #[error("the artefact is not one that this host made for this component and engine")]
    Foreign,
    /// The file system says no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Authentic, and the engine still does not take it.
    #[error(
        "the engine does not take the component's artefact (`pool` in the configuration sets what one may need): {0}"
    )]
    Engine(String),
}

/// The directory of artefacts.
#[derive(Clone)]
pub struct ArtefactCache {
    directory: PathBuf,
    key: [u8; 32],
}

impl HostKey {
    /// Reads `host.key` in `directory`, or makes it where `fresh`: where data was kept under a key, another one would open none
    /// of it and say nothing.
    ///
    /// # Errors
    /// When it can't be read or written, is not 32 bytes, can be read by others, or is missing and must not be.
    pub fn open(directory: &Path, fresh: bool) -> io::Result<Self> {
        let path = directory.join("host.key");
        match File::open(&path) {
            Ok(mut file) => {
                if file.metadata()?.mode() & 0o077 != 0 {
                    let text = "host.key can be read by others: `chmod 600` it, and consider what they may have read";
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
                }
                let mut key = Vec::new();
                file.read_to_end(&mut key)?;
                let wrong = |_| io::Error::new(io::ErrorKind::InvalidData, "host.key is not 32 bytes");
                key.try_into().map(Self).map_err(wrong)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !fresh => {
                let text =
                    "host.key is missing, and what the store holds was kept under it: restore it from the backup";
                Err(io::Error::new(io::ErrorKind::NotFound, text))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = [0; 32];
                File::open("/dev/urandom")?.read_exact(&mut key)?;
                write_new(&path, &[&key])?;
                Ok(Self(key))
            }
            Err(error) => Err(error),
        }
    }

    /// A key for one purpose: it says nothing of the host's key or of any other purpose's.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"portcullis key 1\0");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for HostKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HostKey")
    }
}

impl ArtefactCache {
    /// The directory `artefacts` in the data directory.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn open(data: &Path, key: &HostKey) -> io::Result<Self> {
        let directory = data.join("artefacts");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory, key: key.derive("artefact") })
    }

    /// Keeps an artefact of the component with this digest.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn put(&self, component: Digest, artefact: &[u8]) -> io::Result<()> {
        let mac = self.mac(component, artefact).finalize().into_bytes();
        write_new(&self.path(component), &[MAGIC, &mac, artefact])
    }

    /// Loads the artefact of the component with this digest. None: there is none, or it is for another profile or by
    /// another key, so it has to be compiled.
    ///
    /// # Errors
    /// [`ArtefactError`]: all of them mean that it has to be compiled again, and the first is worth an alert.
    pub fn load(&self, engine: &wasmtime::Engine, component: Digest) -> Result<Option<Component>, ArtefactError> {
        let mut file = match File::open(self.path(component)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Into memory of our own, once: what is authenticated is what is loaded, whatever happens to the file meanwhile.
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (header, artefact) = bytes.split_at_checked(HEADER).ok_or(ArtefactError::Foreign)?;
        let mac = header.strip_prefix(MAGIC).ok_or(ArtefactError::Foreign)?;
        let authentic = self.mac(component, artefact).verify_slice(mac);
        authentic.map_err(|_| ArtefactError::Foreign)?;
        load::authenticated(engine, artefact).map(Some).map_err(|error| ArtefactError::Engine(format!("{error:#}")))
    }

    fn mac(&self, component: Digest, artefact: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(&component.0);
        mac.update(&EngineProfile::current().digest().0);
        mac.update(artefact);
        mac
    }

    fn path(&self, component: Digest) -> PathBuf {
        let name: String = component.0.iter().map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(name)
    }
}

/// Writes a file that is there whole or not at all, readable by its owner only, and stays there when the power fails: a key
/// that is gone while what was kept under it is not opens nothing.
fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    for bytes in parts {
        file.write_all(bytes)?;
    }
    file.sync_all()?;
    fs::rename(&part, path)?;
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (tempfile::TempDir, ArtefactCache, wasmtime::Engine, Digest) {
        let home = tempfile::tempdir().unwrap();
        let key = HostKey::open(home.path(), true).unwrap();
        let cache = ArtefactCache::open(home.path(), &key).unwrap();
        let engine = wasmtime::Engine::new(&EngineProfile::current().compiling()).unwrap();
        let bytes = wat::parse_str("(component)").unwrap();
        let digest = Digest::of(&bytes);
        cache.put(digest, &engine.precompile_component(&bytes).unwrap()).unwrap();
        (home, cache, engine, digest)
    }

    #[test]
    fn wx_06_an_artefact_of_this_host_loads() {
        let (_home, cache, engine, digest) = made();
        assert!(cache.load(&engine, digest).unwrap().is_some());
        assert!(cache.load(&engine, Digest::of(b"another")).unwrap().is_none());
    }

    /// Fails without: the authentication of an artefact with the host's key.
    #[test]
    fn wx_06_one_changed_bit_anywhere_is_refused_before_the_engine_sees_it() {
        let (_home, cache, engine, digest) = made();
        let path = cache.path(digest);
        let good = fs::read(&path).unwrap();
        // Every bit of the header, and one bit in each stretch of the rest.
        for at in (0..HEADER).chain((HEADER..good.len()).step_by(good.len() / 64 + 1)) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(matches!(cache.load(&engine, digest), Err(ArtefactError::Foreign)), "byte {at}");
        }
        for cut in [0, 7, HEADER - 1, HEADER, good.len() - 1] {
            fs::write(&path, &good[..cut]).unwrap();
            assert!(matches!(cache.load(&engine, digest), Err(ArtefactError::Foreign)), "cut at {cut}");
        }
    }

    #[test]
    fn rg_02_an_artefact_of_another_component_or_host_is_refused() {
        let (_home, cache, engine, digest) = made();
        let other = Digest::of(b"another component");
        fs::copy(cache.path(digest), cache.path(other)).unwrap();
        assert!(matches!(cache.load(&engine, other), Err(ArtefactError::Foreign)));
        let (_elsewhere, foreign, _, _) = made();
        fs::copy(foreign.path(digest), cache.path(digest)).unwrap();
        assert!(matches!(cache.load(&engine, digest), Err(ArtefactError::Foreign)));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        HostKey::open(home.path(), true).unwrap();
        fs::set_permissions(home.path().join("host.key"), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(HostKey::open(home.path(), true).unwrap_err().to_string().contains("can be read by others"));
    }

    #[test]
    fn a_key_that_is_missing_where_data_was_kept_is_not_made_anew() {
        let home = tempfile::tempdir().unwrap();
        assert!(HostKey::open(home.path(), false).unwrap_err().to_string().contains("restore it from the backup"));
        HostKey::open(home.path(), true).unwrap();
        HostKey::open(home.path(), false).unwrap();
    }

    #[test]
    fn keys_for_two_purposes_differ() {
        let key = HostKey([1; 32]);
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_ne!(key.derive("a"), HostKey([2; 32]).derive("a"));
    }
}
