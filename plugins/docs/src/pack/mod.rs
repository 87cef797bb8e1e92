//! What is done once, before a release is published: a folder of Markdown becomes `assets/`. Runs on the machine of whoever packs,
//! never in the plugin. The same files give the same bytes.

mod front;
mod redirect;
mod split;
mod write;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

pub use redirect::check_redirect;

use crate::is_page;

/// Files that a release may have beside the pages: six of the index, and the widget.
const BESIDE: usize = 7;
/// Files that a release may have, as the host counts them (`check` says so too).
const FILES: usize = 2000;
/// Bytes that one of them may have, and all together.
const FILE_BYTES: usize = 8 << 20;
const BYTES: usize = 32 << 20;

/// What to pack.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of Markdown: files that end in `.md` or `.markdown`. Names that begin with a dot are left out.
    pub docs: PathBuf,
    /// What stands before a page's path in its address, such as `https://docs.example.com/`.
    pub base_url: String,
    /// What stands in an address in the place of `.md` or `.markdown`.
    pub extension: String,
}

/// Why there is nothing packed.
#[derive(Debug)]
pub enum Error {
    /// The base is not an address that a person can open, or has no slash at its end.
    Base(String),
    /// There is no Markdown in the folder.
    Empty(PathBuf),
    /// A file can't be read.
    Read(PathBuf, io::Error),
    /// A page, or a folder, is a link.
    Link(PathBuf),
    /// More pages than a release may have.
    TooMany(usize),
    /// A page, or a part of the index, is longer than a file of a release may be.
    TooLong(String, usize),
    /// The pages and their index are more than a release may have.
    TooLarge(usize),
    /// The widget may not open the pages' addresses: what `redirect` lists, and what it has to.
    Redirect(Vec<String>, String),
}

/// Every file of the release, by its name under `assets/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What was made, and what was not.
#[derive(Debug)]
pub struct Packed {
    /// The pages and their index.
    pub files: Files,
    /// What in the folder is no page, by its path there.
    pub skipped: Vec<String>,
    /// The ids of sections whose own text is longer than one answer: what is behind that is neither found nor fetched.
    pub cut: Vec<String>,
}

/// The pages and their index.
pub fn pack(options: &Options) -> Result<Packed, Error> {
    let Options { docs, base_url, extension } = options;
    if !(base_url.starts_with("https://") || base_url.starts_with("http://")) || !base_url.ends_with('/') {
        return Err(Error::Base(base_url.clone()));
    }
    let (mut pages, mut skipped) = (BTreeMap::new(), Vec::new());
    read(docs, "", &mut pages, &mut skipped)?;
    if pages.is_empty() {
        return Err(Error::Empty(docs.clone()));
    }
    if pages.len() > FILES - BESIDE {
        return Err(Error::TooMany(pages.len()));
    }
    let bytes = pages.values().map(String::len).sum();
    let (mut files, cut) = write::index(&pages, base_url, extension).ok_or(Error::TooLarge(bytes))?;
    files.extend(pages.into_iter().map(|(path, text)| (format!("pages/{path}"), text.into_bytes())));
    if let Some((name, data)) = files.iter().find(|(_, data)| data.len() > FILE_BYTES) {
        return Err(Error::TooLong(name.clone(), data.len()));
    }
    match files.values().map(Vec::len).sum() {
        bytes if bytes > BYTES => return Err(Error::TooLarge(bytes)),
        _ => {}
    }
    skipped.sort();
    Ok(Packed { files, skipped, cut })
}

fn read(
    folder: &Path,
    prefix: &str,
    pages: &mut BTreeMap<String, String>,
    skipped: &mut Vec<String>,
) -> Result<(), Error> {
    let wrong = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::Read(path, error)
    };
    for entry in fs::read_dir(folder).map_err(wrong(folder))? {
        let entry = entry.map_err(wrong(folder))?;
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type().map_err(wrong(&path))?;
        let shown = format!("{prefix}{}", name.to_string_lossy());
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
            skipped.push(shown);
            continue;
        };
        let name = format!("{prefix}{name}");
        if kind.is_symlink() && (is_page(&name).is_some() || path.is_dir()) {
            return Err(Error::Link(path));
        } else if kind.is_dir() {
            read(&path, &format!("{name}/"), pages, skipped)?;
        } else if kind.is_file() && is_page(&name).is_some() {
            pages.insert(name, fs::read_to_string(&path).map_err(wrong(&path))?);
        } else {
            skipped.push(shown);
        }
    }
    Ok(())
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Base(base) => write!(
                f,
                "`{base}` is not where pages can be opened: it has to begin with https:// or http:// and to end with a slash"
            ),
            Self::Empty(folder) => {
                write!(f, "there is no file that ends in .md or .markdown in {}", folder.display())
            }
            Self::Read(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Link(path) => write!(
                f,
                "{} is a link: what it leads to could be anything on this machine, and would be published; copy it there, or \
                 remove the link",
                path.display()
            ),
            Self::TooMany(pages) => write!(
                f,
                "there are {pages} pages, and a release has at most {FILES} files, {BESIDE} of which are not pages: leave some \
                 out, or put several into one"
            ),
            Self::TooLong(name, bytes) => write!(
                f,
                "{name} has {bytes} bytes, and a file of a release has at most {FILE_BYTES}: divide the page, or leave pages out"
            ),
            Self::TooLarge(bytes) => write!(
                f,
                "the pages and their index have {bytes} bytes, and a release has at most {BYTES}: leave some out"
            ),
            Self::Redirect(listed, origin) => write!(
                f,
                "the pages are at {origin}, and the widget's `redirect` in plugin.toml lists {}: its links would not open; write \
                 redirect = [\"{origin}\"]",
                if listed.is_empty() { "nothing".to_owned() } else { listed.join(", ") }
            ),
        }
    }
}

impl std::error::Error for Error {}
