//! What holds for every text that somebody takes for a URL or a `Location`: shared by the fuzz target and by an ordinary
//! test that goes through the target's corpus.

use std::{net::IpAddr, sync::Arc};

use portcullis_egress::{Destination, Reach, admit};
use portcullis_manifest::http::{HttpCapability, Method};

/// Panics when something that must hold does not.
pub fn destination_holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(destination) = text.parse::<Destination>() {
        parsed(text, &destination);
    }
    let here: Destination = "https://example.com/a/b?c".parse().expect("it is a URL");
    if let Ok(there) = here.join(text) {
        sent_is_what_was_decided(&there);
        if !text.starts_with("//") && (text.starts_with(['/', '?']) || !text.contains("://")) {
            assert_eq!(there.origin(), here.origin(), "a location without a host stays at its origin");
        }
    }
}

fn parsed(text: &str, destination: &Destination) {
    sent_is_what_was_decided(destination);
    // Behind the host nothing is changed: it is the end of the text, byte for byte.
    let (_, after) = text.split_once("://").expect("a URL has a scheme");
    let written = after.find(['/', '?']).map_or("", |at| &after[at..]);
    let target = destination.target();
    let sent = if written.starts_with('/') { target.as_str() } else { target.strip_prefix('/').expect("a path") };
    assert_eq!(sent, written);
    granted_is_what_was_written(text, destination);
}

/// A second reading, by whichever parser, finds the same: nothing is left to disagree on.
fn sent_is_what_was_decided(destination: &Destination) {
    let text = destination.to_string();
    assert_eq!(text.parse::<Destination>().as_ref(), Ok(destination));
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#'), "{text}");
    let origin = destination.origin();
    let (scheme, host, port) = (origin.scheme().as_str(), origin.host().as_str(), origin.port().get());
    assert!(host.parse::<IpAddr>().is_err(), "{host}");

    match url::Url::parse(&text) {
        Ok(browsers) => {
            assert_eq!((browsers.scheme(), browsers.port_or_known_default()), (scheme, Some(port)));
            assert_eq!(browsers.domain(), Some(host));
            assert_eq!(browsers.path(), destination.path().as_str());
            assert_eq!((browsers.username(), browsers.password(), browsers.fragment()), ("", None, None));
        }
        // It wants punycode behind `xn--`; to the DNS, and so to us, these are letters like others.
        Err(error) => assert!(host.split('.').any(|label| label.starts_with("xn--")), "{text}: {error}"),
    }

    let proxies: http::Uri = text.parse().expect("proxies read it too");
    assert_eq!((proxies.scheme_str(), proxies.host()), (Some(scheme), Some(host)));
    assert_eq!(proxies.path_and_query().map(http::uri::PathAndQuery::as_str), Some(destination.target().as_str()));
}

fn granted_is_what_was_written(text: &str, destination: &Destination) {
    let allow = vec!["GET /a/*".parse().expect("it is a rule")];
    let origin = "https://example.com".parse().expect("it is an origin");
    let capability = Arc::new(HttpCapability::new(origin, allow, None, 0, 0).expect("it is a capability"));
    if let Ok(admitted) = admit(&capability, &Reach::Granted, Method::Get, destination.clone()) {
        let sent = admitted.destination().to_string();
        let rest = sent.strip_prefix("https://example.com/a/").expect("nothing else is granted");
        assert!(text.ends_with(rest));
        let segment = rest.split('?').next().unwrap_or_default();
        assert!(!segment.is_empty() && !segment.contains('/'), "{segment}");
    }
}
