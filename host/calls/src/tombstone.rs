//! Names that were served and are not any more (catalogue WR-04). A client may have frozen its list long ago: what it calls
//! then answers with what became of the tool, and is counted, so that an operator sees who has not noticed.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use portcullis_admission::Callable;
use portcullis_backend::{CallRefused, CallRequest, Target, ToolAnswer};
use portcullis_manifest::{PluginName, PrincipalKey};
use portcullis_store::{NameOnce, RetiredCalls, Retirement, Store, Unavailable};

use crate::{
    access::Door,
    catalogue::{Advice, Catalogue},
    host::Host,
    way::{Ended, now},
};

/// How long calls are only counted in memory: who calls a retired tool a thousand times makes the store write once.
const FLUSH: Duration = Duration::from_secs(5);

/// Whose name it was, and the name.
type Key = (PluginName, String);

/// How often, and when last.
type Calls = (u64, i64);

/// A name that was served once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Once {
    pub(crate) name: NameOnce,
    /// As the manifest of the release that had it calls it: another release may have it under another prefix.
    pub(crate) plain: String,
}

/// See the module.
pub(crate) struct Tombstones(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    /// By name: served or not, because what is served is found before anybody looks here.
    known: ArcSwap<HashMap<String, Vec<Once>>>,
    /// Not in the store yet. It has no more entries than there are names.
    counted: Mutex<HashMap<Key, Calls>>,
    /// Whether somebody is going to write it down.
    due: AtomicBool,
}

impl Tombstones {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let (known, counted, due) = Default::default();
        Self(Arc::new(Inner { store, known, counted, due }))
    }

    /// Reads the names again.
    pub(crate) async fn read(&self) -> Result<(), Unavailable> {
        let prefixes: HashMap<_, _> =
            self.0.store.releases().await?.into_iter().map(|row| (row.id, row.prefix)).collect();
        let mut known: HashMap<String, Vec<Once>> = HashMap::new();
        for name in self.0.store.names().await? {
            let prefix = prefixes.get(&name.release).map_or("", String::as_str);
            let plain = name.name.strip_prefix(prefix).unwrap_or(&name.name).to_owned();
            known.entry(name.name.clone()).or_default().push(Once { name, plain });
        }
        self.0.known.store(Arc::new(known));
        Ok(())
    }

    /// The name, as one of the plugins that had it and that `sees` lets through: the one that had it last.
    fn find(&self, name: &str, sees: impl Fn(&PluginName) -> bool) -> Option<Once> {
        let known = self.0.known.load();
        let had = known.get(name)?.iter().filter(|once| sees(&once.name.plugin));
        had.max_by_key(|once| once.name.retired.as_ref().map_or(i64::MAX, |retired| retired.at)).cloned()
    }

    /// Counts one call, and has it written down before long.
    fn count(&self, once: &NameOnce, at: i64) {
        {
            let mut counted = self.0.counted.lock();
            let (calls, last) = counted.entry((once.plugin.clone(), once.name.clone())).or_default();
            *calls = calls.saturating_add(1);
            *last = at.max(*last);
        }
        if !self.0.due.swap(true, Ordering::AcqRel) {
            let inner = self.0.clone();
            tokio::spawn(async move {
                tokio::time::sleep(FLUSH).await;
                inner.due.store(false, Ordering::Release);
                if let Err(error) = inner.flush().await {
                    // They are kept, and written with the next.
                    tracing::warn!(%error, "calls to retired tools were not written down");
                }
            });
        }
    }

    /// Writes down what was counted.
    pub(crate) async fn flush(&self) -> Result<(), Unavailable> {
        self.0.flush().await
    }
}

impl Inner {
    async fn flush(&self) -> Result<(), Unavailable> {
        let counted = std::mem::take(&mut *self.counted.lock());
        if counted.is_empty() {
            return Ok(());
        }
        let row = |((plugin, name), (calls, last)): (&Key, &Calls)| RetiredCalls {
            plugin: plugin.clone(),
            name: name.clone(),
            calls: *calls,
            last: *last,
        };
        let written = self.store.count_retired(counted.iter().map(row).collect()).await;
        if written.is_err() {
            let mut since = self.counted.lock();
            for (key, (calls, last)) in counted {
                let entry = since.entry(key).or_default();
                *entry = (entry.0.saturating_add(calls), entry.1.max(last));
            }
        }
        written
    }
}

impl Host {
    /// What is said to who calls a name that was served once, if they may see whose it was: to others it is unknown, as every name
    /// of that plugin.
    pub(crate) fn retired(
        &self,
        catalogue: &Catalogue,
        request: &CallRequest,
        caller: &PrincipalKey,
    ) -> Option<Result<Ended, CallRefused>> {
        let (name, kind) = match &request.target {
            Target::Tool { name, .. } => (name, Callable::Tool),
            Target::Prompt { name, .. } => (name, Callable::Prompt),
            _ => return None,
        };
        let sees = |plugin: &PluginName| Door::of(plugin, &self.policy).lets_in(&request.principal);
        let found = self.tombstones.find(name, sees)?;
        let once = &found.name;
        // Its release is served and has it: as something else than what was asked for.
        if once.retired.is_none() && catalogue.serves(&once.plugin) {
            return None;
        }
        self.tombstones.count(once, now());
        self.audit.refused("retired", &self.audit_name(caller), &once.name, request.correlation);
        let text = words(once, kind, catalogue.advice(&found, kind).as_ref());
        Some(match kind {
            Callable::Tool => Ok((ToolAnswer::error(text).into(), None)),
            _ => Err(CallRefused::Params(text)),
        })
    }

    /// The names that are served no longer, with how often they were called since.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn retired_names(&self) -> Result<Vec<NameOnce>, Unavailable> {
        self.tombstones.flush().await?;
        let mut names = self.store.names().await?;
        names.retain(|once| once.retired.is_some());
        Ok(names)
    }
}

/// For the model and the person.
fn words(once: &NameOnce, kind: Callable, advice: Option<&Advice>) -> String {
    let NameOnce { name, release, retired, .. } = once;
    let became = match retired {
        Some(Retirement { by: Some(by), .. }) => {
            format!("`{name}` was retired: {release} had it, and {by}, which took its place, does not")
        }
        Some(Retirement { by: None, .. }) => format!("`{name}` was retired: {release}, which had it, was withdrawn"),
        None => format!("`{name}` can't be called now: {release}, which has it, is approved and could not be started"),
    };
    let instead = match advice {
        Some(Advice { instead: Some(instead), why: Some(why) }) => format!(" Call `{instead}` instead: {why}."),
        Some(Advice { instead: Some(instead), why: None }) => format!(" Call `{instead}` instead."),
        Some(Advice { instead: None, why: Some(why) }) => format!(" {why}."),
        _ => String::new(),
    };
    let list = if kind == Callable::Prompt { "prompts" } else { "tools" };
    format!("{became}.{instead} Nothing was done. The list of {list} has changed: take it anew, and use what is in it.")
}
