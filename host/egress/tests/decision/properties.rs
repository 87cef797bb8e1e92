use portcullis_egress::{Destination, Reach, admit};
use portcullis_manifest::http::Method;
use proptest::prelude::*;

use crate::{capability, destination, holds::destination_holds};

/// A URL that is one, in pieces that have other spellings.
fn pieces() -> impl Strategy<Value = (String, String, String)> {
    let scheme = prop::sample::select(vec!["https", "http"]).prop_map(str::to_owned);
    let host = prop::collection::vec("[a-z]([a-z0-9-]{0,5}[a-z0-9])?", 1..5)
        .prop_filter("`xn--` is another alphabet", |labels| labels.iter().all(|label| !label.starts_with("xn--")))
        .prop_map(|labels| labels.join("."));
    let target = "(/[a-zA-Z0-9._~!$&'()+,=:@-]{1,6}){0,4}/?(\\?[a-zA-Z0-9%/=&]{0,8})?";
    (scheme, host, target)
}

fn in_case(text: &str, upper: &[bool]) -> String {
    let case = |(at, c): (usize, char)| if upper[at % upper.len()] { c.to_ascii_uppercase() } else { c };
    text.chars().enumerate().map(case).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn eg_02_whatever_the_text_reading_it_never_panics(
        text in "\\PC{0,60}|(https?:)?/{0,3}[a-z0-9.:@\\[\\]%\\\\#?/;*-]{0,40}|https://example\\.com/[a./%25eEfFcC;]{0,16}",
    ) {
        destination_holds(text.as_bytes());
    }

    /// Fails when two spellings of one destination are two, or when reading one twice changes it.
    #[test]
    fn eg_22_case_final_dot_and_default_port_are_no_difference(
        (scheme, host, target) in pieces(), upper in prop::collection::vec(any::<bool>(), 1..9), dot in any::<bool>(), port in any::<bool>(),
    ) {
        let plain = format!("{scheme}://{host}{target}");
        let default = if scheme == "https" { ":443" } else { ":80" };
        let other = format!(
            "{}://{}{}{}{target}",
            in_case(&scheme, &upper), in_case(&host, &upper), if dot { "." } else { "" }, if port { default } else { "" },
        );
        let (plain, other) = (plain.parse::<Destination>(), other.parse::<Destination>());
        prop_assert_eq!(&plain, &other);
        if let Ok(read) = plain {
            let again = read.to_string().parse::<Destination>();
            prop_assert_eq!(again.as_ref(), Ok(&read));
            prop_assert!(read.target().starts_with('/'));
        }
    }

    /// Fails when anything but the one host decides.
    #[test]
    fn eg_05_a_random_host_is_refused_unless_it_is_the_one(
        labels in prop::collection::vec("example|com|evil|a|examplecom|xn--a", 1..5), port in prop::option::of(1..u16::MAX), tls in any::<bool>(),
    ) {
        let host = labels.join(".");
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://{host}{}/a/b", port.map(|port| format!(":{port}")).unwrap_or_default());
        let grant = capability("https://example.com", &["GET /a/*"], 0);
        let allowed = admit(&grant, &Reach::Granted, Method::Get, destination(&url)).is_ok();
        prop_assert_eq!(allowed, host == "example.com" && tls && matches!(port, None | Some(443)));
    }

    /// Fails when a rule can take away what another gives.
    #[test]
    fn eg_26_one_rule_more_never_refuses_what_was_allowed(
        rules in prop::collection::btree_set("(GET|HEAD|POST) (/(a|b|\\*)){1,3}", 0..4), more in "(GET|HEAD|POST) (/(a|b|\\*)){0,2}/(a|\\*|\\*\\*)",
        method in prop::sample::select(Method::ALL.to_vec()), path in "(/[abc]){1,4}",
    ) {
        let few: Vec<&str> = rules.iter().map(String::as_str).collect();
        let mut many = few.clone();
        if !rules.contains(&more) {
            many.push(&more);
        }
        let url = format!("https://example.com{path}");
        let allowed = |rules: &[&str]| {
            admit(&capability("https://example.com", rules, 0), &Reach::Granted, method, destination(&url)).is_ok()
        };
        prop_assert!(!allowed(&few) || allowed(&many));
        prop_assert!(!allowed(&[]));
    }

    /// Fails when what is sent is not what was written.
    #[test]
    fn eg_26_what_is_admitted_is_sent_byte_for_byte(segment in "[a-zA-Z0-9._~!$&'()*+,=:@-]{1,12}", query in prop::option::of("[ -~]{0,20}")) {
        let url = format!("https://example.com/a/{segment}{}", query.map(|query| format!("?{query}")).unwrap_or_default());
        let Ok(destination) = url.parse::<Destination>() else { return Ok(()) };
        let grant = capability("https://example.com", &["GET /a/*"], 0);
        let admitted = admit(&grant, &Reach::Granted, Method::Get, destination);
        prop_assert_eq!(admitted.map(|admitted| admitted.destination().to_string()), Ok(url));
    }

    /// Fails when a location is resolved to something that was not decided on.
    #[test]
    fn eg_06_wherever_a_redirect_leads_it_stays_in_the_grant(location in "\\PC{0,30}|(https?:)?/{0,3}[a-z.:@?/]{0,20}|(https:)?//example\\.com(:443|:80|\\.)?/[a./]{0,6}") {
        let grant = capability("https://example.com", &["GET /a/*"], 1);
        let first = admit(&grant, &Reach::Granted, Method::Get, destination("https://example.com/a/b")).unwrap();
        if let Ok(hop) = first.redirected(302, &location) {
            let sent = hop.destination().to_string();
            prop_assert!(sent.starts_with("https://example.com/a/"), "{}", sent);
            prop_assert!(!hop.origin_changed());
            prop_assert!(hop.redirected(302, "/a/b").is_err());
        }
    }
}
