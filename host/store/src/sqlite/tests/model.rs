//! Quotas against a model that is too simple to be wrong: whatever is committed at once has the outcome of some order of it.

use super::{files::folder, *};
use crate::FilesUsage;

const OWNERS: [&str; 2] = ["0a", "0b"];

const NAMES: [&str; 3] = ["a", "bb", "ccc"];

/// What a commit does: to keys, by owner, key, length of the value (or removal) and life in seconds; to files, by owner, name
/// and length. The last of several writes to one counts, as in a call's overlay.
#[derive(Clone, Debug)]
struct Call {
    keys: Vec<(usize, usize, Option<usize>, Option<u32>)>,
    files: Vec<(usize, usize, Option<usize>)>,
    /// It looked at this key before, and found a value of this length or nothing.
    compares: Option<(usize, usize, Option<usize>)>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    keys: PartitionLimits,
    files: FilesLimits,
}

/// By owner and name: the length, and when it expires.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    keys: BTreeMap<(usize, usize), (usize, Option<i64>)>,
    files: BTreeMap<(usize, usize), usize>,
}

impl Model {
    fn usage(&self, owner: usize) -> KvUsage {
        let mine = self.keys.iter().filter(|((of, _), _)| *of == owner);
        mine.fold(KvUsage::default(), |sum, ((_, key), (length, _))| KvUsage {
            bytes: sum.bytes + (NAMES[*key].len() + length) as u64,
            keys: sum.keys + 1,
        })
    }

    fn files_usage(&self, owner: usize) -> FilesUsage {
        let mine = self.files.iter().filter(|((of, _), _)| *of == owner);
        mine.fold(FilesUsage::default(), |sum, (_, length)| FilesUsage {
            bytes: sum.bytes + *length as u64,
            files: sum.files + 1,
        })
    }

    fn expire(&mut self, now: i64) {
        self.keys.retain(|_, (_, expires)| expires.is_none_or(|at| at > now));
    }

    /// The model afterwards, or none when the call is refused.
    fn after(&self, call: &Call, limits: Limits, now: i64) -> Option<Self> {
        if let Some((owner, key, length)) = call.compares
            && self.keys.get(&(owner, key)).map(|(length, _)| *length) != length
        {
            return None;
        }
        let mut after = self.clone();
        for (owner, key, length, life) in call.key_writes() {
            let expires = life.map(|seconds| now + i64::from(seconds) * 1000);
            match length {
                Some(length) => drop(after.keys.insert((owner, key), (length, expires))),
                None => drop(after.keys.remove(&(owner, key))),
            }
        }
        for (owner, name, length) in &call.files {
            match length {
                Some(length) => drop(after.files.insert((*owner, *name), *length)),
                None => drop(after.files.remove(&(*owner, *name))),
            }
        }
        // What expires at once is counted until the commit has ended.
        for owner in 0..OWNERS.len() {
            let (was, is) = (self.usage(owner), after.usage(owner));
            let (files_were, files_are) = (self.files_usage(owner), after.files_usage(owner));
            if (is.bytes > limits.keys.bytes && is.bytes > was.bytes)
                || (is.keys > limits.keys.keys && is.keys > was.keys)
                || (files_are.bytes > limits.files.bytes && files_are.bytes > files_were.bytes)
                || (files_are.files > limits.files.files && files_are.files > files_were.files)
            {
                return None;
            }
        }
        after.expire(now);
        Some(after)
    }

    /// Where every order of `calls` ends that has these outcomes.
    fn ends(&self, calls: &[(&Call, bool)], limits: Limits, now: i64) -> Vec<Self> {
        if calls.is_empty() {
            return vec![self.clone()];
        }
        let firsts = (0..calls.len()).flat_map(|n| {
            let (call, done) = calls[n];
            let rest: Vec<_> = calls.iter().enumerate().filter(|(at, _)| *at != n).map(|(_, call)| *call).collect();
            match (self.after(call, limits, now), done) {
                (Some(after), true) => after.ends(&rest, limits, now),
                (None, false) => self.ends(&rest, limits, now),
                _ => Vec::new(),
            }
        });
        firsts.collect()
    }

    /// As far as it can be seen from outside.
    fn seen(&self) -> Self {
        let keys = self.keys.iter().map(|(at, (length, _))| (*at, (*length, None))).collect();
        Self { keys, files: self.files.clone() }
    }
}

impl Call {
    /// With what the comparison writes: the same length again, or one byte where nothing was.
    fn key_writes(&self) -> Vec<(usize, usize, Option<usize>, Option<u32>)> {
        let compared = self.compares.map(|(owner, key, length)| (owner, key, Some(length.unwrap_or(1)), None));
        let others = self
            .keys
            .iter()
            .filter(|write| self.compares.is_none_or(|(owner, key, _)| (owner, key) != (write.0, write.1)));
        others.copied().chain(compared).collect()
    }

    fn commit(&self, limits: Limits) -> Commit {
        let mut commit = Commit::default();
        for (owner, key, length, expires_in) in self.key_writes() {
            let (_, keys) =
                commit.writes.entry(partition(OWNERS[owner])).or_insert_with(|| (limits.keys, BTreeMap::new()));
            let expected = self.compares.filter(|compared| (compared.0, compared.1) == (owner, key));
            let expected = expected.map(|(_, _, length)| length.map(|length| vec![7; length]));
            let value = length.map(|length| vec![7; length]);
            keys.insert(NAMES[key].to_owned(), KvWrite { value, expires_in, expected });
        }
        for (owner, name, length) in &self.files {
            let (_, files) =
                commit.files.entry(folder(OWNERS[*owner])).or_insert_with(|| (limits.files, BTreeMap::new()));
            let content = length.map(|length| Arc::new(vec![7; length]));
            files.insert(NAMES[*name].to_owned(), FileWrite { content });
        }
        commit
    }
}

/// What the store shows, and that its own sums say the same.
async fn shown(store: &SqliteStore) -> Model {
    let mut model = Model::default();
    for (owner, of) in OWNERS.iter().enumerate() {
        for (key, name) in NAMES.iter().enumerate() {
            if let Some(value) = store.kv_get(partition(of), (*name).to_owned()).await.unwrap() {
                model.keys.insert((owner, key), (value.len(), None));
            }
            if let Some(content) = store.file_read(folder(of), (*name).to_owned()).await.unwrap() {
                model.files.insert((owner, key), content.len());
            }
        }
        assert_eq!(store.kv_usage(partition(of)).await.unwrap(), model.usage(owner));
        assert_eq!(store.files_usage(folder(of)).await.unwrap(), model.files_usage(owner));
    }
    model
}

fn dedup(models: &mut Vec<Model>) {
    let mut kept: Vec<Model> = Vec::new();
    for model in models.drain(..) {
        if !kept.contains(&model) {
            kept.push(model);
        }
    }
    *models = kept;
}

fn call() -> impl Strategy<Value = Call> {
    let length = prop::option::weighted(0.8, 0usize..8);
    let life = prop::option::weighted(0.4, 0u32..4);
    let keys = prop::collection::vec((0usize..2, 0usize..3, length.clone(), life), 0..3);
    let files = prop::collection::vec((0usize..2, 0usize..3, length.clone()), 0..3);
    let compares = prop::option::weighted(0.3, (0usize..2, 0usize..3, length));
    (keys, files, compares).prop_map(|(keys, files, compares)| Call { keys, files, compares })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn st_20_whatever_is_committed_at_once_has_the_outcome_of_some_order_of_it(
        bytes in 4u64..20,
        count in 1u64..4,
        rounds in prop::collection::vec((prop::collection::vec(call(), 1..4), 0i64..3), 1..8),
    ) {
        let limits = Limits {
            keys: PartitionLimits { bytes, keys: count },
            files: FilesLimits { bytes, files: count },
        };
        let time = ByHand::at(1_000_000);
        let at = open_at(tempfile::tempdir().unwrap(), time.clone());
        runtime().block_on(async {
            let mut models = vec![Model::default()];
            for (calls, seconds) in &rounds {
                let committed: Vec<_> = calls.iter().map(|call| {
                    let (store, commit) = (at.store.clone(), call.commit(limits));
                    tokio::spawn(async move { store.commit(commit).await })
                }).collect();
                let mut outcomes = Vec::new();
                for (call, done) in calls.iter().zip(committed) {
                    let done = done.await.unwrap();
                    if let Err(CommitRefused::Unavailable(error)) = &done {
                        panic!("{error}");
                    }
                    outcomes.push((call, done.is_ok()));
                }
                let end = shown(&at.store).await;
                let now = at.store.clock.now();
                // Several orders may look alike, and differ in when a key will expire.
                let mut next = Vec::new();
                for model in &models {
                    next.extend(model.ends(&outcomes, limits, now).into_iter().filter(|next| next.seen() == end));
                }
                assert!(!next.is_empty(), "no order of {outcomes:?} leads from {models:?} to {end:?}");
                dedup(&mut next);
                models = next;
                time.pass(seconds * 1000);
                let now = at.store.clock.now();
                models.iter_mut().for_each(|model| model.expire(now));
            }
        });
    }
}
