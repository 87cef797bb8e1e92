//! Previews, and values that can be spent once.

use super::*;
use crate::{PREVIEW_BYTES, PREVIEWS_PER_PRINCIPAL, SPENT_VALUES};

const NOW: i64 = 1_700_000_000_000;
const DAY: i64 = 86_400_000;

fn id(n: u32) -> [u8; 16] {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    id
}

fn preview(n: u32, principal: &str, expires_at: i64) -> NewPreview {
    NewPreview { id: id(n), principal: principal.to_owned(), expires_at, body: n.to_be_bytes().to_vec() }
}

fn opened(time: &Arc<ByHand>) -> Opened {
    open_at(tempfile::tempdir().unwrap(), time.clone())
}

#[test]
fn wr_05_of_many_confirmations_of_one_preview_exactly_one_succeeds_and_only_it_has_rows() {
    let time = ByHand::at(NOW);
    let mut at = opened(&time);
    let runtime = runtime();
    runtime.block_on(async {
        at.store.preview_put(preview(1, "ann", NOW + 10)).await.unwrap();
        at.store.preview_put(preview(2, "ann", NOW + 10)).await.unwrap();
        let calls: Vec<_> = (0..64)
            .map(|_| {
                let store = at.store.clone();
                tokio::spawn(async move { store.confirm(id(1), vec![row("ok"), row("ok")], NOW).await.unwrap() })
            })
            .collect();
        let mut bodies = Vec::new();
        for call in calls {
            bodies.extend(call.await.unwrap());
        }
        assert_eq!(bodies, [id(1)[..4].to_vec()]);
        assert_eq!(at.store.confirm(id(9), vec![row("ok")], NOW).await, Ok(None), "one that never was");
    });
    at = at.reopened(time);
    assert_eq!(runtime.block_on(at.store.confirm(id(1), vec![row("ok")], NOW)), Ok(None));
    assert_eq!(at.number("SELECT count(*) FROM audit"), 2);
    assert!(runtime.block_on(at.store.confirm(id(2), vec![], NOW)).unwrap().is_some(), "the other one waits still");
}

#[test]
fn wr_05_a_preview_that_has_expired_is_not_confirmed_and_not_either_when_the_clock_is_set_back() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    runtime().block_on(async {
        at.store.preview_put(preview(1, "ann", NOW + 10)).await.unwrap();
        at.store.preview_put(preview(2, "ann", NOW + 10)).await.unwrap();
        assert_eq!(at.store.confirm(id(1), vec![row("ok")], NOW + 10).await, Ok(None));
        assert_eq!(at.store.confirm(id(1), vec![row("ok")], NOW).await, Ok(None));
        assert!(at.store.confirm(id(2), vec![row("ok")], NOW + 9).await.unwrap().is_some());
        assert_eq!(at.number("SELECT count(*) FROM audit"), 1);
    });
}

#[test]
fn of_one_principal_the_newest_sixty_four_wait_and_others_lose_none() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    runtime().block_on(async {
        at.store.preview_put(preview(1000, "bob", NOW + 10)).await.unwrap();
        // Expired ones push nobody out, although they came later.
        for n in 2000..2010 {
            at.store.preview_put(preview(n, "ann", NOW)).await.unwrap();
        }
        for n in 0..PREVIEWS_PER_PRINCIPAL + 2 {
            at.store.preview_put(preview(n, "ann", NOW + 10)).await.unwrap();
        }
        for (n, waits) in [(0, false), (1, false), (2, true), (PREVIEWS_PER_PRINCIPAL + 1, true), (1000, true)] {
            assert_eq!(at.store.confirm(id(n), vec![], NOW).await.unwrap().is_some(), waits, "{n}");
        }
        // An id is one preview's.
        assert!(at.store.preview_put(preview(3, "ann", NOW + 10)).await.is_err());
    });
}

#[test]
fn previews_take_no_more_than_their_bytes_together_and_expired_ones_make_room() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    let large =
        |n: u32, expires_at| NewPreview { body: vec![0; 1 << 20], ..preview(n, &format!("principal {n}"), expires_at) };
    runtime().block_on(async {
        let mut kept = 0;
        let refused = loop {
            match at.store.preview_put(large(kept, NOW + 10)).await {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(kept, 15, "sixteen and what they cost beside are more than 16 MiB");
        assert!(refused.reason.contains(&PREVIEW_BYTES.to_string()), "{refused}");
        assert_eq!(at.number("SELECT count(*) FROM preview"), 15, "what was refused has pushed nothing out");
        time.pass(10);
        at.store.preview_put(large(99, NOW + 100)).await.unwrap();
        assert_eq!(at.number("SELECT count(*) FROM preview"), 1);
    });
    time.pass(100);
    housekeeper::purge_all(&at.store.writer, &at.store.clock);
    assert_eq!(at.number("SELECT preview_bytes FROM keeping"), 0);
}

#[test]
fn one_principals_previews_take_no_room_of_anothers() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    runtime().block_on(async {
        for n in 0..10 {
            let new = NewPreview { body: vec![0; 1 << 19], ..preview(n, "greedy", NOW + 10) };
            at.store.preview_put(new).await.unwrap();
        }
        assert_eq!(at.number("SELECT count(*) FROM preview"), 4, "the newest, of 2 MiB together");
        let large = NewPreview { body: vec![0; 3 << 20], ..preview(10, "greedy", NOW + 10) };
        at.store.preview_put(large).await.unwrap();
        assert_eq!(at.number("SELECT count(*) FROM preview"), 1, "one may always wait");
    });
}

#[test]
fn mc_14_a_value_is_spent_once_by_however_many_and_in_whichever_process() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    let runtime = runtime();
    runtime.block_on(async {
        let calls: Vec<_> = (0..64)
            .map(|_| {
                let store = at.store.clone();
                tokio::spawn(async move { store.spend(id(1), NOW + 10, NOW).await.unwrap() })
            })
            .collect();
        let mut first = 0;
        for call in calls {
            first += usize::from(call.await.unwrap());
        }
        assert_eq!(first, 1);
        assert_eq!(at.store.spend(id(2), NOW + 10, NOW).await, Ok(true), "another value");
        assert_eq!(at.store.spend(id(3), NOW + 10, NOW + 10).await, Ok(false), "one that has expired");
    });
    let at = at.reopened(time);
    assert_eq!(runtime.block_on(at.store.spend(id(1), NOW + 10, NOW)), Ok(false));
    assert_eq!(runtime.block_on(at.store.spend(id(3), NOW + 10, NOW)), Ok(true));
}

#[test]
fn mc_14_a_spent_value_is_not_spent_again_when_it_is_forgotten_and_the_clock_is_set_back() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    let runtime = runtime();
    let spend = |n, expires_at, now| runtime.block_on(at.store.spend(id(n), expires_at, now)).unwrap();
    let purge = || housekeeper::purge_all(&at.store.writer, &at.store.clock);
    assert!(spend(1, NOW + 10, NOW));
    // A clock that is wrong for less than a day makes nothing forgotten, and nothing refused when it is right again.
    time.set(NOW + 20 * 365 * DAY);
    purge();
    assert_eq!(at.number("SELECT spent FROM keeping"), 1);
    time.set(NOW);
    assert!(!spend(1, NOW + 10, NOW) && spend(2, NOW + 10, NOW));
    time.pass(DAY + 10);
    purge();
    assert_eq!(at.number("SELECT spent FROM keeping"), 0);
    assert_eq!(at.number("SELECT count(*) FROM spent"), 0);
    assert!(!spend(1, NOW + 10, NOW), "it counts as spent for a caller with the old time");
    assert!(spend(3, NOW + DAY + 20, NOW + DAY + 10));
}

#[test]
fn no_more_values_are_remembered_than_their_number() {
    let time = ByHand::at(NOW);
    let at = opened(&time);
    let runtime = runtime();
    assert!(runtime.block_on(at.store.spend(id(1), NOW + 10, NOW)).unwrap());
    let full = i64::try_from(SPENT_VALUES).unwrap();
    database(&at).execute("UPDATE keeping SET spent = ?1", [full]).unwrap();
    let refused = runtime.block_on(at.store.spend(id(2), NOW + 10, NOW)).unwrap_err();
    assert!(refused.reason.contains(&SPENT_VALUES.to_string()), "{refused}");
    // Those that need not be remembered any longer make room at once.
    time.pass(DAY + 10);
    assert!(runtime.block_on(at.store.spend(id(2), NOW + 2 * DAY, NOW + DAY + 10)).unwrap());
}
