//! Who sees which tools (catalogue AU-06, MC-13). What a principal does not see is to them as if it were not there.

use std::{collections::BTreeSet, sync::Arc};

use parking_lot::Mutex;
use portcullis_backend::{Descriptor, List};
use portcullis_manifest::{PluginName, Principal};

use crate::Policy;

/// How many different lists are kept. Each is one set of plugins that some principals see; beyond it the oldest is made
/// anew when it is asked for.
const LISTS: usize = 64;

/// The groups whose members see a plugin and may call it; none: everybody does.
#[derive(Clone, Debug)]
pub(crate) struct Door(Option<Arc<[String]>>);

impl Door {
    pub(crate) fn of(plugin: &PluginName, policy: &Policy) -> Self {
        Self(policy.access.get(plugin).map(|groups| groups.as_slice().into()))
    }

    pub(crate) fn lets_in(&self, principal: &Principal) -> bool {
        self.0.as_ref().is_none_or(|groups| principal.is_in_any(groups.iter().map(String::as_str)))
    }
}

/// A list, and which doors are open to those who see it.
type Made = (Box<[bool]>, Arc<List>);

/// The lists of one generation: each made once for all who see the same.
pub(crate) struct Lists {
    all: Arc<List>,
    /// The plugin of each tool of `all`, as its place in `doors`; none: everybody sees it.
    behind: Vec<Option<usize>>,
    doors: Vec<Door>,
    /// The oldest stands first.
    made: Mutex<Vec<Made>>,
}

impl Lists {
    /// `tools` with the plugins that they are of.
    pub(crate) fn new(generation: u64, mut tools: Vec<(PluginName, Descriptor)>, policy: &Policy) -> Self {
        tools.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        let restricted: BTreeSet<&PluginName> =
            tools.iter().map(|(plugin, _)| plugin).filter(|plugin| policy.access.contains_key(*plugin)).collect();
        let behind = tools.iter().map(|(plugin, _)| restricted.iter().position(|name| *name == plugin)).collect();
        let doors = restricted.iter().map(|plugin| Door::of(plugin, policy)).collect();
        let tools = tools.into_iter().map(|(_, descriptor)| descriptor).collect();
        let all = Arc::new(List { generation, varies: policy.lists_vary(), items: tools });
        Self { all, behind, doors, made: Mutex::default() }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.all.generation
    }

    /// What `principal` sees.
    pub(crate) fn of(&self, principal: &Principal) -> Arc<List> {
        if self.doors.is_empty() {
            return self.all.clone();
        }
        let open: Box<[bool]> = self.doors.iter().map(|door| door.lets_in(principal)).collect();
        if open.iter().all(|open| *open) {
            return self.all.clone();
        }
        let mut made = self.made.lock();
        if let Some((_, list)) = made.iter().find(|(doors, _)| *doors == open) {
            return list.clone();
        }
        let seen = |behind: &Option<usize>| behind.is_none_or(|door| open[door]);
        let tools = self.all.items.iter().zip(&self.behind).filter(|(_, behind)| seen(behind));
        let tools = tools.map(|(descriptor, _)| descriptor.clone()).collect();
        let list = Arc::new(List { generation: self.all.generation, varies: self.all.varies, items: tools });
        if made.len() == LISTS {
            made.remove(0);
        }
        made.push((open, list.clone()));
        list
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use portcullis_manifest::Grants;
    use serde_json::value::to_raw_value;

    use super::*;

    fn policy(access: &[(&str, &[&str])]) -> Policy {
        let groups = |groups: &[&str]| groups.iter().map(|group| (*group).to_owned()).collect();
        let access: BTreeMap<_, _> = access.iter().map(|(plugin, of)| (plugin.parse().unwrap(), groups(of))).collect();
        Policy { access, signs_in: true, ..Policy::default() }
    }

    /// Two tools of each of these plugins.
    fn lists(plugins: &[String], policy: &Policy) -> Lists {
        let tool = |plugin: &String, name: &str| {
            let name = format!("{plugin}_{name}");
            let json = Arc::from(to_raw_value(&name).unwrap());
            (plugin.parse().unwrap(), Descriptor { key: name.into(), json })
        };
        let tools = plugins.iter().flat_map(|plugin| ["write", "read"].map(|name| tool(plugin, name))).collect();
        Lists::new(7, tools, policy)
    }

    fn member(groups: &[&str]) -> Principal {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Principal::subject("https://issuer.example", "ann", Grants { groups, ..Grants::default() })
    }

    fn names(list: &List) -> Vec<&str> {
        list.items.iter().map(|tool| &*tool.key).collect()
    }

    /// Fails without: `Door::lets_in`.
    #[test]
    fn au_06_each_principal_sees_the_plugins_of_their_groups_and_those_that_are_nobodys() {
        let policy = policy(&[("tickets", &["support", "sales"]), ("vault", &[]), ("gone", &["x"])]);
        let lists = lists(&["notes", "tickets", "vault"].map(str::to_owned), &policy);
        let (notes, tickets) = (["notes_read", "notes_write"], ["tickets_read", "tickets_write"]);
        for nobody in [Principal::anonymous(), member(&[]), member(&["Support", "support ", "x", "tickets", ""])] {
            assert_eq!(names(&lists.of(&nobody)), notes);
        }
        for some in [member(&["support"]), member(&["x", "sales"])] {
            assert_eq!(names(&lists.of(&some)), [notes, tickets].concat());
        }
        // Who runs the host is not one of many; `vault` is for nobody else.
        assert_eq!(names(&lists.of(&Principal::local())).len(), 6);
        for (plugin, who, seen) in [
            ("vault", member(&["support"]), false),
            ("vault", Principal::local(), true),
            ("tickets", member(&["sales"]), true),
            ("tickets", Principal::anonymous(), false),
            ("notes", Principal::anonymous(), true),
        ] {
            assert_eq!(Door::of(&plugin.parse().unwrap(), &policy).lets_in(&who), seen, "{plugin} {who:?}");
        }
    }

    #[test]
    fn mc_13_a_list_is_made_once_for_all_who_see_the_same_and_is_the_same_each_time() {
        let policy = policy(&[("a", &["x"]), ("b", &["y"])]);
        let lists = lists(&["a", "b", "c"].map(str::to_owned), &policy);
        let first = lists.of(&member(&["x"]));
        assert!(Arc::ptr_eq(&first, &lists.of(&member(&["x", "more"]))));
        assert!(!Arc::ptr_eq(&first, &lists.of(&member(&["y"]))));
        assert!(
            Arc::ptr_eq(&lists.of(&member(&["x", "y"])), &lists.of(&Principal::local())),
            "who sees all shares all"
        );
        assert_eq!((first.generation, first.varies), (7, true));
    }

    #[test]
    fn mc_13_the_lists_that_are_kept_are_bounded() {
        let plugins: Vec<String> = (0..8).map(|n| format!("p{n}")).collect();
        let access: Vec<(&str, Vec<&str>)> = plugins.iter().map(|name| (name.as_str(), vec![name.as_str()])).collect();
        let access: Vec<(&str, &[&str])> = access.iter().map(|(name, groups)| (*name, groups.as_slice())).collect();
        let lists = lists(&plugins, &policy(&access));
        for set in 0..255_u32 {
            let groups: Vec<&str> =
                (0..8).filter(|bit| set >> bit & 1 == 1).map(|bit: usize| plugins[bit].as_str()).collect();
            assert_eq!(lists.of(&member(&groups)).items.len(), 2 * groups.len());
        }
        assert_eq!(lists.made.lock().len(), LISTS);
    }

    #[test]
    fn mc_13_a_list_is_for_everybody_only_where_everybody_gets_the_same() {
        let vary = |policy: Policy| lists(&["a".to_owned()], &policy).of(&Principal::local()).varies;
        assert!(!vary(Policy::default()), "without sign-in and without restrictions");
        assert!(vary(policy(&[("a", &["x"])])));
        assert!(vary(policy(&[("not-served", &["x"])])), "a plugin that is served later is no surprise");
        assert!(vary(Policy { signs_in: true, ..Policy::default() }), "who has no token gets none");
        assert!(!vary(Policy { signs_in: true, without_sign_in: true, ..Policy::default() }));
    }
}
