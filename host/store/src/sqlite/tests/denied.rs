//! Whom an operator shuts out.

use super::*;
use crate::{DENIED_ENTRIES, Denied, DeniedEntry, DeniedKind, DenyRefused};

fn denied(kind: DeniedKind, issuer: &str, value: &str) -> Denied {
    Denied { kind, issuer: issuer.to_owned(), value: value.to_owned() }
}

fn entry(denied: &Denied, by: &str, at: i64) -> DeniedEntry {
    DeniedEntry { denied: denied.clone(), by: by.to_owned(), at }
}

#[test]
fn au_25_what_is_shut_out_stays_so_over_a_restart_until_it_is_taken_back_and_each_change_has_its_row() {
    let mut at = open();
    let runtime = runtime();
    let all = DeniedKind::ALL.map(|kind| denied(kind, "https://a.example", "7"));
    let anybodys = denied(DeniedKind::Issued, "", "7");
    runtime.block_on(async {
        for one in all.iter().chain([&anybodys]) {
            at.store.deny(entry(one, "ann", 1), admin()).await.unwrap();
        }
    });
    at = at.reopened(Arc::new(System));
    runtime.block_on(async {
        let found: std::collections::BTreeSet<_> =
            at.store.denied().await.unwrap().into_iter().map(|entry| entry.denied).collect();
        assert_eq!(found, all.iter().chain([&anybodys]).cloned().collect());
        // Once more is the same entry, by who did it last.
        at.store.deny(entry(&all[0], "bob", 2), admin()).await.unwrap();
        let newest = at.store.denied().await.unwrap();
        assert_eq!((newest.len(), &newest[0]), (5, &entry(&all[0], "bob", 2)));
        let rows = || at.number("SELECT count(*) FROM audit");
        assert_eq!(rows(), 6);
        assert_eq!(at.store.allow(all[0].clone(), admin()).await, Ok(true));
        assert_eq!(rows(), 7);
        assert_eq!(at.store.allow(all[0].clone(), admin()).await, Ok(false));
        assert_eq!(rows(), 7, "what changes nothing is not recorded");
        // Another issuer's is another entry.
        let other = denied(DeniedKind::Issued, "https://b.example", "7");
        assert_eq!(at.store.allow(other, admin()).await, Ok(false));
        assert_eq!(at.store.denied().await.unwrap().len(), 4);
    });
}

#[test]
fn au_25_entries_have_a_number_and_one_more_changes_nothing() {
    let at = open();
    let db = database(&at);
    db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO denied SELECT 'token', '', i, 'ann', 0 FROM n",
        [DENIED_ENTRIES],
    )
    .unwrap();
    runtime().block_on(async {
        let one_more = denied(DeniedKind::Subject, "", "eve");
        assert_eq!(at.store.deny(entry(&one_more, "ann", 1), admin()).await, Err(DenyRefused::Full));
        assert_eq!(at.number("SELECT count(*) FROM audit"), 0);
        assert_eq!(at.number("SELECT count(*) FROM denied"), i64::from(DENIED_ENTRIES));
        // One that is there already is no more.
        at.store.deny(entry(&denied(DeniedKind::Token, "", "1"), "bob", 1), admin()).await.unwrap();
        assert_eq!(at.store.allow(denied(DeniedKind::Token, "", "2"), admin()).await, Ok(true));
        at.store.deny(entry(&one_more, "ann", 1), admin()).await.unwrap();
    });
}
