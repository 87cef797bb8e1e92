use portcullis_identity::{DeniedBy, TokenFacts};
use portcullis_store::sqlite::{OwnerLock, SqliteStore};

use super::*;

const TOKEN: TokenFacts<'_> = TokenFacts {
    issuer: "https://a.example",
    subject: "ann",
    client: Some("chat"),
    jti: Some("t-1"),
    issued_at: 1_000,
};
const NEVER: Duration = Duration::from_secs(86_400);

fn denied(kind: DeniedKind, issuer: &str, value: &str) -> Denied {
    Denied { kind, issuer: issuer.to_owned(), value: value.to_owned() }
}

fn row() -> portcullis_store::AuditRow {
    admin_row(AdminAction::Deny, "ann", None, String::new())
}

fn entry(denied: &Denied) -> DeniedEntry {
    DeniedEntry { denied: denied.clone(), by: "ann".to_owned(), at: 1 }
}

struct Kept {
    store: Arc<dyn Store>,
    _directory: tempfile::TempDir,
    _owner: OwnerLock,
}

fn kept() -> Kept {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("data");
    let owner = OwnerLock::take(&home).unwrap();
    Kept { store: Arc::new(SqliteStore::open(&home, &owner).unwrap()), _directory: directory, _owner: owner }
}

/// Waits until a host that is told nothing finds out by itself.
async fn found_out(denials: &Denials, by: Option<DeniedBy>) {
    let mut told = denials.watch();
    told.wait_for(|list| list.refuses(&TOKEN) == by).await.unwrap();
}

const _: () = assert!(EVERY.as_secs() + 2 <= 5, "an entry holds on every host within five seconds");

#[tokio::test]
async fn au_25_what_one_host_shuts_out_is_shut_out_on_every_host_of_the_store_and_let_in_again_too() {
    let kept = kept();
    let tick = Duration::from_millis(5);
    let (here, there) = (Denials::default(), Denials::default());
    let own = Denying::start_with(kept.store.clone(), here.clone(), NEVER).await.unwrap();
    let _other = Denying::start_with(kept.store.clone(), there.clone(), tick).await.unwrap();
    for (what, by) in [
        (denied(DeniedKind::Subject, "https://a.example", "ann"), DeniedBy::Subject),
        (denied(DeniedKind::Client, "", "chat"), DeniedBy::Client),
        (denied(DeniedKind::Token, "https://a.example", "t-1"), DeniedBy::Token),
        (denied(DeniedKind::Issued, "", "1001"), DeniedBy::Issued),
    ] {
        kept.store.deny(entry(&what), row()).await.unwrap();
        own.list.changed(|_| ()).await;
        assert_eq!(here.refuses(&TOKEN), Some(by), "at once, here");
        found_out(&there, Some(by)).await;
        assert!(kept.store.allow(what, row()).await.unwrap());
        own.list.changed(|_| ()).await;
        assert_eq!(here.refuses(&TOKEN), None);
        found_out(&there, None).await;
    }
}

#[tokio::test]
async fn au_25_a_host_that_starts_refuses_what_was_shut_out_before() {
    let kept = kept();
    kept.store.deny(entry(&denied(DeniedKind::Subject, "", "ann")), row()).await.unwrap();
    let denials = Denials::default();
    let _denying = Denying::start_with(kept.store.clone(), denials.clone(), NEVER).await.unwrap();
    assert_eq!(denials.refuses(&TOKEN), Some(DeniedBy::Subject));
}

#[test]
fn au_25_what_no_token_has_is_not_an_entry() {
    const NOW: u64 = 1_795_000_000;
    let checked = |kind, issuer: &str, value: &str| check(&denied(kind, issuer, value), NOW);
    for kind in [DeniedKind::Subject, DeniedKind::Client, DeniedKind::Token] {
        assert_eq!(checked(kind, "", "x"), Ok(()));
        assert_eq!(checked(kind, "https://a.example", &"x".repeat(DENIED_TEXT)), Ok(()));
        for wrong in ["", "a\nb", "a\0", &"x".repeat(DENIED_TEXT + 1)] {
            let form = |refused| matches!(refused, Err(DenyError::Form { .. }));
            assert!(form(checked(kind, "", wrong)), "{kind:?} {wrong:.10}");
            assert!(wrong.is_empty() || form(checked(kind, wrong, "x")), "{kind:?} {wrong:.10}");
        }
    }
    for time in ["0", "1795000000", "1795000060"] {
        assert_eq!(checked(DeniedKind::Issued, "", time), Ok(()), "{time}");
    }
    for time in ["", "-1", "+1", "01", "1.5", "1e9", "now", "2026-11-22", "99999999999999999999"] {
        assert_eq!(checked(DeniedKind::Issued, "", time), Err(DenyError::Time(time.to_owned())), "{time}");
    }
    for time in ["1795000061", "1795000000000"] {
        assert_eq!(checked(DeniedKind::Issued, "", time), Err(DenyError::Future(time.parse().unwrap(), NOW)), "{time}");
    }
    let refused = checked(DeniedKind::Subject, "", "a\u{1b}[2J\n").unwrap_err().to_string();
    assert!(refused.contains(r"\u{1b}"), "{refused}");
}
