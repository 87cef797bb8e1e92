//! A call's writes before they are committed.

use std::collections::BTreeMap;

use portcullis_store::{KvPage, KvPartition, KvUsage, KvWrite, KvWrites, PartitionLimits};

/// See the module.
#[derive(Default)]
pub(crate) struct Overlay {
    partitions: BTreeMap<KvPartition, Partition>,
}

struct Partition {
    limits: PartitionLimits,
    /// What it would hold if the call were committed now.
    usage: KvUsage,
    writes: BTreeMap<String, KvWrite>,
}

impl Overlay {
    /// Some: this call has written the key; the inner option is what it holds now.
    pub(super) fn get(&self, at: &KvPartition, key: &str) -> Option<Option<&Vec<u8>>> {
        Some(self.partitions.get(at)?.writes.get(key)?.value.as_ref())
    }

    pub(super) fn has(&self, at: &KvPartition, key: &str) -> bool {
        self.get(at, key).is_some()
    }

    /// Keys written, in all partitions.
    pub(super) fn len(&self) -> usize {
        self.partitions.values().map(|partition| partition.writes.len()).sum()
    }

    pub(super) fn usage(&self, at: &KvPartition) -> Option<KvUsage> {
        Some(self.partitions.get(at)?.usage)
    }

    pub(super) fn open(&mut self, at: KvPartition, limits: PartitionLimits, usage: KvUsage) {
        self.partitions.entry(at).or_insert(Partition { limits, usage, writes: BTreeMap::new() });
    }

    /// Takes a write in. `before` is what the key held as this call saw it.
    pub(super) fn put(
        &mut self,
        at: &KvPartition,
        key: String,
        before: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
        compared: bool,
    ) -> Result<(), String> {
        let Some(partition) = self.partitions.get_mut(at) else { return Err("the partition is not open".to_owned()) };
        let size = |value: &Vec<u8>| (key.len() + value.len()) as u64;
        let old = before.as_ref().map_or(0, size);
        let new = value.as_ref().map_or(0, size);
        let usage = KvUsage {
            // Saturating: what this call saw may be older than the usage it was told.
            bytes: partition.usage.bytes.saturating_sub(old) + new,
            keys: partition.usage.keys.saturating_sub(u64::from(before.is_some())) + u64::from(value.is_some()),
        };
        let PartitionLimits { bytes, keys } = partition.limits;
        let name = &at.capability;
        if usage.bytes > bytes && new > old {
            let wanted = usage.bytes;
            return Err(format!(
                "`{name}` would hold {wanted} bytes; `capability.{name}.quota` of plugin.toml allows {bytes}"
            ));
        }
        if usage.keys > keys && before.is_none() {
            let wanted = usage.keys;
            return Err(format!(
                "`{name}` would hold {wanted} keys; `capability.{name}.keys` of plugin.toml allows {keys}"
            ));
        }
        partition.usage = usage;
        match partition.writes.get_mut(&key) {
            // What must hold at commit is what was committed when the call first compared, not what it wrote since.
            Some(write) => write.value = value,
            None => {
                let expected = compared.then_some(before);
                partition.writes.insert(key, KvWrite { value, expected });
            }
        }
        Ok(())
    }

    /// How many keys this call has removed from a partition.
    pub(super) fn removed(&self, at: &KvPartition) -> u32 {
        let Some(partition) = self.partitions.get(at) else { return 0 };
        let removed = partition.writes.values().filter(|write| write.value.is_none()).count();
        u32::try_from(removed).unwrap_or(u32::MAX)
    }

    /// A committed page with this call's writes on top: at most `limit` keys, and whether there are more.
    pub(super) fn list(
        &self,
        at: &KvPartition,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        committed: KvPage,
    ) -> (Vec<String>, bool) {
        let more = committed.more;
        let Some(partition) = self.partitions.get(at) else { return page(committed.keys, limit, more) };
        // Beyond the last committed key of a page that is not the last one, only the next page knows the order.
        let horizon = if more { committed.keys.last().cloned() } else { None };
        let mut keys: Vec<String> =
            committed.keys.into_iter().filter(|key| !partition.writes.contains_key(key)).collect();
        let written = partition.writes.iter().filter(|(key, write)| {
            write.value.is_some()
                && key.starts_with(prefix)
                && after.is_none_or(|after| key.as_str() > after)
                && horizon.as_ref().is_none_or(|horizon| *key <= horizon)
        });
        keys.extend(written.map(|(key, _)| key.clone()));
        keys.sort_unstable();
        page(keys, limit, more)
    }

    pub(crate) fn take_writes(&mut self) -> KvWrites {
        let partitions = std::mem::take(&mut self.partitions);
        partitions
            .into_iter()
            .filter(|(_, partition)| !partition.writes.is_empty())
            .map(|(at, partition)| (at, (partition.limits, partition.writes)))
            .collect()
    }
}

fn page(mut keys: Vec<String>, limit: usize, more: bool) -> (Vec<String>, bool) {
    let more = more || keys.len() > limit;
    keys.truncate(limit);
    (keys, more)
}
