//! `files`: whole named blobs.
//!
//! Life of a write: the function checks proof, grant, name, size and quota, and puts it into the call's overlay, which the call
//! itself reads through. When the call has succeeded, the overlay goes into the call's commit: the store writes each blob under
//! a name of its own making, makes it durable, and names it in the one transaction. A guest's name never reaches the file
//! system (catalogue ST-22).

mod overlay;

use std::sync::Arc;

use portcullis_admission::{Content, Intended};
use portcullis_manifest::{Capability, HostFunction, Interface};
use portcullis_store::{FileEntry, FilesLimits, FilesPartition};

use super::{CallState, Early, answer, function};
use crate::contract::bindings::portcullis::plugin::files::{Entry, Error, Host, Page};
pub(crate) use overlay::Overlay;

const READ: &HostFunction = function(Interface::Files, "read");
const LIST: &HostFunction = function(Interface::Files, "list-files");
const WRITE: &HostFunction = function(Interface::Files, "write");
const REMOVE: &HostFunction = function(Interface::Files, "remove");

/// Longest name in bytes.
const NAME: usize = 128;

/// Most entries in one page.
const PAGE: u32 = 1000;

/// What a grant opens for this principal.
struct Opened {
    at: FilesPartition,
    limits: FilesLimits,
}

impl CallState {
    fn open_files(&mut self, function: &HostFunction, capability: &str) -> Result<Opened, Error> {
        let grant = self.open(function, capability).map_err(Error::NotGranted)?;
        let Capability::Files(files) = grant.capability else {
            return Err(Error::NotGranted("not a files capability".to_owned()));
        };
        let owner = self.owner(files.partition, Interface::Files, capability).map_err(Error::NeedsUser)?;
        let at =
            FilesPartition { plugin: self.permit.tool().plugin.to_string(), capability: grant.name.to_string(), owner };
        Ok(Opened { at, limits: FilesLimits { bytes: files.quota, files: files.files } })
    }

    /// The size of a file as this call sees it.
    async fn size(&mut self, at: &FilesPartition, name: &str) -> Result<Option<u64>, Error> {
        if let Some(written) = self.files.get(at, name) {
            return Ok(written.map(|data| data.len() as u64));
        }
        // Of all names that begin with it, a name is the first.
        let listed = self.services.store.files_list(at.clone(), name.to_owned(), None, 1).await.map_err(unavailable)?;
        Ok(listed.entries.into_iter().find(|entry| entry.name == name).map(|entry| entry.size))
    }

    /// Puts a write into the overlay, if the call may do it. Gives whether the file was there.
    async fn change_file(
        &mut self,
        function: &HostFunction,
        capability: &str,
        name: String,
        data: Option<Vec<u8>>,
    ) -> Result<bool, Early<Error>> {
        let _proof = self.enter_write(function, capability).map_err(Early::Call)?;
        let opened = self.open_files(function, capability)?;
        check_name(&name)?;
        let limits = &self.permit.tool().limits;
        let (one, writes, room) = (limits.file, limits.file_writes, limits.file_bytes);
        let over = |text: String| Err(Error::OverQuota(text).into());
        if let Some(data) = &data
            && data.len() as u64 > one
        {
            return over(format!("the file has {} bytes; `limits.file` of plugin.toml allows {one}", data.len()));
        }
        let before = self.size(&opened.at, &name).await?;
        if data.is_none() && before.is_none() {
            return Ok(false);
        }
        if self.files.get(&opened.at, &name).is_none() && self.files.len() as u64 >= writes {
            return over(format!("one call may write {writes} files (`limits.file_writes` of plugin.toml)"));
        }
        if !self.files.is_open(&opened.at) {
            let committed = self.services.store.files_usage(opened.at.clone()).await.map_err(unavailable)?;
            self.files.open(opened.at.clone(), opened.limits, committed);
        }
        let data = data.map(Arc::new);
        self.files.put(room, &opened.at, name.clone(), before, data.clone()).map_err(Error::OverQuota)?;
        // Last, so that what was refused is no effect.
        let capability = &opened.at.capability;
        let intended = || match &data {
            Some(data) => {
                Intended::FileWrite { capability: capability.clone(), name: name.clone(), content: Content::of(data) }
            }
            None => Intended::FileRemove { capability: capability.clone(), name: name.clone() },
        };
        self.effects.ask(intended).map_err(Early::Call)?;
        Ok(before.is_some())
    }
}

/// Names that are one name everywhere, also when an operator looks at them in a terminal.
fn check_name(name: &str) -> Result<(), Error> {
    let wrong = if name.is_empty() {
        "is empty".to_owned()
    } else if name.len() > NAME {
        format!("has {} bytes; {NAME} are allowed", name.len())
    } else if name.starts_with('.') {
        "begins with a dot".to_owned()
    } else if name.starts_with(' ') || name.ends_with(' ') {
        "begins or ends with a space".to_owned()
    } else if let Some(bad) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ')))
    {
        format!("has `{}` in it; letters, digits, `.`, `_`, `-` and spaces are allowed", bad.escape_default())
    } else {
        return Ok(());
    };
    Err(Error::BadName(format!("the name {wrong}")))
}

fn unavailable(error: portcullis_store::Unavailable) -> Error {
    tracing::error!(%error, "files");
    Error::Unavailable("the host's store cannot answer now".to_owned())
}

impl Host for CallState {
    async fn read(&mut self, capability: String, name: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        self.enter(READ)?;
        Ok(async move {
            let opened = self.open_files(READ, &capability)?;
            check_name(&name)?;
            if let Some(written) = self.files.get(&opened.at, &name) {
                return Ok(written.map(|data| data.to_vec()));
            }
            self.services.store.file_read(opened.at, name).await.map_err(unavailable)
        }
        .await)
    }

    async fn list_files(
        &mut self,
        capability: String,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Page, Error>> {
        self.enter(LIST)?;
        Ok(async move {
            let opened = self.open_files(LIST, &capability)?;
            let limit = limit.clamp(1, PAGE);
            // Files that this call has removed take no place in the page, so ask for as many more.
            let asked = limit + self.files.removed(&opened.at);
            let listed = self.services.store.files_list(opened.at.clone(), prefix.clone(), cursor.clone(), asked);
            let committed = listed.await.map_err(unavailable)?;
            let (entries, more) = self.files.list(&opened.at, &prefix, cursor.as_deref(), limit as usize, committed);
            let next = if more { entries.last().map(|entry| entry.name.clone()) } else { None };
            let entries = entries.into_iter().map(|FileEntry { name, size }| Entry { name, size }).collect();
            Ok(Page { entries, next })
        }
        .await)
    }

    async fn write(&mut self, capability: String, name: String, data: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        answer(self.change_file(WRITE, &capability, name, Some(data)).await.map(drop))
    }

    async fn remove(&mut self, capability: String, name: String) -> wasmtime::Result<Result<bool, Error>> {
        answer(self.change_file(REMOVE, &capability, name, None).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn st_22_a_name_is_flat_and_plain() {
        for good in ["a", "Report 2026-11.txt", "x_y-z", "a..b", &"n".repeat(128)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "../a",
            "a\\b",
            "a\0b",
            "a\nb",
            " a",
            "a ",
            "\u{e9}",
            "a:b",
            &"n".repeat(129),
        ] {
            assert!(matches!(check_name(bad), Err(Error::BadName(_))), "{bad}");
        }
    }
}
