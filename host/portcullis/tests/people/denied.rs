//! Who is shut out is so at once, and the audit says who did it without saying to whom (catalogue AU-25).

use portcullis_calls::DenyError;
use portcullis_identity::{DeniedBy, TokenFacts};
use portcullis_store::{AuditEntry, AuditFilter, Denied, DeniedKind, DenyRefused};

use portcullis_backend::CallRefused;
use serde_json::json;

use super::people::{House, ISSUER, signed_in, subject};

const TOKEN: TokenFacts<'_> = TokenFacts {
    issuer: ISSUER,
    subject: "canary-ann",
    client: Some("canary-chat"),
    jti: Some("canary-1"),
    issued_at: 7,
};

fn denied(kind: DeniedKind, issuer: &str, value: &str) -> Denied {
    Denied { kind, issuer: issuer.to_owned(), value: value.to_owned() }
}

/// What admins did, oldest first.
async fn rows(house: &House) -> Vec<AuditEntry> {
    let filter = AuditFilter { limit: 100, ..AuditFilter::default() };
    let mut rows = house.host.audit("reader", filter).await.unwrap();
    rows.retain(|row| matches!(row.class.as_str(), "deny" | "allow" | "admin-refused"));
    rows.reverse();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn au_25_an_entry_is_in_force_when_the_command_returns_and_its_row_names_nobody() {
    let house = House::empty(signed_in()).await;
    for (what, by) in [
        (denied(DeniedKind::Subject, ISSUER, "canary-ann"), DeniedBy::Subject),
        (denied(DeniedKind::Client, "", "canary-chat"), DeniedBy::Client),
        (denied(DeniedKind::Token, ISSUER, "canary-1"), DeniedBy::Token),
        (denied(DeniedKind::Issued, ISSUER, "8"), DeniedBy::Issued),
    ] {
        assert_eq!(house.denials.refuses(&TOKEN), None);
        house.host.deny(what.clone(), "ann").await.unwrap();
        assert_eq!(house.denials.refuses(&TOKEN), Some(by));
        assert_eq!(house.host.denied().await.unwrap()[0].denied, what);
        house.host.allow_again(what, "bob").await.unwrap();
    }
    assert_eq!(house.denials.refuses(&TOKEN), None);
    let rows = rows(&house).await;
    assert_eq!(rows.len(), 8);
    for (row, (class, by)) in rows.iter().zip([("deny", "ann"), ("allow", "bob")].into_iter().cycle()) {
        assert_eq!((row.class.as_str(), row.principal.as_str()), (class, by));
        assert!(!row.detail.contains("canary"), "{}", row.detail);
    }
    // The same word for the same thing, and the name that its calls have in the audit for a subject.
    assert!(rows.chunks(2).all(|pair| pair[0].detail == pair[1].detail));
    assert!(
        rows[0].detail.starts_with("subject ") && rows[0].detail.len() == "subject ".len() + 32,
        "{}",
        rows[0].detail
    );
    assert!(rows[2].detail.ends_with(" of any issuer"), "{}", rows[2].detail);
    assert_eq!(rows[6].detail, "issued before 8");
}

#[tokio::test(flavor = "multi_thread")]
async fn au_25_what_is_refused_changes_nothing_and_is_recorded() {
    let house = House::empty(signed_in()).await;
    let nobody = denied(DeniedKind::Subject, ISSUER, "canary\n");
    assert!(matches!(house.host.deny(nobody, "ann").await, Err(DenyError::Form { .. })));
    let future = denied(DeniedKind::Issued, "", "99999999999");
    assert!(matches!(house.host.deny(future, "ann").await, Err(DenyError::Future(..))));
    let unknown = denied(DeniedKind::Subject, ISSUER, "canary");
    assert_eq!(house.host.allow_again(unknown, "ann").await, Err(DenyError::Unknown));
    assert_eq!(house.host.denied().await.unwrap(), []);
    let details: Vec<_> = rows(&house).await.into_iter().map(|row| row.detail).collect();
    assert_eq!(details, ["deny: form", "deny: time", "allow: no such entry"]);
    assert!(DenyError::from(DenyRefused::Full).to_string().contains("`portcullis allow`"));
}

/// Fails without the second look at the list, after a call has got its place: its token was good when it came.
#[tokio::test(flavor = "multi_thread")]
async fn au_25_a_call_whose_caller_is_shut_out_before_it_begins_does_not_begin() {
    let house = House::serving(signed_in(), &[]).await;
    let (ann, bob) = (subject("ann", &[]).through("chat"), subject("bob", &[]).through("other"));
    for what in [denied(DeniedKind::Subject, ISSUER, "ann"), denied(DeniedKind::Client, "", "chat")] {
        assert!(house.call(&ann, "two_get", json!({}), None).await.is_ok());
        house.host.deny(what.clone(), "op").await.unwrap();
        let refused = house.call(&ann, "two_get", json!({}), None).await.unwrap_err();
        assert!(matches!(refused, CallRefused::SignIn { .. }), "{refused:?}");
        assert!(house.call(&bob, "two_get", json!({}), None).await.is_ok());
        house.host.allow_again(what, "op").await.unwrap();
    }
    assert_eq!(house.recorded("denied").await.len(), 2);
}
