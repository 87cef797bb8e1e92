//! A call's writes before they are committed.

use std::collections::BTreeMap;

use portcullis_store::{KvPage, KvPartition, KvUsage, KvWrite, KvWrites, PartitionLimits};

/// What a key costs beside its text and its values: the map's entry, and what each allocation takes more than it holds.
const ENTRY: u64 = 128;

/// See the module.
#[derive(Default)]
pub(crate) struct Overlay {
    partitions: BTreeMap<KvPartition, Partition>,
    /// What it holds: host memory that the guest's own limit does not count.
    bytes: u64,
}

/// A write that was asked for.
pub(super) struct Wanted {
    pub(super) key: String,
    /// What the key held as this call saw it.
    pub(super) before: Option<Vec<u8>>,
    /// None removes the key.
    pub(super) value: Option<Vec<u8>>,
    /// For how long; none: until it is changed.
    pub(super) seconds: Option<u32>,
    /// `before` was looked at: it must still be so at the commit.
    pub(super) compared: bool,
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

    /// Takes a write in, if all that is held stays within `room`.
    pub(super) fn put(&mut self, room: u64, at: &KvPartition, wanted: Wanted) -> Result<(), String> {
        let Wanted { key, before, value, seconds, compared } = wanted;
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
        // A key that is written again keeps what was there when it was written first; only its value is another.
        let length = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, |value| value.len() as u64);
        let (freed, taken) = match partition.writes.get(&key) {
            Some(write) => (length(&write.value), length(&value)),
            None => (0, key.len() as u64 + ENTRY + length(&value) + if compared { length(&before) } else { 0 }),
        };
        let held = self.bytes - freed + taken;
        if held > room && taken > freed {
            return Err(format!(
                "one call may hold {room} bytes of writes until it is committed, and with this one it would hold {held} \
                 (`limits.kv_bytes` of plugin.toml)"
            ));
        }
        self.bytes = held;
        partition.usage = usage;
        match partition.writes.get_mut(&key) {
            // What must hold at commit is what was committed when the call first compared, not what it wrote since.
            Some(write) => (write.value, write.expires_in) = (value, seconds),
            None => {
                let expected = compared.then_some(before);
                partition.writes.insert(key, KvWrite { value, expected, expires_in: seconds });
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
        self.bytes = 0;
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

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMY: PartitionLimits = PartitionLimits { bytes: 64 << 20, keys: 10_000 };

    fn partition(n: usize) -> KvPartition {
        KvPartition { plugin: "p".to_owned(), capability: format!("c{n:02}"), owner: String::new() }
    }

    /// An overlay with `partitions` open that may each hold 64 MiB.
    fn overlay(partitions: usize) -> Overlay {
        let mut overlay = Overlay::default();
        for n in 0..partitions {
            overlay.open(partition(n), ROOMY, KvUsage::default());
        }
        overlay
    }

    fn wanted(key: &str, before: Option<Vec<u8>>, value: Option<Vec<u8>>, compared: bool) -> Wanted {
        Wanted { key: key.to_owned(), before, value, seconds: None, compared }
    }

    /// What is really there.
    fn weigh(overlay: &Overlay) -> u64 {
        let writes = overlay.partitions.values().flat_map(|partition| &partition.writes);
        writes
            .map(|(key, KvWrite { value, expected, .. })| {
                let expected = expected.as_ref().and_then(Option::as_ref);
                (key.len() + value.as_ref().map_or(0, Vec::len) + expected.map_or(0, Vec::len)) as u64 + ENTRY
            })
            .sum()
    }

    #[test]
    fn st_20_a_call_holds_no_more_than_its_bytes_however_many_partitions_it_has() {
        const ROOM: u64 = 4 << 20;
        let mut overlay = overlay(32);
        let mut refused = None;
        'full: for key in 0..16 {
            for n in 0..32 {
                let value = Some(vec![0; 1 << 20]);
                if let Err(error) = overlay.put(ROOM, &partition(n), wanted(&format!("k{key}"), None, value, false)) {
                    refused = Some(error);
                    break 'full;
                }
            }
        }
        assert_eq!(overlay.len(), 3, "three values of 1 MiB and what they cost beside");
        assert_eq!(overlay.bytes, weigh(&overlay));
        let refused = refused.expect("it is refused");
        assert!(refused.contains("`limits.kv_bytes` of plugin.toml"), "{refused}");
        let wanted = 4 * ((1 << 20) + 2 + ENTRY);
        assert!(refused.contains(&ROOM.to_string()) && refused.contains(&wanted.to_string()), "{refused}");
    }

    #[test]
    fn st_20_keys_and_what_compare_and_set_expects_are_counted_too() {
        let (mut overlay, at) = (overlay(1), partition(0));
        let big = || Some(vec![0; 1000]);
        // Nothing but an expected value stays of a key that is compared and removed.
        overlay.put(1200, &at, wanted("a", big(), None, true)).unwrap();
        assert_eq!(overlay.bytes, 1 + 1000 + ENTRY);
        let error = overlay.put(1200, &at, wanted("b", big(), None, true)).unwrap_err();
        assert!(error.contains("`limits.kv_bytes`"), "{error}");
        let error = overlay.put(1200, &at, wanted(&"k".repeat(200), None, Some(Vec::new()), false)).unwrap_err();
        assert!(error.contains("`limits.kv_bytes`"), "{error}");
        overlay.put(1300, &at, wanted("b", big(), None, false)).unwrap();
        assert_eq!((overlay.len(), overlay.bytes), (2, weigh(&overlay)));
    }

    #[test]
    fn st_20_a_value_that_is_written_over_is_counted_once_and_can_always_become_shorter() {
        let (mut overlay, at) = (overlay(1), partition(0));
        let mut set = |room, before: usize, now: usize| {
            overlay.put(room, &at, wanted("k", Some(vec![0; before]), Some(vec![0; now]), false))
        };
        set(1200, 0, 1000).unwrap();
        for _ in 0..100 {
            set(1200, 1000, 1000).unwrap();
        }
        assert!(set(1200, 1000, 1100).is_err());
        set(10, 1000, 500).unwrap();
        assert_eq!(overlay.bytes, weigh(&overlay));
        assert_eq!(overlay.take_writes().len(), 1);
        assert_eq!(overlay.bytes, 0);
    }
}
