//! Names that lead to other places than they should, and name servers that waste time.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use portcullis_egress::{
    AddressRefused, DnsFault, FetchError, Fetched, NameServers, Phase, Request, TimedOut, Verdict,
};
use portcullis_manifest::http::Method;

use crate::support::dns::{Dns, Reply};
use crate::support::upstream::{OK, Upstream};
use crate::support::{Granted, HOST, World, fetch};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A world in which only `dns` knows names, and [`HOST`] may be at `upstream`.
fn asking(dns: &Dns, upstream: &Upstream) -> World {
    let mut world = World::new().excepted(HOST, upstream.address.port());
    world.0.resolver.name_servers = NameServers::Listed(vec![dns.address]);
    world
}

async fn fetched(world: World, upstream: &Upstream) -> Fetched {
    let origin = upstream.origin();
    fetch(&world.start(), &Granted::at(&origin), Method::Get, &format!("{origin}/"), Request::default()).await
}

fn refused_address(fetched: &Fetched) -> &str {
    let Err(FetchError::Address(error)) = &fetched.result else { panic!("{fetched:?}") };
    assert!(!fetched.attempts[0].sent);
    error.kind()
}

/// Fails if the name is looked up again between decision and connection: the second answer leads elsewhere.
#[tokio::test]
async fn eg_02_a_name_that_is_rebound_is_looked_up_once_and_connected_to_as_decided() {
    let upstream = Upstream::answering(OK).await;
    let dns = Dns::start(|before| match before {
        0 => Reply::Addresses(vec![ip("127.0.0.1")]),
        _ => Reply::Addresses(vec![ip("10.0.0.1")]),
    })
    .await;
    let egress = asking(&dns, &upstream).start();
    let origin = upstream.origin();
    let granted = Granted::at(&origin);
    let first = fetch(&egress, &granted, Method::Get, &format!("{origin}/"), Request::default()).await;
    assert_eq!(first.result.unwrap().body, b"ok");
    assert_eq!(first.attempts[0].address, Some(upstream.address));
    assert_eq!((dns.count(RecordType::A), dns.count(RecordType::AAAA)), (1, 1));

    // The next request asks anew, and what is decided about is the new answer.
    let second = fetch(&egress, &granted, Method::Get, &format!("{origin}/"), Request::default()).await;
    assert_eq!(refused_address(&second), "not-public");
    assert_eq!((dns.count(RecordType::A), dns.count(RecordType::AAAA)), (2, 2));
    assert_eq!(upstream.heard().len(), 1);
}

/// Fails if answers are filtered instead of decided on together, or if only one family is.
#[tokio::test]
async fn eg_03_one_private_answer_among_good_ones_refuses_them_all() {
    for bad in ["10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::a00:1"] {
        let upstream = Upstream::answering(OK).await;
        let dns = Dns::start(move |_| Reply::Addresses(vec![ip("127.0.0.1"), ip(bad), ip("127.0.0.1")])).await;
        let fetched = fetched(asking(&dns, &upstream), &upstream).await;
        assert_eq!(refused_address(&fetched), "not-public", "{bad}");
        assert!(upstream.heard().is_empty());
        let Verdict::Refused(reason) = &fetched.attempts[0].verdict else { panic!("{fetched:?}") };
        assert!(reason.starts_with("address: "), "{reason}");
    }
}

/// Fails if what a guest is told is made from what the operator is.
#[tokio::test]
async fn eg_03_the_guest_is_not_told_the_address_and_the_operator_is() {
    let upstream = Upstream::answering(OK).await;
    let dns = Dns::start(|_| Reply::Addresses(vec![ip("10.11.12.13")])).await;
    let fetched = fetched(asking(&dns, &upstream), &upstream).await;
    let Err(FetchError::Address(error @ AddressRefused::NotPublic { .. })) = &fetched.result else {
        panic!("{fetched:?}")
    };
    assert!(!error.to_string().contains("10."), "{error}");
    assert_eq!(fetched.attempts[0].verdict, Verdict::Refused("address: 10.11.12.13 (private)".to_owned()));
}

/// Fails if an alias is decided on by its first name alone.
#[tokio::test]
async fn eg_02_an_alias_of_a_private_name_is_decided_by_where_it_leads() {
    let upstream = Upstream::answering(OK).await;
    let dns = Dns::start(|_| Reply::Alias("db.internal.example.", vec![ip("10.0.0.5")])).await;
    assert_eq!(refused_address(&fetched(asking(&dns, &upstream), &upstream).await), "not-public");

    let dns = Dns::start(|_| Reply::Alias("web.other.example.", vec![ip("127.0.0.1")])).await;
    assert_eq!(fetched(asking(&dns, &upstream), &upstream).await.result.unwrap().status, 200);
    // What is proven and said is the name that was asked for, whatever it is an alias of.
    assert!(upstream.heard()[0].contains(&format!("\r\nhost: {HOST}:")));
}

/// Fails without the bound on answers.
#[tokio::test]
async fn eg_02_a_name_with_512_addresses_is_refused() {
    let upstream = Upstream::answering(OK).await;
    let many = |count: u16| (0..count).map(|n| IpAddr::from([127, 0, (n >> 8) as u8, n as u8])).collect::<Vec<_>>();
    let dns = Dns::start(move |_| Reply::Addresses(many(512))).await;
    assert_eq!(refused_address(&fetched(asking(&dns, &upstream), &upstream).await), "too-many-addresses");
}

#[tokio::test]
async fn a_name_that_is_not_there_and_a_server_that_is_broken_are_told_apart() {
    let upstream = Upstream::answering(OK).await;
    for (reply, expected) in [(0, DnsFault::NoAddress), (1, DnsFault::NoAddress), (2, DnsFault::NoAnswer)] {
        let dns = Dns::start(move |_| match reply {
            0 => Reply::NoSuchName,
            1 => Reply::Addresses(Vec::new()),
            _ => Reply::Failure,
        })
        .await;
        let fetched = fetched(asking(&dns, &upstream), &upstream).await;
        assert_eq!(fetched.result, Err(expected.into()));
        assert!(!fetched.attempts[0].sent);
    }
}

/// Fails without the trailing dot, or with any search list.
#[tokio::test]
async fn eg_22_a_name_is_asked_for_whole_and_nothing_is_appended_to_it() {
    let upstream = Upstream::answering(OK).await;
    let dns = Dns::start(|_| Reply::NoSuchName).await;
    assert!(fetched(asking(&dns, &upstream), &upstream).await.result.is_err());
    let mut asked = dns.asked();
    asked.sort_by_key(|(_, kind)| u16::from(*kind));
    let whole = format!("{HOST}.");
    assert_eq!(asked, [(whole.clone(), RecordType::A), (whole, RecordType::AAAA)]);
}

/// Fails without the deadline around the lookup.
#[tokio::test]
async fn eg_28_a_name_server_that_says_nothing_is_waited_for_as_long_as_the_phase_lasts() {
    let upstream = Upstream::answering(OK).await;
    let dns = Dns::start(|_| Reply::Silence).await;
    let mut world = asking(&dns, &upstream);
    world.0.deadlines.dns = Duration::from_millis(100);
    let fetched = fetched(world, &upstream).await;
    assert_eq!(fetched.result, Err(TimedOut { phase: Phase::Dns, whole: false }.into()));
    assert!(!dns.asked().is_empty());
}

/// Fails if a server that is down is all that is asked.
#[tokio::test]
async fn a_second_name_server_is_asked_where_the_first_says_nothing() {
    let upstream = Upstream::answering(OK).await;
    let silent = Dns::start(|_| Reply::Silence).await;
    let other = Dns::start(|_| Reply::Addresses(vec![ip("127.0.0.1")])).await;
    let mut world = asking(&silent, &upstream);
    world.0.resolver.name_servers = NameServers::Listed(vec![silent.address, other.address]);
    world.0.deadlines.dns = Duration::from_secs(4);
    assert_eq!(fetched(world, &upstream).await.result.unwrap().status, 200);
    assert!(!silent.asked().is_empty() && !other.asked().is_empty());
}

/// The operator's table answers, and then no server is asked.
#[tokio::test]
async fn eg_02_a_name_in_the_operators_table_is_asked_of_nobody() {
    let upstream = Upstream::answering(OK).await;
    let dns = Dns::start(|_| Reply::Addresses(vec![ip("10.0.0.1")])).await;
    let mut world = asking(&dns, &upstream);
    world.0.resolver.hosts.insert(HOST.parse().unwrap(), vec![ip("127.0.0.1")]);
    assert_eq!(fetched(world, &upstream).await.result.unwrap().status, 200);
    assert!(dns.asked().is_empty());
}

/// Fails without the port in the exception, or without the refusal of the host's own ports.
#[tokio::test]
async fn eg_33_the_hosts_own_port_is_not_reached_even_when_it_is_excepted() {
    let upstream = Upstream::answering(OK).await;
    let mut world = World::with(upstream.address);
    world.0.addresses.own.push(upstream.address);
    assert_eq!(refused_address(&fetched(world, &upstream).await), "own");
    assert!(upstream.heard().is_empty());
}
