//! A call's files before they are committed.

use std::{collections::BTreeMap, sync::Arc};

use portcullis_store::{FileEntry, FileWrite, FileWrites, FilesLimits, FilesPage, FilesPartition, FilesUsage};

/// What a name costs beside its text and its content.
const ENTRY: u64 = 128;

/// See the module.
#[derive(Default)]
pub(crate) struct Overlay {
    partitions: BTreeMap<FilesPartition, Partition>,
    /// What it holds: host memory that the guest's own limit does not count.
    bytes: u64,
}

struct Partition {
    limits: FilesLimits,
    /// What it would hold if the call were committed now.
    usage: FilesUsage,
    writes: BTreeMap<String, Option<Arc<Vec<u8>>>>,
}

impl Overlay {
    /// Some: this call has written the file; the inner option is what it holds now.
    pub(super) fn get(&self, at: &FilesPartition, name: &str) -> Option<Option<&Arc<Vec<u8>>>> {
        Some(self.partitions.get(at)?.writes.get(name)?.as_ref())
    }

    /// Files written, in all partitions.
    pub(super) fn len(&self) -> usize {
        self.partitions.values().map(|partition| partition.writes.len()).sum()
    }

    pub(super) fn is_open(&self, at: &FilesPartition) -> bool {
        self.partitions.contains_key(at)
    }

    pub(super) fn open(&mut self, at: FilesPartition, limits: FilesLimits, usage: FilesUsage) {
        self.partitions.entry(at).or_insert(Partition { limits, usage, writes: BTreeMap::new() });
    }

    /// Takes a write in, if all that is held stays within `room`. `before` is how many bytes the file had as this call saw it.
    pub(super) fn put(
        &mut self,
        room: u64,
        at: &FilesPartition,
        name: String,
        before: Option<u64>,
        data: Option<Arc<Vec<u8>>>,
    ) -> Result<(), String> {
        let Some(partition) = self.partitions.get_mut(at) else { return Err("the folder is not open".to_owned()) };
        let new = data.as_ref().map(|data| data.len() as u64);
        let usage = FilesUsage {
            // Saturating: what this call saw may be older than the usage it was told.
            bytes: partition.usage.bytes.saturating_sub(before.unwrap_or(0)) + new.unwrap_or(0),
            files: partition.usage.files.saturating_sub(u64::from(before.is_some())) + u64::from(new.is_some()),
        };
        let (FilesLimits { bytes, files }, capability) = (partition.limits, &at.capability);
        if usage.bytes > bytes && new > before {
            let wanted = usage.bytes;
            return Err(format!(
                "`{capability}` would hold {wanted} bytes; `capability.{capability}.quota` of plugin.toml allows {bytes}"
            ));
        }
        if usage.files > files && before.is_none() {
            let wanted = usage.files;
            return Err(format!(
                "`{capability}` would hold {wanted} files; `capability.{capability}.files` of plugin.toml allows {files}"
            ));
        }
        let (freed, taken) = match partition.writes.get(&name) {
            Some(data) => (data.as_ref().map_or(0, |data| data.len() as u64), new.unwrap_or(0)),
            None => (0, name.len() as u64 + ENTRY + new.unwrap_or(0)),
        };
        let held = self.bytes - freed + taken;
        if held > room && taken > freed {
            return Err(format!(
                "one call may hold {room} bytes of files until it is committed, and with this one it would hold {held} \
                 (`limits.file_bytes` of plugin.toml)"
            ));
        }
        self.bytes = held;
        partition.usage = usage;
        partition.writes.insert(name, data);
        Ok(())
    }

    /// How many files this call has removed from a folder.
    pub(super) fn removed(&self, at: &FilesPartition) -> u32 {
        let Some(partition) = self.partitions.get(at) else { return 0 };
        let removed = partition.writes.values().filter(|data| data.is_none()).count();
        u32::try_from(removed).unwrap_or(u32::MAX)
    }

    /// A committed page with this call's writes on top: at most `limit` entries, and whether there are more.
    pub(super) fn list(
        &self,
        at: &FilesPartition,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        committed: FilesPage,
    ) -> (Vec<FileEntry>, bool) {
        let FilesPage { mut entries, more } = committed;
        if let Some(partition) = self.partitions.get(at) {
            // Beyond the last committed name of a page that is not the last one, only the next page knows the order.
            let horizon = if more { entries.last().map(|entry| entry.name.clone()) } else { None };
            entries.retain(|entry| !partition.writes.contains_key(&entry.name));
            let written = partition.writes.iter().filter_map(|(name, data)| Some((name, data.as_ref()?.len() as u64)));
            let written = written.filter(|(name, _)| {
                name.starts_with(prefix)
                    && after.is_none_or(|after| name.as_str() > after)
                    && horizon.as_ref().is_none_or(|horizon| *name <= horizon)
            });
            entries.extend(written.map(|(name, size)| FileEntry { name: name.clone(), size }));
            entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        }
        let more = more || entries.len() > limit;
        entries.truncate(limit);
        (entries, more)
    }

    pub(crate) fn take_writes(&mut self) -> FileWrites {
        self.bytes = 0;
        let partitions = std::mem::take(&mut self.partitions);
        partitions
            .into_iter()
            .filter(|(_, partition)| !partition.writes.is_empty())
            .map(|(at, Partition { limits, writes, .. })| {
                let writes = writes.into_iter().map(|(name, content)| (name, FileWrite { content })).collect();
                (at, (limits, writes))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> FilesPartition {
        FilesPartition { plugin: "p".to_owned(), capability: "c".to_owned(), owner: String::new() }
    }

    fn overlay(bytes: u64, files: u64, usage: FilesUsage) -> Overlay {
        let mut overlay = Overlay::default();
        overlay.open(at(), FilesLimits { bytes, files }, usage);
        overlay
    }

    fn data(size: usize) -> Option<Arc<Vec<u8>>> {
        Some(Arc::new(vec![0; size]))
    }

    const ROOM: u64 = 1 << 20;

    #[test]
    fn st_20_a_folder_takes_its_quota_and_not_a_byte_or_a_file_more() {
        let mut overlay = overlay(100, 2, FilesUsage::default());
        overlay.put(ROOM, &at(), "a".to_owned(), None, data(60)).unwrap();
        let error = overlay.put(ROOM, &at(), "b".to_owned(), None, data(41)).unwrap_err();
        assert!(error.contains("`capability.c.quota`") && error.contains("101"), "{error}");
        overlay.put(ROOM, &at(), "b".to_owned(), None, data(40)).unwrap();
        let error = overlay.put(ROOM, &at(), "c".to_owned(), None, data(0)).unwrap_err();
        assert!(error.contains("`capability.c.files`"), "{error}");
        overlay.put(ROOM, &at(), "a".to_owned(), Some(60), None).unwrap();
        overlay.put(ROOM, &at(), "c".to_owned(), None, data(60)).unwrap();
    }

    #[test]
    fn st_20_a_call_holds_no_more_than_its_bytes() {
        let mut overlay = overlay(1 << 30, 100, FilesUsage::default());
        overlay.put(ENTRY + 1 + 10, &at(), "a".to_owned(), None, data(10)).unwrap();
        let error = overlay.put(ENTRY + 1 + 10, &at(), "a".to_owned(), Some(10), data(11)).unwrap_err();
        assert!(error.contains("`limits.file_bytes`"), "{error}");
        overlay.put(1, &at(), "a".to_owned(), Some(10), data(5)).unwrap();
    }

    #[test]
    fn a_page_shows_what_the_call_wrote_and_not_what_it_removed() {
        let mut overlay = overlay(1000, 10, FilesUsage::default());
        overlay.put(ROOM, &at(), "b".to_owned(), Some(1), None).unwrap();
        overlay.put(ROOM, &at(), "c".to_owned(), None, data(3)).unwrap();
        overlay.put(ROOM, &at(), "z".to_owned(), None, data(9)).unwrap();
        let entry = |name: &str| FileEntry { name: name.to_owned(), size: 1 };
        let committed = |more| FilesPage { entries: ["a", "b", "d"].map(entry).into(), more };
        let names = |limit, more| {
            let (entries, more) = overlay.list(&at(), "", None, limit, committed(more));
            (entries.into_iter().map(|entry| entry.name).collect::<String>(), more)
        };
        assert_eq!(names(10, false), ("acdz".to_owned(), false));
        assert_eq!(names(10, true), ("acd".to_owned(), true));
        assert_eq!(names(2, false), ("ac".to_owned(), true));
    }
}
