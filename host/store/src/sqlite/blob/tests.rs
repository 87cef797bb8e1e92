use std::{
    collections::HashSet,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use super::*;
use crate::sqlite::OpenError;

struct Rig {
    folder: Folder,
    home: tempfile::TempDir,
}

fn rig() -> Rig {
    let home = tempfile::tempdir().unwrap();
    Rig { folder: Folder::open(home.path()).unwrap(), home }
}

const OWNER: &str = "00ff";

impl Rig {
    fn write(&self, content: &[u8]) -> Blob {
        let blob = self.folder.write("p", OWNER, content).unwrap();
        self.folder.settle("p", OWNER).unwrap();
        blob
    }

    fn read(&self, blob: &Blob) -> Result<Vec<u8>, Unavailable> {
        let read = self.folder.open_blob(|| Ok(Some(blob.clone())), folder::Opened::content);
        read.map(|content| content.expect("it is named"))
    }

    fn files(&self) -> PathBuf {
        self.home.path().join("files")
    }

    fn path(&self, blob: &Blob) -> PathBuf {
        self.files().join("p").join(OWNER).join(blob.at.id.to_string())
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn pipe(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

#[test]
fn st_22_a_blob_is_read_as_it_was_written_and_nobody_else_can_reach_it() {
    let rig = rig();
    for content in [&b""[..], b"x", &[7; 100_000]] {
        let blob = rig.write(content);
        assert_eq!(rig.read(&blob).unwrap(), content);
        assert_eq!(mode(&rig.path(&blob)), 0o600);
    }
    for directory in ["files", "files/p", "files/p/00ff"] {
        assert_eq!(mode(&rig.home.path().join(directory)), 0o700, "{directory}");
    }
    let shared = rig.folder.write("p", "", b"for all").unwrap();
    assert!(rig.files().join("p/shared").join(shared.at.id.to_string()).is_file());
}

/// Each of these has the size and the digest that the row says, so that nothing else than what it is can be the reason.
#[test]
fn st_22_links_pipes_directories_and_files_of_others_are_not_read() {
    let rig = rig();
    let content = b"what the row says";
    let outside = rig.home.path().join("outside");
    fs::write(&outside, content).unwrap();
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o600)).unwrap();
    type Plant = fn(&Path, &Path);
    let plants: [(&str, Plant); 7] = [
        ("a link", |path, outside| symlink(outside, path).unwrap()),
        ("a link to nothing", |path, _| symlink("nothing", path).unwrap()),
        ("a second name", |path, outside| fs::hard_link(outside, path).unwrap()),
        ("a pipe", |path, _| pipe(path)),
        ("a directory", |path, _| fs::create_dir(path).unwrap()),
        ("a socket", |path, _| drop(std::os::unix::net::UnixListener::bind(path).unwrap())),
        ("a file that others can read", |path, outside| {
            fs::copy(outside, path).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }),
    ];
    for (what, plant) in plants {
        let blob = rig.write(content);
        assert_eq!(rig.read(&blob).unwrap(), content);
        fs::remove_file(rig.path(&blob)).unwrap();
        plant(&rig.path(&blob), &outside);
        let refused = rig.read(&blob).expect_err(what);
        assert!(!refused.reason.contains('/'), "{what}: no path in {refused}");
        // What is removed is the name.
        rig.folder.remove(&[blob.at]);
        assert_eq!(fs::read(&outside).unwrap(), content, "{what}");
    }
    // Only the superuser can give a file away; whoever else runs this can't be given one either.
    if rustix::process::geteuid().is_root() {
        let blob = rig.write(content);
        std::os::unix::fs::chown(rig.path(&blob), Some(65_534), None).unwrap();
        assert!(rig.read(&blob).is_err(), "a file of another user");
    }
}

#[test]
fn st_22_a_blob_of_another_size_or_content_is_not_given_out() {
    let rig = rig();
    let blob = rig.write(b"12345");
    for content in [&b"1234"[..], b"123456", b"12354", b""] {
        fs::write(rig.path(&blob), content).unwrap();
        assert!(rig.read(&blob).is_err(), "{content:?}");
    }
    fs::write(rig.path(&blob), b"12345").unwrap();
    assert_eq!(rig.read(&blob).unwrap(), b"12345");
    fs::remove_file(rig.path(&blob)).unwrap();
    assert!(rig.read(&blob).is_err(), "one that is missing");
}

#[test]
fn st_22_a_directory_that_is_a_link_is_not_followed_even_to_one_inside() {
    let rig = rig();
    let blob = rig.write(b"content");
    let (owner, moved) = (rig.files().join("p").join(OWNER), rig.files().join("p/aa"));
    fs::rename(&owner, &moved).unwrap();
    symlink("aa", &owner).unwrap();
    assert!(rig.read(&blob).is_err());
    assert!(rig.folder.write("p", OWNER, b"more").is_err());
    rig.folder.remove(std::slice::from_ref(&blob.at));
    assert_eq!(fs::read_dir(&moved).unwrap().count(), 1, "nothing was written or removed through it");
    // As a plugin's directory too.
    symlink("p", rig.files().join("q")).unwrap();
    assert!(rig.folder.write("q", "aa", b"more").is_err());
    rig.folder.sweep(|_| Ok(true)).unwrap();
    assert_eq!(fs::read_dir(&moved).unwrap().count(), 1);
}

/// The content outside is the very one that the row says: only that no link is followed keeps it from being read.
#[test]
fn st_22_a_directory_that_is_swapped_for_a_link_all_the_time_never_leads_outside() {
    let rig = rig();
    let blob = rig.write(b"inside!");
    let outside = rig.home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o700)).unwrap();
    let there = outside.join(blob.at.id.to_string());
    fs::write(&there, b"outside").unwrap();
    fs::set_permissions(&there, fs::Permissions::from_mode(0o600)).unwrap();
    let leads_out = Blob { digest: digest(b"outside"), ..blob.clone() };
    let (owner, aside) = (rig.files().join("p").join(OWNER), rig.files().join("p/aside"));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fs::rename(&owner, &aside).unwrap();
                symlink(&outside, &owner).unwrap();
                fs::remove_file(&owner).unwrap();
                fs::rename(&aside, &owner).unwrap();
            }
        });
        let mut inside = 0;
        // Until it was met in its place often enough: the swapper leaves it there some of the time.
        for _ in 0..1_000_000 {
            assert!(rig.read(&leads_out).is_err());
            if let Ok(content) = rig.read(&blob) {
                assert_eq!(content, b"inside!");
                inside += 1;
            }
            if inside == 100 {
                break;
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(inside, 100);
    });
}

#[test]
fn st_01_what_the_host_does_not_make_is_never_part_of_a_path() {
    let rig = rig();
    for plugin in ["", ".", "..", "a/b", "/etc", "A", "a\0b", "ä", "-a", "1a", &"a".repeat(41)] {
        assert!(rig.folder.write(plugin, OWNER, b"x").is_err(), "{plugin:?}");
    }
    for owner in [".", "..", "a/b", "/", "shared", "local", "AB", "a\0", "g", " ", &"a".repeat(65)] {
        assert!(rig.folder.write("p", owner, b"x").is_err(), "{owner:?}");
    }
    assert_eq!(fs::read_dir(rig.files()).unwrap().count(), 0, "nothing was made for them");
}

#[test]
fn st_02_sweeping_removes_what_no_row_names_and_leaves_what_the_host_did_not_make() {
    let rig = rig();
    let (named, orphan) = (rig.write(b"named"), rig.write(b"orphan"));
    let alone = rig.folder.write("q", "", b"the last of its directory").unwrap();
    let at = rig.files().join("p").join(OWNER);
    let outside = rig.home.path().join("outside");
    fs::write(&outside, b"outside").unwrap();
    // Of the form of blobs: a link goes, what it points at stays; a directory stays with what is in it.
    let (link, directory) = (at.join("00".repeat(16)), at.join("11".repeat(16)));
    symlink(&outside, &link).unwrap();
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("kept"), b"").unwrap();
    fs::write(at.join("notes.txt"), b"an operator's").unwrap();
    pipe(&rig.files().join("pipe"));
    let asked = std::cell::RefCell::new(HashSet::new());
    let kept = rig.folder.sweep(|blob| {
        asked.borrow_mut().insert(blob.clone());
        Ok(*blob == named.at)
    });
    assert_eq!(kept.unwrap(), 1);
    assert!(asked.borrow().contains(&alone.at), "the owner of what is shared is empty");
    assert_eq!(rig.read(&named).unwrap(), b"named");
    assert!(!rig.path(&orphan).exists() && fs::symlink_metadata(&link).is_err());
    assert!(directory.join("kept").exists() && at.join("notes.txt").exists());
    assert_eq!(fs::read(&outside).unwrap(), b"outside");
    assert!(!rig.files().join("q").exists(), "an empty directory is removed");
    assert!(rig.files().join("pipe").exists());
}

#[test]
fn st_24_a_folder_that_is_a_link_or_that_others_can_enter_is_refused() {
    let refused = |plant: fn(&Path)| {
        let home = tempfile::tempdir().unwrap();
        plant(home.path());
        match Folder::open(home.path()) {
            Err(OpenError::Files(reason)) => reason,
            other => panic!("{:?}", other.map(|_| ())),
        }
    };
    refused(|home| {
        fs::create_dir(home.join("elsewhere")).unwrap();
        fs::set_permissions(home.join("elsewhere"), fs::Permissions::from_mode(0o700)).unwrap();
        symlink("elsewhere", home.join("files")).unwrap();
    });
    refused(|home| fs::write(home.join("files"), b"").unwrap());
    let exposed = refused(|home| {
        fs::create_dir(home.join("files")).unwrap();
        fs::set_permissions(home.join("files"), fs::Permissions::from_mode(0o755)).unwrap();
    });
    assert!(exposed.contains("755"), "{exposed}");
}

#[test]
fn a_blob_that_is_open_is_read_to_its_end_although_it_is_replaced_meanwhile() {
    let rig = rig();
    let blob = rig.write(b"the old content");
    let read = rig.folder.open_blob(
        || Ok(Some(blob.clone())),
        |opened| {
            rig.folder.remove(std::slice::from_ref(&blob.at));
            assert!(!rig.path(&blob).exists());
            opened.content()
        },
    );
    assert_eq!(read, Ok(Some(b"the old content".to_vec())));
}

#[test]
fn nothing_is_removed_between_a_row_and_its_blob() {
    let rig = rig();
    let blob = rig.write(b"content");
    let rig = &rig;
    std::thread::scope(|scope| {
        let read = rig.folder.open_blob(
            || {
                // Begun before the blob is open: it has to wait until it is.
                scope.spawn(|| rig.folder.remove(std::slice::from_ref(&blob.at)));
                for _ in 0..1000 {
                    std::thread::yield_now();
                }
                Ok(Some(blob.clone()))
            },
            folder::Opened::content,
        );
        assert_eq!(read, Ok(Some(b"content".to_vec())));
    });
    assert!(!rig.path(&blob).exists(), "and then it is");
}
