//! What may be called without sign-in is part of one decision.

use super::*;

/// A release with one tool that reads and one that writes.
fn two_tools(version: &str) -> NewRelease {
    let word = |label: &str| label.to_owned();
    let labels = vec![(word("notes_read"), word("read")), (word("notes_write"), word("write"))];
    NewRelease { labels, ..release("notes", version, "notes_read", "ann") }
}

fn open_to_all(release: &NewRelease, approve: bool, names: &[&str]) -> Decision {
    let without_sign_in = names.iter().map(|name| (*name).to_owned()).collect();
    Decision { without_sign_in, ..decision(release, approve, "bob", true) }
}

async fn kept(at: &Opened) -> Vec<String> {
    let served = at.store.served().await.unwrap();
    served.releases[0].approval.as_ref().unwrap().without_sign_in.clone()
}

#[test]
fn what_may_be_called_without_sign_in_is_what_the_newest_approval_says() {
    let at = open();
    runtime().block_on(async {
        let (one, two) = (two_tools("1.0.0"), two_tools("1.1.0"));
        for release in [&one, &two] {
            at.store.publish(release.clone(), admin()).await.unwrap();
        }
        at.store.decide(open_to_all(&one, true, &["notes_read"]), admin()).await.unwrap();
        assert_eq!(kept(&at).await, ["notes_read"]);
        // Another release has an approval of its own.
        at.store.decide(open_to_all(&two, true, &[]), admin()).await.unwrap();
        assert_eq!(kept(&at).await, [""; 0]);
        at.store.decide(open_to_all(&one, true, &["notes_read"]), admin()).await.unwrap();
        at.store.decide(open_to_all(&one, true, &[]), admin()).await.unwrap();
        assert_eq!(kept(&at).await, [""; 0], "the same release, approved anew");
    });
}

/// Fails without: the trigger `without_sign_in_reads`.
#[test]
fn the_store_lets_nothing_but_tools_that_read_be_called_without_sign_in() {
    let at = open();
    runtime().block_on(async {
        let (one, other) = (two_tools("1.0.0"), release("other", "1.0.0", "other_read", "ann"));
        for release in [&one, &other] {
            at.store.publish(release.clone(), admin()).await.unwrap();
        }
        for name in ["notes_write", "other_read", "notes_READ", "nothing"] {
            let refused = at.store.decide(open_to_all(&one, true, &["notes_read", name]), admin()).await.unwrap_err();
            assert_eq!(refused, StateRefused::WithoutSignIn { name: name.to_owned() });
        }
        assert!(at.store.served().await.unwrap().releases.is_empty(), "a refused decision changed nothing");
        at.store.decide(open_to_all(&one, true, &["notes_read"]), admin()).await.unwrap();
        let refused = at.store.decide(open_to_all(&one, false, &["notes_read"]), admin()).await.unwrap_err();
        assert_eq!(
            refused,
            StateRefused::WithoutSignIn { name: "notes_read".to_owned() },
            "a withdrawal allows nothing"
        );
    });
    assert_eq!(at.number("SELECT count(*) FROM without_sign_in"), 1);
    let db = database(&at);
    for (change, refusal) in [
        ("UPDATE without_sign_in SET name = 'notes_write'", "decisions are kept"),
        ("DELETE FROM without_sign_in", "decisions are kept"),
        ("INSERT INTO without_sign_in VALUES (1, 'notes_write')", "without sign-in only tools that read"),
    ] {
        assert_eq!(db.execute(change, []).unwrap_err().to_string(), refusal, "{change}");
    }
}
