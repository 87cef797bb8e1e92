//! Files of releases.

use super::*;

fn with_assets(version: &str) -> NewRelease {
    let asset = |name: &str, content: &[u8]| (name.to_owned(), Digest::of(content), Arc::from(content));
    // Not text, and empty.
    let assets = vec![asset("a/empty", b""), asset("a/page.html", b"<html>\xff\0"), asset("b", &[7; 100_000])];
    NewRelease { assets, ..release("docs", version, "docs_search", "ann") }
}

#[test]
fn what_is_published_in_assets_is_read_again_and_listed_with_its_digests() {
    let at = open();
    runtime().block_on(async {
        let (one, other) = (with_assets("1.0.0"), release("notes", "1.0.0", "notes_read", "ann"));
        for release in [&one, &other] {
            at.store.publish(release.clone(), admin()).await.unwrap();
        }
        let expected: Vec<_> = one.assets.iter().map(|(name, _, content)| (name.clone(), content.to_vec())).collect();
        assert_eq!(at.store.assets(one.fingerprint).await, Ok(expected));
        assert_eq!(at.store.assets(other.fingerprint).await, Ok(Vec::new()));
        let listed = at.store.releases().await.unwrap();
        let listed = listed.iter().find(|release| release.id == one.id).unwrap();
        let digests: Vec<_> = one.assets.iter().map(|(name, digest, _)| (name.clone(), *digest)).collect();
        assert_eq!(listed.assets, digests);
        // Once more is the same release: nothing is written twice.
        assert_eq!(at.store.publish(one, admin()).await, Ok(PublishOutcome::Known(ReleaseState::Pending)));
        assert_eq!(at.number("SELECT count(*) FROM asset"), 3);
    });
}

#[test]
fn rg_02_an_asset_of_a_release_is_never_changed() {
    let at = open();
    runtime().block_on(async { at.store.publish(with_assets("1.0.0"), admin()).await.unwrap() });
    let db = database(&at);
    for change in ["UPDATE asset SET content = x'00'", "UPDATE asset SET name = 'c' WHERE name = 'b'"] {
        assert_eq!(db.execute(change, []).unwrap_err().to_string(), "a release is immutable", "{change}");
    }
}
