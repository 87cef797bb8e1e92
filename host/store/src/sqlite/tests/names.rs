//! Names that were ever served.

use super::*;
use crate::{NameOnce, RetiredCalls, Retirement};

fn named(plugin: &str, version: &str, labels: &[(&str, &str)]) -> NewRelease {
    let labels = labels.iter().map(|(name, label)| ((*name).to_owned(), (*label).to_owned())).collect();
    NewRelease { labels, ..release(plugin, version, "", "ann") }
}

async fn names(store: &SqliteStore) -> BTreeMap<String, NameOnce> {
    store.names().await.unwrap().into_iter().map(|name| (name.name.clone(), name)).collect()
}

async fn serve(store: &SqliteStore, release: &NewRelease, at: i64) {
    store.publish(release.clone(), admin()).await.unwrap();
    let decision = Decision { at, ..decision(release, true, "bob", true) };
    store.decide(decision, admin()).await.unwrap();
}

/// Fails if a name is forgotten, if the loosest label is not kept, or if it is not said who took the name's place.
#[test]
fn wr_04_a_name_that_was_served_is_known_for_ever_with_its_loosest_label_and_its_end() {
    let mut at = open();
    let runtime = runtime();
    let first = named("two", "1.0.0", &[("two_Get", "write"), ("two_put", "write"), ("two_stay", "read")]);
    let second = named("two", "2.0.0", &[("two_stay", "read"), ("two_get", "read")]);
    let other = named("other", "1.0.0", &[("other", "read")]);
    let by = |version: &str| Some(ReleaseId { plugin: "two".parse().unwrap(), version: version.to_owned() });
    runtime.block_on(async {
        serve(&at.store, &first, 10).await;
        serve(&at.store, &other, 11).await;
        let known = names(&at.store).await;
        assert!(known.len() == 4 && known.values().all(|name| name.retired.is_none()), "{known:?}");
        assert_eq!(known["two_Get"].label, "write");
        // Pending only: nobody was told of it.
        at.store.publish(named("two", "3.0.0", &[("two_never", "read")]), admin()).await.unwrap();
        serve(&at.store, &second, 20).await;
    });
    at = at.reopened(Arc::new(System));
    let counted = |plugin: &str, name: &str, calls, last| RetiredCalls {
        plugin: plugin.parse().unwrap(),
        name: name.to_owned(),
        calls,
        last,
    };
    runtime.block_on(async {
        let known = names(&at.store).await;
        assert_eq!(known.keys().collect::<Vec<_>>(), ["other", "two_get", "two_put", "two_stay"]);
        let ended = |by, calls, last_call| Some(Retirement { at: 20, by, calls, last_call });
        assert_eq!(known["two_put"].retired, ended(by("2.0.0"), 0, None));
        assert_eq!(known["two_put"].release, by("1.0.0").unwrap());
        assert_eq!((known["two_get"].label.as_str(), &known["two_get"].retired), ("read", &None));

        let calls =
            vec![counted("two", "two_put", 3, 30), counted("two", "two_get", 3, 30), counted("x", "other", 3, 30)];
        at.store.count_retired(calls).await.unwrap();
        at.store.count_retired(vec![counted("two", "two_Put", 2, 29)]).await.unwrap();
        let known = names(&at.store).await;
        assert_eq!(known["two_put"].retired, ended(by("2.0.0"), 5, Some(30)));
        assert!(known["two_get"].retired.is_none() && known["other"].retired.is_none());

        // Back again: it is served, and the loosest label is what it was.
        at.store.decide(Decision { at: 40, ..decision(&first, true, "bob", true) }, admin()).await.unwrap();
        let known = names(&at.store).await;
        assert!(known.values().all(|name| name.retired.is_none()), "{known:?}");
        assert_eq!(known["two_Get"].label, "read");
        // Withdrawn: all of them, and by nobody. Withdrawing another release changes nothing.
        at.store.decide(decision(&second, false, "bob", true), admin()).await.unwrap();
        assert!(names(&at.store).await.values().all(|name| name.retired.is_none()));
        at.store.decide(Decision { at: 50, ..decision(&first, false, "bob", true) }, admin()).await.unwrap();
        let known = names(&at.store).await;
        let ended = Some(Retirement { at: 50, by: None, calls: 0, last_call: None });
        assert!(known.values().all(|name| name.retired == if name.name == "other" { None } else { ended.clone() }));
    });
    assert!(database(&at).execute("DELETE FROM served_once", []).unwrap_err().to_string().contains("are kept"));
}

/// Fails if what a database of version 3 knows from its decisions is not what this one would have kept.
#[test]
fn wr_04_names_from_before_there_was_the_table_are_found_in_the_decisions() {
    let at = open();
    let runtime = runtime();
    let releases = [
        named("two", "1.0.0", &[("two_get", "write"), ("two_put", "write"), ("two_stay", "read")]),
        named("two", "2.0.0", &[("two_stay", "write"), ("two_get", "read")]),
        named("two", "3.0.0", &[("two_stay", "destructive")]),
        named("one", "1.0.0", &[("one", "read")]),
        named("gone", "1.0.0", &[("gone", "read")]),
    ];
    let kept = runtime.block_on(async {
        for (number, release) in (1..).zip(&releases) {
            serve(&at.store, release, number).await;
        }
        at.store.decide(Decision { at: 9, ..decision(&releases[4], false, "bob", true) }, admin()).await.unwrap();
        at.store.decide(Decision { at: 10, ..decision(&releases[0], false, "bob", true) }, admin()).await.unwrap();
        at.store.names().await.unwrap()
    });
    assert!(kept.iter().filter(|name| name.retired.is_some()).count() == 3, "{kept:?}");
    let db = database(&at);
    db.execute_batch("DROP TRIGGER served_once_kept; DELETE FROM served_once;").unwrap();
    let step = include_str!("../schema/4.sql");
    let step = &step[step.find("INSERT INTO served_once").unwrap()..];
    db.execute_batch(&step[..=step.find(';').unwrap()]).unwrap();
    assert_eq!(runtime.block_on(at.store.names()).unwrap(), kept);
}
