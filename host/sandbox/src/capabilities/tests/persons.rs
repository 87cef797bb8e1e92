//! Two persons use one plugin: what is one's is nothing to the other. The functions are those that a guest calls, the store
//! is the one that serves.

use portcullis_store::Commit;

use super::*;
use crate::contract::bindings::portcullis::plugin::{
    files::{self, Host as _},
    kv::{self, Host as _},
};

const NAME: &str = "diary";

/// What a call found: the value, whether it is listed, and how many there are.
type Found = (Option<Vec<u8>>, bool, usize);

async fn found_in_kv(state: &mut CallState, capability: &str, cursor: Option<&str>) -> Found {
    let value = kv::Host::get(state, capability.to_owned(), NAME.to_owned()).await.unwrap().unwrap();
    let cursor = cursor.map(str::to_owned);
    let page = state.list_keys(capability.to_owned(), String::new(), cursor, 1000).await.unwrap().unwrap();
    (value, page.keys.contains(&NAME.to_owned()), page.keys.len())
}

async fn found_in_files(state: &mut CallState, capability: &str, cursor: Option<&str>) -> Found {
    let data = state.read(capability.to_owned(), NAME.to_owned()).await.unwrap().unwrap();
    let cursor = cursor.map(str::to_owned);
    let page = state.list_files(capability.to_owned(), String::new(), cursor, 1000).await.unwrap().unwrap();
    (data, page.entries.iter().any(|entry| entry.name == NAME), page.entries.len())
}

/// One call that writes `value` under one name wherever it can, and succeeds.
async fn write(services: &Arc<Services>, principal: &Principal, value: &[u8], shared: bool) {
    let mut state = call(services, principal);
    let (keys, folder) = if shared { ("board", "shelf") } else { ("notebook", "desk") };
    state.set(keys.to_owned(), NAME.to_owned(), value.to_vec()).await.unwrap().unwrap();
    files::Host::write(&mut state, folder.to_owned(), NAME.to_owned(), value.to_vec()).await.unwrap().unwrap();
    let Writes { kv, files } = state.take_writes();
    services.store.commit(Commit { writes: kv, files, audit: Vec::new() }).await.unwrap();
}

const ISSUER: &str = "https://login.example";

fn ann() -> Principal {
    person(ISSUER, "ann", &["told:read"])
}

/// Everybody who is not ann, some of whom are called as she is.
fn strangers() -> Vec<(&'static str, Principal)> {
    vec![
        ("another subject", person(ISSUER, "bob", &["told:read"])),
        ("the same subject of another issuer", person("https://login.other.example", "ann", &["told:read"])),
        (
            "the same subject of an issuer that differs by its end",
            person("https://login.example/", "ann", &["told:read"]),
        ),
        ("parts that read the same when joined", person("https://login.exampl", "eann", &["told:read"])),
        ("a subject in other letters", person(ISSUER, "Ann", &["told:read"])),
        ("a subject with a space", person(ISSUER, "ann ", &["told:read"])),
        ("her printed key as a subject", person(ISSUER, "subject:21:https://login.example:3:ann", &["told:read"])),
        ("who runs the host", Principal::local()),
    ]
}

/// Fails without: the issuer or the subject in a partition's owner, or the owner in the store's keys.
#[tokio::test(flavor = "multi_thread")]
async fn au_08_st_01_nobody_else_finds_changes_or_removes_a_persons_keys() {
    let home = tempfile::tempdir().unwrap();
    let services = Arc::new(services(&home));
    write(&services, &ann(), b"of ann", false).await;
    for (who, stranger) in strangers() {
        let mut state = call(&services, &stranger);
        // A cursor of hers, or of anybody's, is a place in one's own list.
        for cursor in [None, Some("diar"), Some(NAME)] {
            assert_eq!(found_in_kv(&mut state, "notebook", cursor).await, (None, false, 0), "{who}, {cursor:?}");
        }
        assert!(!state.delete("notebook".to_owned(), NAME.to_owned()).await.unwrap().unwrap(), "{who}");
        let hers = Some(b"of ann".to_vec());
        let swapped = state.compare_and_set("notebook".to_owned(), NAME.to_owned(), hers, None).await.unwrap().unwrap();
        assert!(!swapped, "{who}");
        assert!(state.take_writes().is_empty(), "{who}");
        write(&services, &stranger, who.as_bytes(), false).await;
    }
    // Each has one of that name by now, and finds their own.
    for (who, stranger) in strangers() {
        let found = found_in_kv(&mut call(&services, &stranger), "notebook", None).await;
        assert_eq!(found, (Some(who.as_bytes().to_vec()), true, 1), "{who}");
    }
    assert_eq!(found_in_kv(&mut call(&services, &ann()), "notebook", None).await, (Some(b"of ann".to_vec()), true, 1));
}

/// Fails without: the issuer or the subject in a folder's owner, or the owner in the store's keys.
#[tokio::test(flavor = "multi_thread")]
async fn au_08_st_01_nobody_else_finds_changes_or_removes_a_persons_files() {
    let home = tempfile::tempdir().unwrap();
    let services = Arc::new(services(&home));
    write(&services, &ann(), b"of ann", false).await;
    for (who, stranger) in strangers() {
        let mut state = call(&services, &stranger);
        for cursor in [None, Some("diar"), Some(NAME)] {
            assert_eq!(found_in_files(&mut state, "desk", cursor).await, (None, false, 0), "{who}, {cursor:?}");
        }
        assert!(!state.remove("desk".to_owned(), NAME.to_owned()).await.unwrap().unwrap(), "{who}");
        assert!(state.take_writes().is_empty(), "{who}");
        write(&services, &stranger, who.as_bytes(), false).await;
    }
    for (who, stranger) in strangers() {
        let found = found_in_files(&mut call(&services, &stranger), "desk", None).await;
        assert_eq!(found, (Some(who.as_bytes().to_vec()), true, 1), "{who}");
    }
    assert_eq!(found_in_files(&mut call(&services, &ann()), "desk", None).await, (Some(b"of ann".to_vec()), true, 1));
}

/// Fails if a client, a scope, a group or a role is part of who somebody is: then a new token would lose them their rows.
#[tokio::test(flavor = "multi_thread")]
async fn st_01_a_person_is_an_issuer_and_a_subject_whatever_else_the_token_says() {
    let home = tempfile::tempdir().unwrap();
    let services = Arc::new(services(&home));
    write(&services, &ann(), b"of ann", false).await;
    let granted = Grants { scopes: scopes(&["told:more"]), ..Grants::default() };
    let later = Principal::subject(ISSUER, "ann", granted).through("another-client");
    let mine = (Some(b"of ann".to_vec()), true, 1);
    let mut state = call(&services, &later);
    assert_eq!(found_in_kv(&mut state, "notebook", None).await, mine);
    assert_eq!(found_in_files(&mut state, "desk", None).await, mine);
}

/// What is declared to be everybody's is.
#[tokio::test(flavor = "multi_thread")]
async fn st_01_a_shared_partition_is_one_for_all_and_nobodys_own() {
    let home = tempfile::tempdir().unwrap();
    let services = Arc::new(services(&home));
    write(&services, &ann(), b"for all", true).await;
    for (who, stranger) in strangers() {
        let mut state = call(&services, &stranger);
        let shared = (Some(b"for all".to_vec()), true, 1);
        assert_eq!(found_in_kv(&mut state, "board", None).await, shared, "{who}");
        assert_eq!(found_in_files(&mut state, "shelf", None).await, shared, "{who}");
        assert_eq!(found_in_kv(&mut state, "notebook", None).await, (None, false, 0), "{who}");
        assert_eq!(found_in_files(&mut state, "desk", None).await, (None, false, 0), "{who}");
    }
}

/// Fails if anything that a guest passes becomes part of whose rows are opened. Bob even knows how the host names ann.
#[tokio::test(flavor = "multi_thread")]
async fn st_01_no_string_of_a_guest_names_another_persons_partition() {
    let home = tempfile::tempdir().unwrap();
    let services = Arc::new(services(&home));
    write(&services, &ann(), b"of ann", false).await;
    let rows = services.pseudonyms.of("kv", ann().key());
    let folder = services.pseudonyms.of("files", ann().key());
    let mut state = call(&services, &person(ISSUER, "bob", &[]));
    for hers in [rows, folder, "ann".to_owned(), ann().key().to_string()] {
        for separator in ["/", ":", "\0", "\u{1f}", "|", " ", "/../"] {
            let joined = [
                format!("{hers}{separator}{NAME}"),
                format!("{NAME}{separator}{hers}"),
                format!("..{separator}{hers}{separator}{NAME}"),
            ];
            for key in joined {
                let got = kv::Host::get(&mut state, "notebook".to_owned(), key.clone()).await.unwrap();
                assert!(matches!(got, Ok(None) | Err(kv::Error::BadKey(_))), "{key:?}: {got:?}");
                let list = state.list_keys("notebook".to_owned(), key.clone(), Some(key.clone()), 1000);
                assert!(list.await.unwrap().unwrap().keys.is_empty(), "{key:?}");
                let got = state.read("desk".to_owned(), key.clone()).await.unwrap();
                assert!(matches!(got, Ok(None) | Err(files::Error::BadName(_))), "{key:?}: {got:?}");
                let list = state.list_files("desk".to_owned(), key.clone(), Some(key.clone()), 1000);
                assert!(list.await.unwrap().unwrap().entries.is_empty(), "{key:?}");
            }
            for capability in [format!("notebook{separator}{hers}"), format!("{hers}{separator}notebook")] {
                let got = kv::Host::get(&mut state, capability.clone(), NAME.to_owned()).await.unwrap();
                assert!(matches!(got, Err(kv::Error::NotGranted(_))), "{capability:?}: {got:?}");
                let got = state.read(capability.replace("notebook", "desk"), NAME.to_owned()).await.unwrap();
                assert!(matches!(got, Err(files::Error::NotGranted(_))), "{capability:?}: {got:?}");
            }
        }
    }
}

/// Fails if nobody gets a partition of their own, or the one that is for all.
#[test]
fn au_08_st_01_without_a_person_there_is_no_partition_of_a_person_and_the_error_says_what_would_help() {
    let pseudonyms = Pseudonyms::new(KEY);
    let of = |principal: &Principal, partition, interface| {
        owner(&pseudonyms, principal.key(), partition, interface, "notebook")
    };
    for interface in [Interface::Kv, Interface::Files] {
        let refused = of(&Principal::anonymous(), Partition::User, interface).unwrap_err();
        for part in ["`notebook`", "partition = \"user\"", "sign in"] {
            assert!(refused.contains(part), "{part} in {refused}");
        }
        assert_eq!(of(&Principal::anonymous(), Partition::Shared, interface).unwrap(), "");
        let everybody = strangers().into_iter().map(|(_, stranger)| stranger).chain([ann()]);
        let owners: BTreeSet<String> =
            everybody.map(|principal| of(&principal, Partition::User, interface).unwrap()).collect();
        assert_eq!(owners.len(), strangers().len() + 1, "everybody has their own");
        assert!(!owners.contains(""), "and none has everybody's");
    }
}
