use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use portcullis_egress::{AddressPolicy, AddressRefused, MAX_ANSWERS, PrivateAddress, not_public};
use proptest::prelude::*;

use crate::origin;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| ip(text)).collect()
}

/// What a policy says of `https://example.com`, port 443.
fn decided(policy: &AddressPolicy, answers: &[&str]) -> Result<Vec<SocketAddr>, AddressRefused> {
    policy.decide(&origin("https://example.com"), &ips(answers))
}

fn kind(policy: &AddressPolicy, answers: &[&str]) -> Option<&'static str> {
    decided(policy, answers).err().map(|error| error.kind())
}

fn private(host: &str, net: &str, port: u16) -> PrivateAddress {
    let port = port.to_string().parse().unwrap();
    PrivateAddress { host: host.parse().unwrap(), net: net.parse().unwrap(), port }
}

/// Range by range: the address before, the first, the last, the one behind. Those beside are public unless they are in a
/// range of their own, which is named.
const EDGES: [(&str, [&str; 4], [&str; 2]); 33] = [
    ("this-network", ["255.255.255.255", "0.0.0.0", "0.255.255.255", "1.0.0.0"], ["broadcast", ""]),
    ("private", ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"], ["", ""]),
    ("shared", ["100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"], ["", ""]),
    ("loopback", ["126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"], ["", ""]),
    ("metadata", ["168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"], ["", ""]),
    ("link-local", ["169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"], ["", ""]),
    ("private", ["172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"], ["", ""]),
    ("protocol", ["191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"], ["", ""]),
    ("documentation", ["192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"], ["", ""]),
    ("6to4", ["192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"], ["", ""]),
    ("private", ["192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"], ["", ""]),
    ("benchmark", ["198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"], ["", ""]),
    ("documentation", ["198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"], ["", ""]),
    ("documentation", ["203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"], ["", ""]),
    ("multicast", ["223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0"], ["", "reserved"]),
    ("reserved", ["239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255"], ["multicast", "broadcast"]),
    ("unspecified", ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", "::", "::1"], ["multicast", "loopback"]),
    ("compatible", ["::1", "::2", "::ffff:ffff", "::1:0:0"], ["loopback", "unassigned"]),
    // Mapped: read as version 4.
    (
        "this-network",
        ["::fffe:ffff:ffff", "::ffff:0.0.0.0", "::ffff:0.255.255.255", "::ffff:1.0.0.0"],
        ["unassigned", ""],
    ),
    (
        "reserved",
        ["::ffff:239.255.255.255", "::ffff:240.0.0.0", "::ffff:255.255.255.254", "::1:0:0:0"],
        ["multicast", "unassigned"],
    ),
    (
        "nat64",
        ["64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9b::1:0:0"],
        ["unassigned", "unassigned"],
    ),
    (
        "nat64",
        ["64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::"],
        ["unassigned", "unassigned"],
    ),
    (
        "discard",
        ["ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::"],
        ["unassigned", "unassigned"],
    ),
    ("unassigned", ["::1:0:0:0", "200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"], ["unassigned", ""]),
    (
        "protocol",
        ["2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"],
        ["", ""],
    ),
    (
        "documentation",
        [
            "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db9::",
        ],
        ["", ""],
    ),
    (
        "6to4",
        ["2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"],
        ["", ""],
    ),
    (
        "documentation",
        ["3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"],
        ["", ""],
    ),
    (
        "segment-routing",
        ["5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::"],
        ["unassigned", "unassigned"],
    ),
    (
        "private",
        ["fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"],
        ["unassigned", "unassigned"],
    ),
    (
        "link-local",
        ["fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::"],
        ["unassigned", "site-local"],
    ),
    (
        "site-local",
        ["febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::"],
        ["link-local", "multicast"],
    ),
    (
        "multicast",
        ["feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::"],
        ["site-local", "unspecified"],
    ),
];

/// Fails when a range is missing from the table or has another edge.
#[test]
fn eg_04_every_range_begins_and_ends_where_its_registry_says() {
    let policy = AddressPolicy::default();
    let check = |address: &str, expected: &str| {
        let found = not_public(ip(address)).map_or("", |range| range.as_str());
        assert_eq!(found, expected, "{address}");
        let decided = kind(&policy, &[address]);
        assert_eq!(decided, (!expected.is_empty()).then_some("not-public"), "{address}");
    };
    for (range, [before, first, last, behind], [is_before, is_behind]) in EDGES {
        check(first, range);
        check(last, range);
        check(before, is_before);
        check(behind, is_behind);
    }
    check("4000::", "unassigned");
    check("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "");
}

/// Fails when a cloud's metadata, or an address of version 4 in any disguise, is taken for public.
#[test]
fn eg_04_metadata_and_embedded_addresses_are_not_public() {
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fe80::a9fe:a9fe",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "::169.254.169.254",
        "::8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "2001:0:7f00:1::",
        "2001::1",
        "255.255.255.255",
        "0.0.0.0",
        "::",
    ] {
        assert_eq!(kind(&AddressPolicy::default(), &[address]), Some("not-public"), "{address}");
    }
    for address in
        ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001::", "2001:4860:4860::8888"]
    {
        assert_eq!(kind(&AddressPolicy::default(), &[address]), None, "{address}");
    }
}

/// Fails when what is connected to is not what was answered, in the canonical form and with the origin's port.
#[test]
fn eg_02_what_is_connected_to_is_what_was_answered() {
    let policy = AddressPolicy::default();
    let answers = ["1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "1.1.1.1", "::ffff:1.1.1.1"];
    let found = decided(&policy, &answers).unwrap();
    let expected: Vec<SocketAddr> =
        ["1.1.1.1:443", "[2606:4700::1111]:443", "8.8.8.8:443"].iter().map(|socket| socket.parse().unwrap()).collect();
    assert_eq!(found, expected);
    let other = policy.decide(&origin("http://example.com:8080"), &ips(&["1.1.1.1"])).unwrap();
    assert_eq!(other, ["1.1.1.1:8080".parse().unwrap()]);
}

/// Fails when answers that are not public are skipped instead of refused.
#[test]
fn eg_03_one_answer_that_is_not_public_refuses_them_all() {
    let policy = AddressPolicy::default();
    for answers in [
        ["1.1.1.1", "10.0.0.1"],
        ["10.0.0.1", "1.1.1.1"],
        ["1.1.1.1", "::1"],
        ["2606:4700::1111", "::ffff:192.168.0.1"],
        ["1.1.1.1", "0.0.0.0"],
    ] {
        assert_eq!(kind(&policy, &answers), Some("not-public"), "{answers:?}");
    }
    let mut many = vec!["1.1.1.1"; MAX_ANSWERS - 1];
    many.push("127.0.0.1");
    assert_eq!(kind(&policy, &many), Some("not-public"), "the last is looked at, too");
    assert_eq!(kind(&policy, &["1.1.1.1"; MAX_ANSWERS]), None);
    assert_eq!(kind(&policy, &["1.1.1.1"; MAX_ANSWERS + 1]), Some("too-many-addresses"));
    assert_eq!(kind(&policy, &[]), Some("no-address"));
}

/// Fails when an exception is for more than its host, its addresses and its port.
#[test]
fn eg_03_an_exception_is_for_exactly_one_host_net_and_port() {
    let policy = AddressPolicy {
        private: vec![private("crm.internal", "10.1.2.0/24", 8443), private("db.internal", "fd00::/64", 443)],
        ..AddressPolicy::default()
    };
    let ask = |url: &str, answers: &[&str]| policy.decide(&origin(url), &ips(answers)).err().map(|error| error.kind());
    for answers in [&["10.1.2.0"][..], &["10.1.2.255"], &["::ffff:10.1.2.3"], &["10.1.2.3", "1.1.1.1"]] {
        assert_eq!(ask("https://crm.internal:8443", answers), None, "{answers:?}");
    }
    assert_eq!(ask("https://db.internal", &["fd00::1"]), None);
    for (url, answers) in [
        ("https://crm.internal", &["10.1.2.3"][..]),
        ("https://crm.internal:8444", &["10.1.2.3"]),
        ("https://a.crm.internal:8443", &["10.1.2.3"]),
        ("https://internal:8443", &["10.1.2.3"]),
        ("https://db.internal", &["10.1.2.3"]),
        ("https://crm.internal:8443", &["10.1.3.0"]),
        ("https://crm.internal:8443", &["10.1.1.255"]),
        ("https://crm.internal:8443", &["fd00::1"]),
        ("https://crm.internal:8443", &["10.1.2.3", "10.1.3.3"]),
        ("https://crm.internal:8443", &["10.1.2.3", "127.0.0.1"]),
        ("https://db.internal", &["fd00:0:0:1::"]),
    ] {
        assert_eq!(ask(url, answers), Some("not-public"), "{url} {answers:?}");
    }
}

/// Fails when the host's own listeners can be listed, or are compared with less than every address that leads to them.
#[test]
fn eg_33_the_host_never_reaches_its_own_ports() {
    let all = || vec![private("example.com", "0.0.0.0/0", 443), private("example.com", "::/0", 443)];
    let policy = |own: &[&str], local: &[&str]| AddressPolicy {
        private: all(),
        own: own.iter().map(|socket| socket.parse().unwrap()).collect(),
        local: ips(local),
    };
    let local = ["10.0.0.5", "203.0.114.9", "2606:4700::5"];
    for unspecified in ["0.0.0.0:443", "[::]:443", "[::ffff:0.0.0.0]:443"] {
        let policy = policy(&[unspecified], &local);
        for answer in [
            "127.0.0.1",
            "127.8.8.8",
            "::1",
            "0.0.0.0",
            "::",
            "::ffff:127.0.0.1",
            "10.0.0.5",
            "203.0.114.9",
            "2606:4700::5",
        ] {
            assert_eq!(kind(&policy, &[answer]), Some("own"), "{unspecified} {answer}");
            assert_eq!(kind(&policy, &["1.1.1.1", answer]), Some("own"), "{unspecified} {answer}");
        }
        for answer in ["10.0.0.6", "1.1.1.1", "fd00::1"] {
            assert_eq!(kind(&policy, &[answer]), None, "{unspecified} {answer}");
        }
    }
    for (own, answer, expected) in [
        ("127.0.0.1:443", "127.0.0.1", Some("own")),
        ("127.0.0.1:443", "::ffff:127.0.0.1", Some("own")),
        ("[::ffff:127.0.0.1]:443", "127.0.0.1", Some("own")),
        ("127.0.0.1:443", "0.0.0.0", Some("own")),
        ("[::1]:443", "::", Some("own")),
        ("10.0.0.5:443", "0.0.0.0", Some("own")),
        ("203.0.114.9:443", "203.0.114.9", Some("own")),
        ("127.0.0.1:443", "127.0.0.2", None),
        ("10.0.0.5:443", "127.0.0.1", None),
        ("10.0.0.5:443", "10.0.0.6", None),
        ("127.0.0.1:8080", "127.0.0.1", None),
        ("0.0.0.0:8080", "127.0.0.1", None),
        ("0.0.0.0:8080", "0.0.0.0", None),
    ] {
        assert_eq!(kind(&policy(&[own], &local), &[answer]), expected, "{own} {answer}");
    }
}

/// Fails when an address of the host itself is taken for public because it is public to others.
#[test]
fn eg_04_an_address_of_the_host_itself_is_not_public_to_it() {
    let mut policy = AddressPolicy { local: ips(&["203.0.114.9", "::ffff:203.0.114.10"]), ..AddressPolicy::default() };
    for address in ["203.0.114.9", "203.0.114.10", "::ffff:203.0.114.9"] {
        assert_eq!(kind(&policy, &[address]), Some("not-public"), "{address}");
    }
    assert_eq!(kind(&policy, &["203.0.114.8"]), None);
    let Err(AddressRefused::NotPublic { range, .. }) = decided(&policy, &["203.0.114.9"]) else {
        panic!("it is refused")
    };
    assert_eq!(range.as_str(), "this-host");
    policy.private.push(private("example.com", "203.0.114.9/32", 443));
    assert_eq!(kind(&policy, &["203.0.114.9"]), None, "another program's port, and the operator says so");
}

#[test]
fn a_refusal_names_no_address() {
    let policy = AddressPolicy {
        own: vec!["10.9.8.7:443".parse().unwrap()],
        local: ips(&["10.9.8.7"]),
        ..AddressPolicy::default()
    };
    for answer in ["10.9.8.7", "10.9.8.6"] {
        let text = decided(&policy, &[answer]).unwrap_err().to_string();
        assert!(text.starts_with("the host `example.com` leads "), "{text}");
        assert!(!text.contains("10.9"), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Fails when a mapped address is decided on otherwise than the one it stands for, or one is lost on the way.
    #[test]
    fn eg_04_any_address_is_decided_on_in_its_canonical_form(v4 in any::<u32>(), v6 in any::<u128>()) {
        let policy = AddressPolicy::default();
        let (v4, v6) = (Ipv4Addr::from(v4), Ipv6Addr::from(v6));
        let plain = policy.decide(&origin("https://example.com"), &[v4.into()]);
        let mapped = policy.decide(&origin("https://example.com"), &[v4.to_ipv6_mapped().into()]);
        prop_assert_eq!(&plain, &mapped);
        if let Ok(sockets) = plain {
            prop_assert_eq!(sockets, [SocketAddr::new(v4.into(), 443)]);
            prop_assert!(!(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_documentation()));
        }
        if policy.decide(&origin("https://example.com"), &[v6.into()]).is_ok() {
            prop_assert_eq!(v6.segments()[0] >> 13, 1);
            prop_assert!(!(v6.is_loopback() || v6.is_multicast() || v6.is_unique_local() || v6.is_unicast_link_local()));
        }
    }

    /// Fails when more answers can make a refusal an admission.
    #[test]
    fn eg_03_more_answers_never_admit_what_fewer_did_not(
        answers in prop::collection::vec(any::<u32>().prop_map(|bits| IpAddr::from(Ipv4Addr::from(bits))), 1..6), more in any::<u32>(),
    ) {
        let policy = AddressPolicy::default();
        let few = policy.decide(&origin("https://example.com"), &answers).is_ok();
        let more = [&answers[..], &[IpAddr::from(Ipv4Addr::from(more))]].concat();
        prop_assert!(few || policy.decide(&origin("https://example.com"), &more).is_err());
    }
}
