use std::collections::BTreeMap;

use portcullis_manifest::Digest;
use portcullis_store::{Approval, ReleaseState};
use serde_json::{Value, json};

use super::*;

fn read(version: &str, label: &str, input: &Value) -> (ReadRelease, Release) {
    let manifest = format!(
        "manifest = 1\n[plugin]\nname = \"two\"\nversion = \"{version}\"\ncomponent = \"c.wasm\"\npublisher = \"p\"\nsummary = \"s\"\n\
         [[tool]]\nname = \"get\"\ntitle = \"T\"\ndescription = \"d\"\nlabel = \"{label}\"\ninput = \"a.json\"\n"
    );
    let files = BTreeMap::from([("a.json".to_owned(), input.to_string().into_bytes())]);
    let release = ReadRelease::read(&manifest, &files, BTreeMap::new(), Digest::of(b""), None).unwrap();
    let row = Release {
        id: release.package.manifest.release(),
        fingerprint: release.fingerprint,
        manifest,
        files: json!({ "a.json": input.to_string() }).to_string(),
        assets: Vec::new(),
        digest: Digest::of(b""),
        size: 0,
        prefix: release.prefix.clone(),
        labels: vec![("two_get".to_owned(), label.to_owned())],
        published_by: "ann".to_owned(),
        published_at: 0,
        state: ReleaseState::Served,
        approval: Some(Approval { by: "bob".to_owned(), four_eyes: true, without_sign_in: Vec::new(), at: 0 }),
    };
    (release, row)
}

fn schema(most: u32) -> Value {
    json!({ "type": "object", "properties": { "q": { "type": "string", "maxLength": most } } })
}

#[test]
fn wr_04_within_a_line_schemas_only_grow_and_a_new_line_may_change_them() {
    let (old, served) = read("1.2.0", "read", &schema(9));
    let policy = Policy::default();
    let held = |version: &str, most| {
        check(&read(version, "read", &schema(most)).0, &[], std::slice::from_ref(&served), &policy)
    };
    assert_eq!(held("1.3.0", 9), Ok(()));
    assert_eq!(held("1.3.0", 10), Ok(()));
    assert_eq!(held("2.0.0", 8), Ok(()));
    for version in ["1.3.0", "1.2.1", "1.0.0", "1.2.0-rc.1"] {
        let refused = held(version, 8).unwrap_err();
        let Unstable::Schemas { release, breaks, line } = &refused else { panic!("{refused}") };
        assert_eq!((release.to_string().as_str(), line.1.as_str()), ("two@1.2.0", "2.0.0"));
        assert!(breaks[0].starts_with("two_get: input #/properties/q: `maxLength`: "), "{breaks:?}");
        assert!(refused.to_string().contains("(1.x)"), "{refused}");
    }
    // What was never served promised nothing.
    let pending = Release { approval: None, ..served.clone() };
    let (new, new_row) = read("1.3.0", "read", &schema(8));
    assert_eq!(check(&new, &[], &[pending], &policy), Ok(()));
    // What was served already may be served again.
    assert_eq!(check(&new, &[], &[served.clone(), new_row], &policy), Ok(()));
    // An approver of a new line is told.
    assert_eq!(breaks(&old, &read("2.0.0", "read", &schema(8)).0).len(), 1);
}

#[test]
fn wr_04_before_1_0_0_each_minor_version_is_a_line() {
    let (_, served) = read("0.2.0", "read", &schema(9));
    let held = |version: &str| {
        check(&read(version, "read", &schema(8)).0, &[], std::slice::from_ref(&served), &Policy::default())
    };
    assert!(held("0.2.7").is_err());
    assert_eq!((held("0.3.0"), held("1.2.0")), (Ok(()), Ok(())));
}

/// Fails without `owners`: then a client's call of a plugin that is gone runs in another one.
#[test]
fn wr_04_a_name_stays_its_plugins_also_when_that_is_gone() {
    let once = |plugin: &str, name: &str| NameOnce {
        plugin: plugin.parse().unwrap(),
        name: name.to_owned(),
        label: "read".to_owned(),
        release: ReleaseId { plugin: plugin.parse().unwrap(), version: "1.0.0".to_owned() },
        retired: None,
    };
    let held = |once: NameOnce| check(&read("1.0.0", "read", &schema(9)).0, &[once], &[], &Policy::default());
    for name in ["two_get", "Two_Get"] {
        let refused = held(once("other", name)).unwrap_err().to_string();
        assert!(refused.contains("`two_get` was served by other@1.0.0") && refused.contains("--prefix"), "{refused}");
    }
    assert_eq!(held(once("two", "two_get")), Ok(()));
    assert_eq!(held(once("other", "two_put")), Ok(()));
}

/// Fails without `tool_breaks` and the bound of arguments beside it.
#[test]
fn wr_04_within_a_line_callers_need_nothing_more() {
    let with = |version: &str, tool: &str, limits: &str| {
        let (_, mut row) = read(version, "read", &schema(9));
        row.manifest = format!("{}{tool}\n[limits]\n{limits}\n", row.manifest);
        let files = BTreeMap::from([("a.json".to_owned(), schema(9).to_string().into_bytes())]);
        let release = ReadRelease::read(&row.manifest, &files, BTreeMap::new(), Digest::of(b""), None).unwrap();
        row.fingerprint = release.fingerprint;
        (release, row)
    };
    let (_, old) = with("1.0.0", "task = \"optional\"\nscopes = [\"a\"]", "arguments = \"2 KiB\"");
    let held = |tool: &str, limits: &str| match check(
        &with("1.1.0", tool, limits).0,
        &[],
        std::slice::from_ref(&old),
        &Policy::default(),
    ) {
        Ok(()) => Vec::new(),
        Err(Unstable::Schemas { breaks, .. }) => breaks,
        Err(other) => panic!("{other}"),
    };
    let fine = "arguments = \"2 KiB\"";
    for tool in ["task = \"optional\"\nscopes = [\"a\"]", "scopes = []", "visibility = [\"model\", \"app\"]"] {
        assert_eq!(held(tool, fine), Vec::<String>::new(), "{tool}");
    }
    assert_eq!(held("", "arguments = \"3 KiB\""), Vec::<String>::new());
    for (tool, limits, breaks) in [
        ("task = \"required\"", fine, "two_get: `task` is \"required\" now"),
        ("scopes = [\"a\", \"b\"]", fine, "two_get: callers need the scope b now"),
        ("visibility = [\"app\"]", fine, "two_get: `visibility` leaves out \"model\" now"),
        ("", "arguments = \"1 KiB\"", "`limits.arguments` was 2048 bytes and is 1024"),
    ] {
        let found = held(tool, limits);
        assert!(matches!(&found[..], [one] if one.starts_with(breaks)), "{found:?}");
    }
}

#[test]
fn wr_04_a_stricter_label_needs_a_new_name_in_every_version() {
    let once = |name: &str, label: &str| NameOnce {
        plugin: "two".parse().unwrap(),
        name: name.to_owned(),
        label: label.to_owned(),
        release: ReleaseId { plugin: "two".parse().unwrap(), version: "1.0.0".to_owned() },
        retired: None,
    };
    let held = |version: &str, is: &str, once: NameOnce| {
        check(&read(version, is, &schema(9)).0, &[once], &[], &Policy::default())
    };
    for (was, is) in [("read", "write"), ("read", "destructive"), ("write", "destructive")] {
        for version in ["1.0.1", "2.0.0"] {
            let refused = held(version, is, once("two_Get", was)).unwrap_err().to_string();
            assert!(
                refused.contains(&format!("was served as `{was}` by two@1.0.0 and would be `{is}` now")),
                "{refused}"
            );
        }
        assert_eq!(held("1.0.1", was, once("two_get", is)), Ok(()), "looser is no surprise");
        assert_eq!(held("1.0.1", is, once("two_get", is)), Ok(()));
        assert_eq!(held("1.0.1", is, once("two_put", was)), Ok(()));
    }
}
