//! How many calls run at once, and how much memory they may ask for together; and how much of that one plugin may hold,
//! so that one whose calls sleep leaves places for the others.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use portcullis_backend::CallRefused;
use portcullis_manifest::{Access, Grant, Interface, Limits, PluginName};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// Budgets of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityLimits {
    /// Calls that hold an instance at once: what the pools are made for.
    pub calls: u32,
    /// Calls that may wait for one.
    pub waiting: u32,
    /// Bytes of guest memory, counted by what the calls that run may use.
    pub memory: u64,
}

impl Default for CapacityLimits {
    fn default() -> Self {
        Self { calls: 64, waiting: 1024, memory: 4 << 30 }
    }
}

/// See the module.
pub(crate) struct Capacity {
    host: Budget,
    /// By name and not by release: a release that replaces another takes its share over, with the calls that still run.
    /// Grows with the plugins that were ever served, which an admin approved one by one.
    shares: RwLock<HashMap<PluginName, Arc<Budget>>>,
    limits: CapacityLimits,
}

/// What a running call holds; dropped with it.
pub(crate) struct Place {
    _share: Held,
    _host: Held,
}

/// The bytes that a call may make the host hold: its guest's memory, and what its grants let it put beside that. Of each kind of
/// grant once, because that is how its limits count; a request and its answer are there one at a time.
pub(crate) fn needs(limits: &Limits, grants: &[Grant]) -> u64 {
    let holds = |kind: Interface, access: Access| {
        grants.iter().any(|grant| grant.capability.interface() == kind && grant.access >= access)
    };
    let mut bytes = limits.memory;
    if holds(Interface::Kv, Access::Write) {
        bytes = bytes.saturating_add(limits.kv_bytes);
    }
    if holds(Interface::Files, Access::Write) {
        bytes = bytes.saturating_add(limits.file_bytes);
    }
    if holds(Interface::Files, Access::Read) {
        bytes = bytes.saturating_add(limits.file);
    }
    if holds(Interface::Egress, Access::Read) {
        bytes = bytes.saturating_add(limits.request_body).saturating_add(limits.response_body);
    }
    bytes
}

/// Memory is counted in units of this many bytes, because a semaphore counts with 32 bits.
const UNIT: u64 = 64 << 10;

/// One plugin may hold one of this many parts of each budget.
const PARTS: u32 = 2;

/// What there is, for all calls or for those of one plugin.
struct Budget {
    calls: Arc<Semaphore>,
    waiting: Semaphore,
    memory: Arc<Semaphore>,
    /// Of memory, in all.
    units: u32,
    refusals: &'static Refusals,
}

/// What a call holds of a budget.
struct Held {
    _call: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
}

/// Which budget is used up, in words.
struct Refusals {
    calls: &'static str,
    waiting: &'static str,
    memory: &'static str,
}

const HOST: Refusals = Refusals {
    calls: "all places for calls are taken (`pool.calls`)",
    waiting: "too many calls wait already (`capacity.waiting`)",
    memory: "the memory for guests is used up (`capacity.memory`)",
};

const SHARE: Refusals = Refusals {
    calls: "this plugin's calls take half of all places, which is the most that one plugin may have (of `pool.calls`)",
    waiting: "as many calls of this plugin wait already as may wait of one plugin (half of `capacity.waiting`)",
    memory: "this plugin's calls take half of the memory for guests, which is the most that one plugin may have (of \
             `capacity.memory`)",
};

impl Budget {
    fn new(CapacityLimits { calls, waiting, memory }: CapacityLimits, refusals: &'static Refusals) -> Self {
        let units = u32::try_from(memory / UNIT).unwrap_or(u32::MAX);
        let semaphore = |amount: u32| Semaphore::new(usize::try_from(amount).unwrap_or(Semaphore::MAX_PERMITS));
        Self {
            calls: Arc::new(semaphore(calls)),
            waiting: semaphore(waiting),
            memory: Arc::new(semaphore(units)),
            units,
            refusals,
        }
    }

    /// Takes what is there, if it is enough.
    fn at_once(&self, units: u32) -> Option<Held> {
        let call = self.calls.clone().try_acquire_owned().ok()?;
        let memory = self.memory.clone().try_acquire_many_owned(units).ok()?;
        Some(Held { _call: call, _memory: memory })
    }

    /// Waits for it until `deadline`; who came first gets it first.
    async fn wait(&self, units: u32, deadline: Instant) -> Result<Held, CallRefused> {
        let call = timeout_at(deadline, self.calls.clone().acquire_owned()).await;
        let call = call.ok().and_then(Result::ok).ok_or_else(|| busy(self.refusals.calls))?;
        let memory = timeout_at(deadline, self.memory.clone().acquire_many_owned(units)).await;
        let memory = memory.ok().and_then(Result::ok).ok_or_else(|| busy(self.refusals.memory))?;
        Ok(Held { _call: call, _memory: memory })
    }

    fn waiting(&self) -> Result<tokio::sync::SemaphorePermit<'_>, CallRefused> {
        self.waiting.try_acquire().map_err(|_| busy(self.refusals.waiting))
    }
}

fn busy(limit: &'static str) -> CallRefused {
    CallRefused::Busy { limit, retry_after: Duration::from_secs(1) }
}

impl Capacity {
    pub(crate) fn new(limits: CapacityLimits) -> Self {
        Self { host: Budget::new(limits, &HOST), shares: RwLock::default(), limits }
    }

    /// Bytes that the guests of all calls together may ask for.
    pub(crate) fn memory(&self) -> u64 {
        self.limits.memory
    }

    /// Waits for a place, for as long as the call itself might take; a host on which nothing ends for that long is busy.
    pub(crate) async fn enter(
        &self,
        plugin: &PluginName,
        memory: u64,
        patience: Duration,
    ) -> Result<Place, CallRefused> {
        let units = u32::try_from(memory.div_ceil(UNIT)).unwrap_or(u32::MAX);
        if units > self.host.units {
            let limit = "the call's memory (`limits.memory`, and `limits.kv_bytes` where it may write) is above the host's \
                         memory budget (`capacity.memory`)";
            return Err(busy(limit));
        }
        let share = self.share(plugin);
        // A call that needs more than the share takes all of it: one call of a plugin may always run.
        let of_share = units.min(share.units);
        if let Some(held) = share.at_once(of_share)
            && let Some(place) = self.host.at_once(units)
        {
            return Ok(Place { _share: held, _host: place });
        }
        let _waiting = (share.waiting()?, self.host.waiting()?);
        let deadline = Instant::now() + patience;
        // The share first: a call that waits for its own plugin must not hold what another could use.
        let held = share.wait(of_share, deadline).await?;
        let place = self.host.wait(units, deadline).await?;
        Ok(Place { _share: held, _host: place })
    }

    fn share(&self, plugin: &PluginName) -> Arc<Budget> {
        let known = self.shares.read().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned();
        known.unwrap_or_else(|| {
            let CapacityLimits { calls, waiting, memory } = self.limits;
            let (calls, waiting) = ((calls / PARTS).max(1), (waiting / PARTS).max(1));
            let memory = (memory / u64::from(PARTS)).max(UNIT);
            let new = || Arc::new(Budget::new(CapacityLimits { calls, waiting, memory }, &SHARE));
            let mut shares = self.shares.write().unwrap_or_else(PoisonError::into_inner);
            shares.entry(plugin.clone()).or_insert_with(new).clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use portcullis_manifest::{Capability, FilesCapability, KvCapability, Partition, http::HttpCapability};

    use super::*;

    fn plugin(name: &str) -> PluginName {
        name.parse().unwrap()
    }

    fn capacity(calls: u32, waiting: u32, units: u64) -> Capacity {
        Capacity::new(CapacityLimits { calls, waiting, memory: units * UNIT })
    }

    /// Enters without waiting.
    async fn now(capacity: &Capacity, name: &str, units: u64) -> Result<Place, String> {
        capacity.enter(&plugin(name), units * UNIT, Duration::ZERO).await.map_err(|refused| refused.to_string())
    }

    #[track_caller]
    fn refused(result: Result<Place, String>, words: &str) {
        let error = result.err().expect("it is refused");
        assert!(error.contains(words), "{error}");
    }

    #[tokio::test]
    async fn what_is_beyond_a_budget_is_busy_and_says_which() {
        let full = capacity(1, 0, 4);
        let place = now(&full, "a", 1).await.unwrap();
        refused(now(&full, "b", 1).await, "too many calls wait already (`capacity.waiting`)");
        drop(place);
        refused(now(&full, "a", 5).await, "above the host's memory budget (`capacity.memory`)");
        let full = capacity(1, 1, 4);
        let _place = now(&full, "a", 1).await.unwrap();
        refused(now(&full, "b", 1).await, "all places for calls are taken (`pool.calls`)");
        let full = capacity(8, 8, 4);
        let three = now(&full, "a", 3).await.unwrap();
        refused(now(&full, "b", 2).await, "the memory for guests is used up (`capacity.memory`)");
        drop(three);
        now(&full, "b", 4).await.unwrap();
    }

    #[tokio::test]
    async fn a_call_waits_for_a_place_and_gets_it() {
        let capacity = Arc::new(capacity(1, 1, 1000));
        let place = now(&capacity, "a", 1).await.unwrap();
        let waiting = tokio::spawn({
            let capacity = capacity.clone();
            async move { capacity.enter(&plugin("b"), UNIT, Duration::from_secs(60)).await.is_ok() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(place);
        assert!(waiting.await.unwrap());
    }

    /// What a plugin did whose calls only slept: 64 of them took all places for up to a minute.
    #[tokio::test]
    async fn wx_28_a_plugin_whose_calls_never_end_leaves_half_of_all_places_to_the_others() {
        let capacity = Capacity::new(CapacityLimits::default());
        let mut asleep = Vec::new();
        for _ in 0..100 {
            asleep.extend(now(&capacity, "sleeper", 1).await);
        }
        assert_eq!(asleep.len(), 32);
        refused(now(&capacity, "sleeper", 1).await, "this plugin's calls take half of all places");
        for _ in 0..100 {
            now(&capacity, "neighbour", 1).await.unwrap();
        }
        drop(asleep.pop());
        now(&capacity, "sleeper", 1).await.unwrap();
    }

    #[tokio::test]
    async fn wx_28_a_plugin_whose_calls_are_large_leaves_half_of_the_memory_to_the_others() {
        let capacity = Capacity::new(CapacityLimits::default());
        let (large, usual) = ((512 << 20) / UNIT, (64 << 20) / UNIT);
        let mut asleep = Vec::new();
        for _ in 0..100 {
            asleep.extend(now(&capacity, "sleeper", large).await);
        }
        assert_eq!(asleep.len(), 4);
        refused(now(&capacity, "sleeper", large).await, "this plugin's calls take half of the memory for guests");
        let mut others = Vec::new();
        for _ in 0..32 {
            others.push(now(&capacity, "neighbour", usual).await.unwrap());
        }
    }

    #[tokio::test]
    async fn one_call_of_a_plugin_may_run_whatever_half_is() {
        let small = capacity(1, 1, 4);
        for units in 1..=4 {
            now(&small, "a", units).await.unwrap();
        }
        let all = now(&capacity(8, 8, 4), "a", 4).await;
        assert!(all.is_ok());
        let odd = capacity(3, 0, 1);
        let _one = now(&odd, "a", 1).await.unwrap();
        refused(now(&odd, "a", 1).await, "capacity.waiting");
    }

    /// A call that waits for its own plugin's share neither holds a place of the host nor takes all of the waiting room.
    #[tokio::test]
    async fn wx_28_who_waits_for_the_plugins_own_share_is_in_nobodys_way() {
        let capacity = Arc::new(capacity(4, 8, 1000));
        let places = [now(&capacity, "sleeper", 1).await.unwrap(), now(&capacity, "sleeper", 1).await.unwrap()];
        let wait = |name: &'static str| {
            let capacity = capacity.clone();
            tokio::spawn(async move { capacity.enter(&plugin(name), UNIT, Duration::from_secs(60)).await })
        };
        let waiting: Vec<_> = (0..6).map(|_| wait("sleeper")).collect();
        tokio::task::yield_now().await;
        let turned_away = waiting.iter().filter(|call| call.is_finished()).count();
        assert_eq!(turned_away, 2, "four of eight may wait");
        let neighbours = [now(&capacity, "neighbour", 1).await.unwrap(), now(&capacity, "neighbour", 1).await.unwrap()];
        let neighbour = wait("neighbour");
        tokio::task::yield_now().await;
        assert!(!neighbour.is_finished(), "it may wait too");
        drop((places, neighbours));
        assert!(neighbour.await.unwrap().is_ok());
        let mut ran = 0;
        for call in waiting {
            ran += usize::from(call.await.unwrap().is_ok());
        }
        assert_eq!(ran, 4);
    }

    /// Sixty-four connections to one plugin: more than half, and all are answered.
    #[tokio::test]
    async fn calls_beyond_the_share_take_turns() {
        let capacity = Arc::new(Capacity::new(CapacityLimits::default()));
        let call = || {
            let capacity = capacity.clone();
            tokio::spawn(async move {
                let place = capacity.enter(&plugin("a"), 68 << 20, Duration::from_secs(60)).await;
                tokio::task::yield_now().await;
                place.is_ok()
            })
        };
        let calls: Vec<_> = (0..256).map(|_| call()).collect();
        for call in calls {
            assert!(call.await.unwrap());
        }
    }

    #[test]
    fn a_call_needs_room_for_what_its_grants_let_the_host_hold() {
        let limits = Limits {
            memory: 6 << 20,
            kv_bytes: 32 << 20,
            file: 1 << 20,
            file_bytes: 64 << 20,
            request_body: 1 << 20,
            response_body: 2 << 20,
            ..Limits::default()
        };
        let grant = |capability: &Capability, access| Grant {
            name: "c".parse().unwrap(),
            access,
            capability: capability.clone(),
        };
        let kv = Capability::Kv(KvCapability { partition: Partition::Shared, quota: 1, keys: 1 });
        let files = Capability::Files(FilesCapability { partition: Partition::Shared, quota: 1, files: 1 });
        assert_eq!(needs(&limits, &[]), 6 << 20);
        assert_eq!(needs(&limits, &[grant(&kv, Access::Read)]), 6 << 20);
        assert_eq!(needs(&limits, &[grant(&files, Access::Read)]), 7 << 20, "a file that is read");
        assert_eq!(needs(&limits, &[grant(&kv, Access::Write), grant(&kv, Access::Write)]), 38 << 20, "counted once");
        assert_eq!(needs(&limits, &[grant(&kv, Access::Write), grant(&files, Access::Write)]), 103 << 20);
        let origin = "https://a.example".parse().unwrap();
        let rules = vec!["GET /".parse().unwrap()];
        let http = Capability::Http(Arc::new(HttpCapability::new(origin, rules, None, 0, 0).unwrap()));
        assert_eq!(needs(&limits, &[grant(&http, Access::Read)]), 9 << 20);
    }
}
