//! How often calls may be made, and how many one person may have under way: so that one client's loop, or one model's, takes
//! neither the host nor a plugin from the others (catalogue section 4, AU-40). In memory: each host counts for itself.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock, QuantaInstant},
};
use parking_lot::Mutex;
use portcullis_backend::CallRefused;
use portcullis_manifest::{PluginName, PrincipalKey};

/// How many calls there are between two looks for keys that nobody uses any more.
const SWEEP: u32 = 4096;

/// Calls in a minute, and calls of one person at once. Zero is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Of one signed-in principal, in a minute; of those who have not signed in, of one network.
    pub user: u32,
    /// Of one plugin's tools, in a minute.
    pub plugin: u32,
    /// Of all, in a minute.
    pub host: u32,
    /// The same, at once.
    pub user_at_once: u32,
}

/// A person at a keyboard and a model that works for them stay below these; a loop does not. What a plugin and a host can take is
/// the operator's to know.
impl Default for RateLimits {
    fn default() -> Self {
        Self { user: 600, plugin: 0, host: 0, user_at_once: 8 }
    }
}

/// See the module.
pub(crate) struct Rates {
    users: Option<DefaultKeyedRateLimiter<Caller>>,
    plugins: Option<DefaultKeyedRateLimiter<PluginName>>,
    host: Option<DefaultDirectRateLimiter>,
    at_once: u32,
    under_way: Counts,
    calls: AtomicU32,
}

/// Whose calls are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Caller {
    /// Somebody who has signed in, wherever they call from.
    Principal(PrincipalKey),
    /// All who have not, by the network they call from: one of them must not take the calls of all others. None: it is not known.
    Network(Option<IpAddr>),
}

/// One of the calls that a caller has under way; dropped with it.
pub(crate) struct UnderWay(Option<(Counts, Caller)>);

/// How many calls each caller has under way. Those that have none are not in it.
type Counts = Arc<Mutex<HashMap<Caller, u32>>>;

/// What an address is counted as: one customer of a provider has a whole /64 of IPv6 to call from.
pub(crate) fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

impl Caller {
    /// None: not counted. The person who runs the host is in nobody's way but their own.
    fn of(who: &PrincipalKey, source: Option<IpAddr>) -> Option<Self> {
        match who {
            PrincipalKey::Local => None,
            PrincipalKey::Anonymous => Some(Self::Network(source.map(network))),
            subject @ PrincipalKey::Subject { .. } => Some(Self::Principal(subject.clone())),
        }
    }

    fn too_often(&self) -> &'static str {
        match self {
            Self::Principal(_) => "you have made as many calls in a minute as one may (`rate.user`)",
            Self::Network(_) => {
                "as many calls were made in a minute from where you are as may be without sign-in (`rate.user`)"
            }
        }
    }

    fn too_many(&self) -> &'static str {
        match self {
            Self::Principal(_) => "you have as many calls under way as one may have (`rate.user_at_once`)",
            Self::Network(_) => {
                "as many calls are under way from where you are as may be without sign-in (`rate.user_at_once`)"
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Some((under_way, who)) = self.0.take() else { return };
        let mut under_way = under_way.lock();
        if let Some(count) = under_way.get_mut(&who) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&who);
            }
        }
    }
}

/// As many as that in a minute, and all of them at once if need be.
fn quota(in_a_minute: u32) -> Option<Quota> {
    NonZeroU32::new(in_a_minute).map(Quota::per_minute)
}

impl Rates {
    pub(crate) fn new(limits: RateLimits) -> Self {
        let RateLimits { user, plugin, host, user_at_once } = limits;
        Self {
            users: quota(user).map(RateLimiter::keyed),
            plugins: quota(plugin).map(RateLimiter::keyed),
            host: quota(host).map(RateLimiter::direct),
            at_once: user_at_once,
            under_way: Arc::default(),
            calls: AtomicU32::new(0),
        }
    }

    /// Counts one call, if it may be made now.
    pub(crate) fn enter(
        &self,
        who: &PrincipalKey,
        source: Option<IpAddr>,
        plugin: &PluginName,
    ) -> Result<UnderWay, CallRefused> {
        let caller = Caller::of(who, source);
        let refused = |limit: &'static str| {
            move |until: NotUntil<QuantaInstant>| CallRefused::Busy {
                limit,
                retry_after: until.wait_time_from(DefaultClock::default().now()),
            }
        };
        if let (Some(caller), Some(users)) = (&caller, &self.users) {
            users.check_key(caller).map_err(refused(caller.too_often()))?;
        }
        if let Some(plugins) = &self.plugins {
            let limit = "as many calls of this plugin were made in a minute as may be (`rate.plugin`)";
            plugins.check_key(plugin).map_err(refused(limit))?;
        }
        if let Some(host) = &self.host {
            host.check().map_err(refused("as many calls were made in a minute as may be (`rate.host`)"))?;
        }
        if self.calls.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.users.iter().for_each(RateLimiter::retain_recent);
            self.plugins.iter().for_each(RateLimiter::retain_recent);
        }
        let Some(caller) = caller.filter(|_| self.at_once > 0) else { return Ok(UnderWay(None)) };
        let mut under_way = self.under_way.lock();
        let count = under_way.entry(caller.clone()).or_insert(0);
        if *count >= self.at_once {
            return Err(CallRefused::Busy { limit: caller.too_many(), retry_after: Duration::from_secs(1) });
        }
        *count += 1;
        Ok(UnderWay(Some((self.under_way.clone(), caller))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: RateLimits = RateLimits { user: 0, plugin: 0, host: 0, user_at_once: 0 };

    fn who(name: &str) -> PrincipalKey {
        PrincipalKey::Subject { issuer: "https://issuer.example".into(), subject: name.into() }
    }

    fn plugin(name: &str) -> PluginName {
        name.parse().unwrap()
    }

    fn limit(result: Result<UnderWay, CallRefused>) -> &'static str {
        match result.err().expect("it is refused") {
            CallRefused::Busy { limit, .. } => limit,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn au_40_one_principal_makes_so_many_calls_in_a_minute_and_not_one_more() {
        let rates = Rates::new(RateLimits { user: 5, ..NONE });
        for _ in 0..5 {
            rates.enter(&who("ann"), None, &plugin("a")).unwrap();
        }
        assert!(limit(rates.enter(&who("ann"), None, &plugin("b"))).contains("`rate.user`"));
        assert!(rates.enter(&who("bob"), None, &plugin("a")).is_ok(), "another's calls are another's");
        assert!(
            (0..100).all(|_| rates.enter(&PrincipalKey::Local, None, &plugin("a")).is_ok()),
            "whoever runs the host is not counted"
        );
    }

    #[test]
    fn au_40_one_plugin_and_the_host_have_limits_of_their_own() {
        let rates = Rates::new(RateLimits { plugin: 3, ..NONE });
        for name in ["ann", "bob", "cat"] {
            rates.enter(&who(name), None, &plugin("a")).unwrap();
        }
        assert!(limit(rates.enter(&PrincipalKey::Local, None, &plugin("a"))).contains("`rate.plugin`"));
        assert!(rates.enter(&PrincipalKey::Local, None, &plugin("b")).is_ok());
        let rates = Rates::new(RateLimits { host: 2, ..NONE });
        rates.enter(&who("ann"), None, &plugin("a")).unwrap();
        rates.enter(&who("bob"), None, &plugin("b")).unwrap();
        assert!(limit(rates.enter(&who("cat"), None, &plugin("c"))).contains("`rate.host`"));
    }

    #[test]
    fn au_40_one_principal_has_so_many_calls_under_way_and_a_place_again_when_one_ends() {
        let rates = Rates::new(RateLimits { user_at_once: 2, ..NONE });
        let one = rates.enter(&who("ann"), None, &plugin("a")).unwrap();
        let _two = rates.enter(&who("ann"), None, &plugin("b")).unwrap();
        assert!(limit(rates.enter(&who("ann"), None, &plugin("a"))).contains("`rate.user_at_once`"));
        assert!(rates.enter(&who("bob"), None, &plugin("a")).is_ok());
        drop(one);
        let _three = rates.enter(&who("ann"), None, &plugin("a")).unwrap();
        assert!(rates.enter(&who("ann"), None, &plugin("a")).is_err());
    }

    #[test]
    fn nothing_is_kept_of_who_has_no_call_under_way() {
        let rates = Rates::new(RateLimits { user_at_once: 2, ..NONE });
        drop(rates.enter(&who("ann"), None, &plugin("a")).unwrap());
        assert!(rates.under_way.lock().is_empty());
    }

    #[test]
    fn au_40_whoever_has_not_signed_in_is_counted_by_where_they_call_from() {
        let rates = Rates::new(RateLimits { user: 2, ..NONE });
        let enter =
            |source: &str| rates.enter(&PrincipalKey::Anonymous, Some(source.parse().unwrap()), &plugin("a")).map(drop);
        for source in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::ffff:0:0:1"] {
            enter(source).unwrap();
        }
        for source in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:0:0:8000::"] {
            let Err(CallRefused::Busy { limit, .. }) = enter(source) else { panic!("{source}") };
            assert!(limit.contains("without sign-in (`rate.user`)"), "{limit}");
        }
        enter("192.0.2.2").unwrap();
        enter("2001:db8:0:1::1").unwrap();
        // Who has signed in is one person, wherever they are, and is not counted with their network.
        let from = |source: &str| rates.enter(&who("ann"), Some(source.parse().unwrap()), &plugin("a"));
        from("192.0.2.1").unwrap();
        from("192.0.2.9").unwrap();
        assert!(limit(from("2001:db8::1")).contains("`rate.user`"));
    }

    #[test]
    fn au_40_calls_without_sign_in_and_from_nowhere_have_limits_too() {
        let rates = Rates::new(RateLimits { user: 3, user_at_once: 1, ..NONE });
        let one = rates.enter(&PrincipalKey::Anonymous, None, &plugin("a")).unwrap();
        let second = rates.enter(&PrincipalKey::Anonymous, None, &plugin("a"));
        assert!(limit(second).contains("without sign-in (`rate.user_at_once`)"));
        drop(one);
        assert!(rates.enter(&PrincipalKey::Anonymous, None, &plugin("a")).is_ok());
        assert!(limit(rates.enter(&PrincipalKey::Anonymous, None, &plugin("a"))).contains("`rate.user`"));
    }
}
