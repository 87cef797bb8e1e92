//! Events that are kept of streams.

use super::*;
use crate::{BYTES_OF_STREAM, KeptEvents, NewEvents, STREAM_BYTES, STREAM_BYTES_PER_PRINCIPAL, STREAM_EVENTS};

const NOW: i64 = 1_700_000_000_000;

fn events(stream: u8, holder: &str, seqs: std::ops::RangeInclusive<u64>) -> NewEvents {
    let events = seqs.map(|seq| (seq, format!("{stream}/{seq}").into_bytes())).collect();
    let (holder, principal) = (holder.to_owned(), holder.to_owned());
    NewEvents { stream: [stream; 16], holder, principal, events, ended: false, expires_at: NOW + 1000 }
}

/// As much as one stream may keep, and a byte less.
fn large(stream: u8, holder: &str, seq: u64) -> NewEvents {
    let body = vec![b'x'; BYTES_OF_STREAM as usize - 1];
    NewEvents { events: vec![(seq, body)], ..events(stream, holder, 1..=1) }
}

async fn after(at: &Opened, stream: u8, holder: &str, after: u64) -> Option<KeptEvents> {
    at.store.stream_after([stream; 16], holder.to_owned(), after).await.unwrap()
}

#[test]
fn events_are_read_on_after_any_of_them_also_by_another_process() {
    let time = ByHand::at(NOW);
    let at = open_at(tempfile::tempdir().unwrap(), time.clone());
    let runtime = runtime();
    let whole = runtime.block_on(async {
        at.store.stream_put(events(1, "ann", 1..=2)).await.unwrap();
        at.store.stream_put(events(2, "ann", 1..=1)).await.unwrap();
        at.store.stream_put(NewEvents { ended: true, ..events(1, "ann", 3..=3) }).await.unwrap();
        let whole = after(&at, 1, "ann", 0).await.unwrap();
        assert_eq!(whole, KeptEvents { events: events(1, "ann", 1..=3).events, ended: true });
        assert_eq!(after(&at, 1, "ann", 2).await.unwrap().events, whole.events[2..]);
        assert_eq!(after(&at, 1, "ann", 3).await.unwrap(), KeptEvents { events: Vec::new(), ended: true });
        assert!(!after(&at, 2, "ann", 0).await.unwrap().ended);
        assert_eq!(after(&at, 3, "ann", 0).await, None);
        whole
    });
    let at = at.reopened(time);
    assert_eq!(runtime.block_on(after(&at, 1, "ann", 0)), Some(whole));
}

#[test]
fn au_08_a_stream_is_its_holders_alone_and_stays_as_it_was_sent() {
    let at = open_at(tempfile::tempdir().unwrap(), ByHand::at(NOW));
    runtime().block_on(async {
        at.store.stream_put(NewEvents { ended: true, ..events(1, "ann", 1..=2) }).await.unwrap();
        for refused in [events(1, "bob", 3..=3), events(1, "ann", 2..=2), events(1, "ann", 3..=3)] {
            assert!(at.store.stream_put(refused.clone()).await.is_err(), "{refused:?}");
        }
        assert_eq!(after(&at, 1, "bob", 0).await, None);
        assert_eq!(after(&at, 1, "ann", 0).await.unwrap().events, events(1, "ann", 1..=2).events);
    });
}

#[test]
fn what_has_expired_is_gone_and_then_removed() {
    let time = ByHand::at(NOW);
    let at = open_at(tempfile::tempdir().unwrap(), time.clone());
    runtime().block_on(async {
        at.store.stream_put(events(1, "ann", 1..=5)).await.unwrap();
        at.store.stream_put(NewEvents { expires_at: NOW + 9000, ..events(2, "ann", 1..=1) }).await.unwrap();
        time.pass(1000);
        assert_eq!(after(&at, 1, "ann", 0).await, None);
        assert!(after(&at, 2, "ann", 0).await.is_some());
    });
    super::super::housekeeper::purge_all(&at.store.writer, &at.store.clock);
    assert_eq!(at.number("SELECT count(*) FROM stream"), 1);
    assert_eq!(at.number("SELECT count(*) FROM stream_event"), 1);
    assert_eq!(at.number("SELECT stream_bytes FROM keeping"), 64 + 3);
}

#[test]
fn st_40_the_oldest_events_of_a_stream_make_room_and_all_together_are_bounded() {
    let at = open_at(tempfile::tempdir().unwrap(), ByHand::at(NOW));
    runtime().block_on(async {
        let many = u64::from(STREAM_EVENTS);
        at.store.stream_put(events(1, "ann", 1..=many)).await.unwrap();
        at.store.stream_put(events(1, "ann", many + 1..=many + 3)).await.unwrap();
        let kept = after(&at, 1, "ann", 0).await.unwrap().events;
        assert_eq!((kept[0].0, kept.len()), (4, many as usize));

        for seq in 1..=3 {
            at.store.stream_put(large(2, "ann", seq)).await.unwrap();
            assert_eq!(after(&at, 2, "ann", 0).await.unwrap().events[0].0, seq);
        }
        let fit = STREAM_BYTES / BYTES_OF_STREAM;
        let mut refused = 0;
        for stream in 0..fit {
            let put = at.store.stream_put(large(100 + stream as u8, &format!("p{stream}"), 1)).await;
            refused += u64::from(put.is_err());
        }
        // One for the stream before, and one for what each event takes beside its text.
        assert_eq!(refused, 2);
        assert!(after(&at, 1, "ann", 0).await.is_some());
    });
}

/// Fails without the share of one principal ([`STREAM_BYTES_PER_PRINCIPAL`]).
#[test]
fn mc_40_one_principals_streams_leave_room_for_all_others() {
    let at = open_at(tempfile::tempdir().unwrap(), ByHand::at(NOW));
    runtime().block_on(async {
        let fit = (STREAM_BYTES_PER_PRINCIPAL / BYTES_OF_STREAM) as u8;
        // Each event takes something beside its text: the last one does not fit.
        for stream in 1..fit {
            at.store.stream_put(large(stream, "ann", 1)).await.unwrap();
        }
        assert!(at.store.stream_put(large(fit, "ann", 1)).await.is_err());
        assert_eq!(after(&at, fit, "ann", 0).await, None, "nothing of it is kept");
        at.store.stream_put(large(100, "bob", 1)).await.unwrap();
        // Of her own, one that has ended makes room, and none that goes on.
        at.store.stream_put(NewEvents { ended: true, events: Vec::new(), ..events(1, "ann", 1..=1) }).await.unwrap();
        at.store.stream_put(large(fit, "ann", 1)).await.unwrap();
        assert_eq!(after(&at, 1, "ann", 0).await, None);
        for stream in 2..=fit {
            assert!(after(&at, stream, "ann", 0).await.is_some(), "{stream}");
        }
        assert!(after(&at, 100, "bob", 0).await.is_some());
    });
    let counted = at.number("SELECT sum(bytes) FROM stream");
    assert_eq!(counted, at.number("SELECT stream_bytes FROM keeping"));
    assert_eq!(counted, at.number("SELECT sum(64 + length(body)) FROM stream_event"));
}
