//! Tests of streams that are kept, without a transport.

use std::time::Duration;

use bytes::Bytes;
use portcullis_backend::Asking;
use portcullis_manifest::{Grants, Principal};

use tokio::time::timeout;

use super::*;
use crate::{SessionKey, asking::Sessions, era::Revision};

const PATIENCE: Duration = Duration::from_millis(1);

fn holder(subject: &str) -> Holder {
    let principal = Principal::subject("https://issuer.example", subject, Grants::default());
    let sessions = Sessions::new(&SessionKey::random());
    let sealed = sessions.begin(&principal, Revision::V2025_11_25, Asking::FORM);
    sessions.open(&sealed, &principal).unwrap().holder
}

/// What there is to read now.
async fn next(reader: &mut Reader) -> Option<Read> {
    timeout(PATIENCE, reader.next()).await.ok()
}

async fn rest(reader: &mut Reader) -> Vec<String> {
    let mut read = Vec::new();
    while let Some(Read::Event(_, event)) = next(reader).await {
        read.push(String::from_utf8(event.to_vec()).unwrap());
    }
    read
}

fn push(stream: &Stream, messages: &[&'static str]) {
    for message in messages {
        stream.push(Bytes::from_static(message.as_bytes()));
    }
}

#[test]
fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
    for kind in [Kind::Call, Kind::News] {
        let place = Place { kind, stream: Uuid::from_u128(rand::random()), event: u64::MAX };
        let mut text = String::new();
        place.write(&mut text);
        assert_eq!(Place::read(&text), Some(place));
        for wrong in [&text[1..], &text[..33], &format!("{text}0"), &format!("x{}", &text[1..]), "", "c", "c-1", "ü-1"]
        {
            assert_eq!(Place::read(wrong), None, "{wrong}");
        }
    }
    assert_eq!(Place::read("c00000000-0000-0000-0000-000000000000-1"), None);
}

#[tokio::test]
async fn who_comes_back_reads_on_where_it_stopped_up_to_the_end() {
    let streams = Streams::new(StreamLimits::default());
    let ann = holder("ann");
    let stream = streams.begin(Kind::Call, &ann, None).unwrap();
    push(&stream, &["a", "b"]);
    let mut first = stream.read();
    assert_eq!(rest(&mut first).await, ["a", "b"]);
    push(&stream, &["c"]);
    let Some(Read::Event(at, _)) = next(&mut first).await else { panic!("an event") };
    drop(first);
    push(&stream, &["d", "e"]);
    let mut second = streams.resume(at, &ann).unwrap();
    assert_eq!(rest(&mut second).await, ["d", "e"]);
    assert_eq!(next(&mut second).await, None);
    stream.end();
    assert_eq!(next(&mut second).await, Some(Read::End));
    // The same once more: nothing is used up by being read.
    assert_eq!(rest(&mut streams.resume(at, &ann).unwrap()).await, ["d", "e"]);
}

#[tokio::test]
async fn au_08_a_stream_is_nobody_elses() {
    let streams = Streams::new(StreamLimits::default());
    let (ann, also_ann, bob) = (holder("ann"), holder("ann"), holder("bob"));
    let stream = streams.begin(Kind::Call, &ann, Some(Id::Signed(1))).unwrap();
    push(&stream, &["secret"]);
    let place = stream.read().place();
    for other in [&also_ann, &bob] {
        assert!(streams.resume(place, other).is_none());
        streams.cancel(other, &Id::Signed(1));
        assert!(streams.of(Kind::Call, other).is_none());
    }
    streams.cancel(&ann, &Id::Signed(2));
    assert!(!stream.log().cancelled);
    streams.cancel(&ann, &Id::Signed(1));
    stream.given_up().await;
}

#[tokio::test]
async fn the_last_who_comes_reads_alone() {
    let streams = Streams::new(StreamLimits::default());
    let stream = streams.begin(Kind::Call, &holder("ann"), None).unwrap();
    let (mut first, mut second) = (stream.read(), stream.read());
    push(&stream, &["a"]);
    assert_eq!(next(&mut first).await, Some(Read::End));
    drop(first);
    assert!(stream.log().alone.is_none(), "the second one is there");
    assert_eq!(rest(&mut second).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_alone_for_its_time_and_no_longer() {
    let limits = StreamLimits::default();
    let stream = Streams::new(limits).begin(Kind::Call, &holder("ann"), None).unwrap();
    let reader = stream.read();
    assert!(timeout(limits.grace * 10, stream.given_up()).await.is_err(), "somebody reads");
    drop(reader);
    assert!(timeout(limits.grace - PATIENCE, stream.given_up()).await.is_err());
    let reader = stream.read();
    assert!(timeout(limits.grace * 2, stream.given_up()).await.is_err());
    drop(reader);
    timeout(limits.grace + PATIENCE, stream.given_up()).await.unwrap();
}

/// Fails without the room that old events make in `Stream::put`.
#[tokio::test]
async fn mc_40_what_is_kept_is_bounded_and_the_last_event_always_stays() {
    let limits = StreamLimits { events: 3, bytes: 10, in_all: 20, ..StreamLimits::default() };
    let streams = Streams::new(limits);
    let held = || streams.kept().all.in_all();
    let stream = streams.begin(Kind::Call, &holder("ann"), None).unwrap();
    push(&stream, &["a", "b", "c", "d"]);
    assert_eq!((rest(&mut stream.read()).await, held()), (vec!["b".into(), "c".into(), "d".into()], 3));
    push(&stream, &["eeeeeeee"]);
    assert_eq!((rest(&mut stream.read()).await, held()), (vec!["c".into(), "d".into(), "eeeeeeee".into()], 10));
    push(&stream, &["the response, which is long"]);
    assert_eq!((rest(&mut stream.read()).await.len(), held()), (1, "the response, which is long".len()));
    let other = streams.begin(Kind::Call, &holder("bob"), None);
    assert!(other.is_none(), "all is full of what goes on");
    stream.end();
    drop(stream);
    let other = streams.begin(Kind::Call, &holder("bob"), None).unwrap();
    assert_eq!(held(), 0);
    push(&other, &["f"]);
    streams.forget(&other);
    drop(other);
    assert_eq!(held(), 0);
}

/// Fails without the share of one principal ([`StreamLimits::share`]).
#[tokio::test]
async fn mc_40_one_principals_streams_leave_room_for_everybody_elses() {
    let streams = Streams::new(StreamLimits { bytes: 8, share: 10, in_all: 30, ..StreamLimits::default() });
    let ann = ["1234567", "1234567"].map(|text| {
        let stream = streams.begin(Kind::Call, &holder("ann"), None).unwrap();
        push(&stream, &["a", text]);
        stream
    });
    assert_eq!(rest(&mut ann[1].read()).await, ["1234567"], "what passes her share makes room of her own");
    assert!(streams.begin(Kind::Call, &holder("ann"), None).is_none(), "she has no more");
    let bob = streams.begin(Kind::Call, &holder("bob"), None).unwrap();
    push(&bob, &["one", "two"]);
    assert_eq!(rest(&mut bob.read()).await, ["one", "two"]);
    ann[0].end();
    drop(ann);
    assert!(streams.begin(Kind::Call, &holder("ann"), None).is_some());
}

/// Fails without the room that [`Streams::adopt`] asks for.
#[tokio::test]
async fn mc_40_streams_from_elsewhere_take_room_like_all_others() {
    let streams = Streams::new(StreamLimits { share: 10, ..StreamLimits::default() });
    let ann = holder("ann");
    let adopt = |number: u128| {
        let kept = KeptEvents { events: vec![(1, b"1234567".to_vec())], ended: number == 1 };
        streams.adopt(Place { kind: Kind::Call, stream: Uuid::from_u128(number), event: 0 }, &ann, kept)
    };
    let Some(Adopted::New(ended)) = adopt(1) else { panic!("there is room") };
    let Some(Adopted::New(going)) = adopt(2) else { panic!("there is room") };
    assert!(adopt(3).is_none());
    assert!(!streams.has_room(&ann) && streams.has_room(&holder("bob")));
    assert!(matches!(adopt(2), Some(Adopted::Known(_))), "that one is here");
    drop((ended, going));
    assert!(adopt(4).is_some(), "the one that ended has made room");
    assert!(adopt(5).is_none(), "those that go on are kept");
}

/// Fails when whoever waits for the end of a stream's time holds it meanwhile.
#[tokio::test(start_paused = true)]
async fn mc_40_a_stream_that_made_room_is_held_by_nobody() {
    let streams = Arc::new(Streams::new(StreamLimits { per_principal: 1, ..StreamLimits::default() }));
    let begin = || {
        let stream = streams.begin(Kind::Call, &holder("ann"), None).unwrap();
        push(&stream, &["text"]);
        stream.end();
        let left = Arc::downgrade(&stream);
        let streams = Arc::clone(&streams);
        (left, tokio::spawn(async move { streams.forget_later(stream).await }))
    };
    let (first, waiting) = begin();
    tokio::task::yield_now().await;
    assert!(first.upgrade().is_some(), "it is kept");
    let (second, later) = begin();
    assert!(first.upgrade().is_none(), "it has made room");
    waiting.await.unwrap();
    later.await.unwrap();
    assert!(second.upgrade().is_none(), "its time is over");
    assert_eq!(streams.kept().all.in_all(), 0);
}

#[test]
fn a_principal_has_so_many_streams_and_those_that_ended_make_room() {
    let streams = Streams::new(StreamLimits { per_principal: 2, ..StreamLimits::default() });
    let ann = [holder("ann"), holder("ann"), holder("ann")];
    let begun = [0, 1].map(|nth| streams.begin(Kind::Call, &ann[nth], None).unwrap());
    assert!(streams.begin(Kind::Call, &ann[2], None).is_none());
    assert!(streams.begin(Kind::Call, &holder("bob"), None).is_some());
    begun[0].end();
    assert!(streams.begin(Kind::Call, &ann[2], None).is_some());
    assert!(streams.begin(Kind::Call, &ann[2], None).is_none());
}
