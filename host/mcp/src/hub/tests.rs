use futures_util::FutureExt as _;
use portcullis_backend::ListKind;
use portcullis_manifest::{Grants, Principal};

use super::*;
use crate::{asking::Peer, testing::Echo};

fn principal(subject: &str) -> Principal {
    Principal::subject("https://issuer.example", subject, Grants::default())
}

fn limits(per_principal: usize, in_all: usize) -> ListenLimits {
    ListenLimits { per_principal, in_all, ..ListenLimits::default() }
}

/// A session of `subject`.
fn holder(subject: &str) -> Holder {
    Peer::new().session(&principal(subject)).holder
}

#[test]
fn places_are_counted_for_each_principal_and_in_all_and_given_back() {
    let hub = Arc::new(Hub::new(limits(2, 3)));
    let (ann, bob, cleo) = (principal("ann"), principal("bob"), principal("cleo"));
    let one = hub.enter(ann.key()).unwrap();
    let two = hub.enter(ann.key()).unwrap();
    assert_eq!(hub.enter(ann.key()).unwrap_err(), TooManyStreams::OfPrincipal(2));
    let three = hub.enter(bob.key()).unwrap();
    assert_eq!(hub.enter(cleo.key()).unwrap_err(), TooManyStreams::InAll(3));
    drop(one);
    let four = hub.enter(cleo.key()).unwrap();
    drop((two, three, four));
    let open = hub.open();
    assert_eq!((open.in_all, open.of.len()), (0, 0), "nothing is kept of who is gone");
}

#[test]
fn no_stream_may_be_open_where_none_is_allowed() {
    let hub = Arc::new(Hub::new(limits(0, 3)));
    assert_eq!(hub.enter(principal("ann").key()).unwrap_err(), TooManyStreams::OfPrincipal(0));
    assert_eq!(hub.subscriptions(&holder("ann")).unwrap_err(), TooManyStreams::OfPrincipal(0));
}

#[test]
fn a_session_s_subscriptions_are_its_own_and_the_same_for_whoever_asks() {
    let hub = Hub::new(limits(2, 3));
    let (one, other) = (holder("ann"), holder("ann"));
    hub.subscriptions(&one).unwrap().insert("docs://a".to_owned()).unwrap();
    assert!(hub.subscriptions(&one).unwrap().contains("docs://a"));
    assert!(!hub.subscriptions(&other).unwrap().contains("docs://a"));
}

/// Fails without the numbers of `Hub::subscriptions`.
#[test]
fn mc_40_a_principal_s_oldest_session_makes_room_unless_a_stream_tells_of_it() {
    let hub = Hub::new(limits(2, 3));
    let sessions = [(); 4].map(|()| holder("ann"));
    let told = hub.subscriptions(&sessions[0]).unwrap();
    told.insert("docs://a".to_owned()).unwrap();
    hub.subscriptions(&sessions[1]).unwrap().insert("docs://a".to_owned()).unwrap();
    hub.subscriptions(&sessions[2]).unwrap().insert("docs://a".to_owned()).unwrap();
    assert!(hub.subscriptions(&sessions[0]).unwrap().contains("docs://a"), "a stream tells of it");
    assert!(hub.subscriptions(&sessions[2]).unwrap().contains("docs://a"));
    let also_told = hub.subscriptions(&sessions[2]).unwrap();
    assert_eq!(hub.subscriptions(&sessions[3]).unwrap_err(), TooManyStreams::OfPrincipal(2));
    drop(told);
    assert!(!hub.subscriptions(&sessions[3]).unwrap().contains("docs://a"));
    assert!(also_told.contains("docs://a"));
    // Somebody else's are not touched to make room.
    hub.subscriptions(&holder("bob")).unwrap();
    assert_eq!(hub.subscriptions(&holder("cleo")).unwrap_err(), TooManyStreams::InAll(3));
}

#[tokio::test]
async fn who_holds_other_rights_by_now_is_told_that_its_list_has_changed() {
    let (hub, echo) = (Arc::new(Hub::new(limits(2, 3))), Arc::new(Echo::new()));
    let place = hub.enter(principal("ann").key()).unwrap();
    let mut watch = hub.watch(&echo, principal("ann"), Wanted::legacy(Uris::new(1).into()), place);
    let grants = Grants { scopes: ["notes:read".parse().unwrap()].into(), ..Grants::default() };
    let more = Principal::subject("https://issuer.example", "ann", grants);
    // What ann sees depends on what she holds: nobody tells of that.
    echo.lists_for("ann", ListKind::Prompts, &[]);
    watch.renew(&principal("ann"));
    assert!(watch.next().now_or_never().is_none(), "the same principal is not looked at again");
    watch.renew(&more);
    assert_eq!(watch.next().await, Event::List(Changed::Prompts));
    hub.close();
    assert_eq!(watch.next().await, Event::Closed);
}

/// Fails without nothing new being taken while something is still to be told.
#[tokio::test]
async fn mc_40_what_waits_for_a_client_that_does_not_read_is_never_more_than_one_look_finds() {
    let (hub, echo) = (Arc::new(Hub::new(limits(2, 3))), Arc::new(Echo::new()));
    let uris = Arc::new(Uris::new(2));
    for uri in ["docs://a", "docs://b"] {
        uris.insert(uri.to_owned()).unwrap();
    }
    let place = hub.enter(principal("ann").key()).unwrap();
    let mut watch = hub.watch(&echo, principal("ann"), Wanted::legacy(Arc::clone(&uris)), place);
    for round in 0..900 {
        echo.touch("docs://a", None);
        echo.touch("docs://b", None);
        if round % 100 == 0 {
            // It reads one, while more comes than the channel holds.
            let updated = Event::Updated(if round % 200 == 0 { "docs://a" } else { "docs://b" }.to_owned());
            assert_eq!(watch.next().await, updated);
        }
    }
    // A subscription that ended is not told of any more, though it waits.
    uris.remove("docs://b");
    hub.close();
    assert_eq!(watch.next().await, Event::Closed);
}
