//! A client that froze its list: what becomes of names that are not served any more, and what a release may not do to those that are.

use std::collections::BTreeMap;

use portcullis_backend::{CallRefused, CallRequest, Target};
use portcullis_calls::{Policy, Source};
use portcullis_manifest::Principal;
use serde_json::json;
use uuid::Uuid;

use crate::people::{House, done, signed_in, subject, text};

/// The plugin of these tests as another version, changed.
fn source(version: &str, changes: &[(&str, &str)], input: &str) -> Source {
    let mut manifest = include_str!("plugin.toml").replace("\"1.0.0\"", &format!("\"{version}\""));
    for (from, to) in changes {
        assert!(manifest.contains(from), "{from}");
        manifest = manifest.replacen(from, to, 1);
    }
    Source {
        manifest,
        files: BTreeMap::from([("any.json".to_owned(), input.as_bytes().to_vec())]),
        assets: BTreeMap::new(),
        component: wat::parse_str(include_str!("guest.wat")).unwrap(),
        prefix: None,
    }
}

const ANY: &str = r#"{"type":"object","additionalProperties":true}"#;

/// Without its tool `get`; `look` took its place.
const GONE: (&str, &str) = (
    "[[tool]]\nname = \"get\"\ntitle = \"Get\"\ndescription = \"Use this in tests of a host.\"\nlabel = \"read\"\nuses = [\"box:read\"]\n",
    "[[retired]]\nname = \"get\"\ninstead = \"look\"\nwhy = \"Everybody reads the board\"\n",
);

impl House {
    async fn take_in(&self, source: Source) -> Result<(), String> {
        self.host.publish(source, "ann").await.map(drop).map_err(|error| error.to_string())
    }

    async fn serve(&self, version: &str) -> Result<(), String> {
        self.host.decide(&format!("two@{version}"), true, "bob").await.map(drop).map_err(|error| error.to_string())
    }
}

/// Fails without: the tombstones, their doors, their numbers, or what a withdrawal leaves behind.
#[tokio::test(flavor = "multi_thread")]
async fn wr_04_a_name_that_is_gone_answers_with_what_became_of_it_and_is_counted() {
    let family = vec!["family".to_owned()];
    let policy = Policy { access: [("two".parse().unwrap(), family)].into(), ..signed_in() };
    let house = House::serving(policy, &[]).await;
    let (ann, eve) = (subject("ann", &["family"]), subject("eve", &[]));
    assert_eq!(house.said(&ann, "two_get", json!({})).await, "nothing");
    assert!(house.host.retired_names().await.unwrap().is_empty());

    house.take_in(source("2.0.0", &[GONE], ANY)).await.unwrap();
    house.serve("2.0.0").await.unwrap();
    assert!(!house.listed(&ann).contains(&"two_get".to_owned()), "it is not listed");
    for _ in 0..3 {
        let answer = done(house.call(&ann, "two_get", json!({ "whatever": 1 }), None).await.unwrap());
        assert!(answer.is_error);
        let said = text(&answer);
        for part in [
            "`two_get` was retired: two@1.0.0 had it, and two@2.0.0, which took its place, does not.",
            "Call `two_look` instead: Everybody reads the board.",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
    // As a prompt it is refused in the same words: that protocol has no other way.
    let target = Target::Prompt { name: "two_get".to_owned(), arguments: BTreeMap::new() };
    let refused = house.host.run(CallRequest::new(Uuid::now_v7(), ann.clone(), target)).await.unwrap_err();
    assert!(matches!(&refused, CallRefused::Params(said) if said.contains("was retired")), "{refused:?}");
    // Who may not see the plugin is told as little as of a name that never was.
    let hidden = house.call(&eve, "two_get", json!({}), None).await.unwrap_err();
    assert_eq!(hidden, CallRefused::UnknownTool { name: "two_get".to_owned() });
    let never = house.call(&ann, "two_never", json!({}), None).await.unwrap_err();
    assert_eq!(never, CallRefused::UnknownTool { name: "two_never".to_owned() });

    let names = house.host.retired_names().await.unwrap();
    let retired = names[0].retired.clone().unwrap();
    assert_eq!((names.len(), names[0].name.as_str(), retired.calls), (1, "two_get", 4));
    assert!(retired.last_call.unwrap() >= retired.at);
    assert_eq!(retired.by.unwrap().to_string(), "two@2.0.0");
    let rows = house.recorded("retired").await;
    assert_eq!(rows.iter().map(|row| row.count).sum::<i64>(), 4);
    assert!(rows.iter().all(|row| row.tool == "two_get" && row.kind == "refused"), "{rows:?}");

    // Withdrawn: all of its names.
    house.host.decide("two@2.0.0", false, "bob").await.unwrap();
    let answer = done(house.call(&ann, "two_put", json!({}), None).await.unwrap());
    assert!(
        answer.is_error && text(&answer).contains("`two_put` was retired: two@2.0.0, which had it, was withdrawn.")
    );
    assert_eq!(house.host.retired_names().await.unwrap().len(), 7);
    // And back.
    house.serve("1.0.0").await.unwrap();
    assert_eq!(house.said(&ann, "two_get", json!({})).await, "nothing");
    assert!(house.host.retired_names().await.unwrap().is_empty());
}

/// Fails if a stricter label is published, or approved, under a name that clients know.
#[tokio::test(flavor = "multi_thread")]
async fn wr_04_a_name_never_becomes_stricter() {
    let house = House::serving(Policy::default(), &[]).await;
    let stricter = ("label = \"read\"\nuses = [\"box:read\"]", "label = \"write\"\nuses = [\"box:read\"]");
    for version in ["1.0.1", "2.0.0"] {
        let refused = house.take_in(source(version, &[stricter], ANY)).await.unwrap_err();
        assert!(refused.contains("`two_get` was served as `read` by two@1.0.0 and would be `write` now"), "{refused}");
        assert!(refused.contains("needs a new name"), "{refused}");
    }
    // Under a new name it is another tool.
    let renamed = ("name = \"get\"", "name = \"fetch\"");
    house.take_in(source("1.1.0", &[renamed, stricter], ANY)).await.unwrap();
    house.serve("1.1.0").await.unwrap();
    assert!(house.listed(&Principal::local()).contains(&"two_fetch".to_owned()));
    let rows = house.recorded("admin-refused").await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.detail == "publish: stricter label"), "{rows:?}");
}

/// Fails if what was compatible when it was published is taken for compatible when it is approved.
#[tokio::test(flavor = "multi_thread")]
async fn wr_04_within_a_line_schemas_only_grow_also_between_publishing_and_approving() {
    let house = House::serving(Policy::default(), &[]).await;
    let refused = house.take_in(source("1.1.0", &[], r#"{"type":"object"}"#)).await.unwrap_err();
    assert!(refused.contains("clients of two@1.0.0") && refused.contains("input #/additionalProperties"), "{refused}");
    let with = |most: u32| {
        format!(r#"{{"type":"object","additionalProperties":true,"properties":{{"q":{{"maxLength":{most}}}}}}}"#)
    };
    // A new line may; the second of it may not take back what the first, which was approved meanwhile, promised.
    house.take_in(source("2.0.0", &[], &with(9))).await.unwrap();
    house.take_in(source("2.1.0", &[], &with(8))).await.unwrap();
    house.serve("2.0.0").await.unwrap();
    let refused = house.serve("2.1.0").await.unwrap_err();
    for part in
        ["two@2.1.0 is not approved: clients of two@2.0.0", "two_put: input #/properties/q: `maxLength`", "(3.0.0)"]
    {
        assert!(refused.contains(part), "{refused}");
    }
    house.take_in(source("2.2.0", &[], &with(10))).await.unwrap();
    house.serve("2.2.0").await.unwrap();
    // What was served once may be served again.
    house.serve("2.0.0").await.unwrap();
}
