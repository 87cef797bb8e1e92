use proptest::prelude::*;

use super::*;

const TOKEN: TokenFacts<'_> = TokenFacts {
    issuer: "https://a.example",
    subject: "ann",
    client: Some("chat"),
    jti: Some("t-1"),
    issued_at: 1_000,
};

fn list(entries: &[(Option<&str>, DeniedWhat)]) -> DenyList {
    entries.iter().map(|(issuer, what)| Denial { issuer: issuer.map(str::to_owned), what: what.clone() }).collect()
}

fn every_kind() -> [(DeniedWhat, DeniedBy); 4] {
    [
        (DeniedWhat::Subject("ann".to_owned()), DeniedBy::Subject),
        (DeniedWhat::Client("chat".to_owned()), DeniedBy::Client),
        (DeniedWhat::Token("t-1".to_owned()), DeniedBy::Token),
        (DeniedWhat::IssuedBefore(1_001), DeniedBy::Issued),
    ]
}

#[test]
fn au_25_a_token_is_refused_by_its_subject_its_client_its_id_or_its_time_of_one_issuer_or_of_any() {
    assert_eq!(DenyList::default().refuses(&TOKEN), None);
    for (what, by) in every_kind() {
        for (issuer, refuses) in [(None, true), (Some("https://a.example"), true), (Some("https://b.example"), false)] {
            let found = list(&[(issuer, what.clone())]).refuses(&TOKEN);
            assert_eq!(found, refuses.then_some(by), "{issuer:?} {what:?}");
        }
    }
}

#[test]
fn au_25_what_only_looks_alike_is_not_refused() {
    for what in [
        DeniedWhat::Subject("Ann".to_owned()),
        DeniedWhat::Subject("chat".to_owned()),
        DeniedWhat::Client("ann".to_owned()),
        DeniedWhat::Client("cha".to_owned()),
        DeniedWhat::Token("t-10".to_owned()),
        DeniedWhat::IssuedBefore(1_000),
    ] {
        assert_eq!(list(&[(None, what.clone())]).refuses(&TOKEN), None, "{what:?}");
    }
    // A token that names no client and no id has none that could be shut out.
    let bare = TokenFacts { client: None, jti: None, ..TOKEN };
    for what in [DeniedWhat::Client(String::new()), DeniedWhat::Token(String::new())] {
        assert_eq!(list(&[(None, what.clone())]).refuses(&bare), None, "{what:?}");
    }
}

#[test]
fn au_25_an_entry_holds_as_soon_as_it_is_in_the_list_and_for_whoever_shares_it() {
    let denials = Denials::default();
    let shared = denials.clone();
    let told = denials.watch();
    for (what, by) in every_kind() {
        denials.replace(list(&[(None, what)]));
        assert_eq!(shared.refuses(&TOKEN), Some(by));
        assert!(told.has_changed().unwrap());
        denials.replace(DenyList::default());
        assert_eq!(shared.refuses(&TOKEN), None);
    }
}

#[test]
fn reading_the_same_list_again_tells_nobody() {
    let denials = Denials::default();
    let entries = [(None, DeniedWhat::Subject("ann".to_owned()))];
    denials.replace(list(&entries));
    let told = denials.watch();
    denials.replace(list(&entries));
    assert!(!told.has_changed().unwrap());
}

fn what() -> impl Strategy<Value = DeniedWhat> {
    prop_oneof![
        "[ab]{0,2}".prop_map(DeniedWhat::Subject),
        "[ab]{0,2}".prop_map(DeniedWhat::Client),
        "[ab]{0,2}".prop_map(DeniedWhat::Token),
        (0..4u64).prop_map(DeniedWhat::IssuedBefore),
    ]
}

proptest! {
    #[test]
    fn au_25_a_list_refuses_exactly_what_one_of_its_entries_does(
        entries in prop::collection::vec((prop::option::of("[xy]"), what()), 0..6),
        issuer in "[xyz]", subject in "[ab]{1,2}",
        client in prop::option::of("[ab]{1,2}"), jti in prop::option::of("[ab]{1,2}"), issued_at in 0..4u64,
    ) {
        let token = TokenFacts {
            issuer: &issuer, subject: &subject, client: client.as_deref(), jti: jti.as_deref(), issued_at,
        };
        let by_hand = entries.iter().any(|(of, what)| {
            of.as_ref().is_none_or(|of| *of == issuer) && match what {
                DeniedWhat::Subject(value) => *value == subject,
                DeniedWhat::Client(value) => client.as_ref() == Some(value),
                DeniedWhat::Token(value) => jti.as_ref() == Some(value),
                DeniedWhat::IssuedBefore(before) => issued_at < *before,
            }
        });
        let list: DenyList = entries.into_iter().map(|(issuer, what)| Denial { issuer, what }).collect();
        prop_assert_eq!(list.refuses(&token).is_some(), by_hand);
    }
}
