//! What is done once, before a release is published: a folder of Markdown becomes `assets/`. Runs on the machine of whoever packs,
//! never in the plugin. The same files give the same bytes.

mod split;
mod write;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// What to pack.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of Markdown. Files that do not end in `.md`, and names that begin with a dot, are left out.
    pub docs: PathBuf,
    /// What stands before a page's path in its address, such as `https://docs.example.com/`.
    pub base_url: String,
    /// What stands in an address in the place of `.md`.
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
    /// The pages are more than an index of this format can hold.
    TooLarge,
}

/// Every file of the release, by its name under `assets/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The pages and their index.
pub fn pack(options: &Options) -> Result<Files, Error> {
    let Options { docs, base_url, extension } = options;
    if !(base_url.starts_with("https://") || base_url.starts_with("http://")) || !base_url.ends_with('/') {
        return Err(Error::Base(base_url.clone()));
    }
    let mut pages = BTreeMap::new();
    read(docs, "", &mut pages)?;
    if pages.is_empty() {
        return Err(Error::Empty(docs.clone()));
    }
    let mut files = write::index(&pages, base_url, extension).ok_or(Error::TooLarge)?;
    files.extend(pages.into_iter().map(|(path, text)| (format!("pages/{path}"), text.into_bytes())));
    Ok(files)
}

fn read(folder: &Path, prefix: &str, pages: &mut BTreeMap<String, String>) -> Result<(), Error> {
    let wrong = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::Read(path, error)
    };
    for entry in fs::read_dir(folder).map_err(wrong(folder))? {
        let path = entry.map_err(wrong(folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            read(&path, &format!("{name}/"), pages)?;
        } else if name.ends_with(".md") {
            pages.insert(name, fs::read_to_string(&path).map_err(wrong(&path))?);
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
            Self::Empty(folder) => write!(f, "there is no file that ends in .md in {}", folder.display()),
            Self::Read(path, error) => write!(f, "{}: {error}", path.display()),
            Self::TooLarge => f.write_str("the pages have more than 4 GiB"),
        }
    }
}

impl std::error::Error for Error {}
