//! What the example with requests and files means.

use serde_json::json;

use super::{CRM, crm, crm_package};
use crate::{
    Access, AskKind, Capability, Confirm, Effect, FilesCapability, Label, Manifest, Package, Partition, Preview,
    http::{Boundary, HttpCapability, SecretSlot},
};

fn inside(origins: &[&str]) -> Boundary {
    Boundary::new(origins.iter().map(|origin| origin.parse().unwrap()).collect())
}

#[test]
fn the_other_kinds_of_capability_read_as_they_are_meant() {
    let manifest = crm();
    let secret = SecretSlot::new("crm_token", "authorization", "Bearer {}").unwrap();
    let allow = ["GET /v1/contacts/*", "POST /v1/notes"].map(|rule| rule.parse().unwrap());
    let origin = "https://api.crm.example".parse().unwrap();
    let http = HttpCapability::new(origin, allow.into(), Some(secret), 1, 0).unwrap();
    let files = FilesCapability { partition: Partition::User, quota: 16 << 20, files: 1000 };
    let held: Vec<_> = manifest.capabilities.values().cloned().collect();
    assert_eq!(held, [Capability::Http(http.into()), Capability::Files(files)]);
    let note = manifest.tool("note").unwrap();
    assert_eq!(
        (note.confirm(), note.preview, note.ask.as_slice()),
        (Confirm::Person, Preview::Partial, &[AskKind::Form][..])
    );
    let find = manifest.tool("find").unwrap();
    assert_eq!((find.confirm(), find.preview, find.ask.as_slice()), (Confirm::None, Preview::Whole, &[][..]));
}

#[test]
fn wr_02_a_capability_that_leads_out_makes_a_write_however_it_is_held() {
    let manifest = crm();
    let find = manifest.tool("find").unwrap();
    assert_eq!((find.uses[0].access, find.label), (Access::Read, Label::Read));
    for (boundary, effect, label) in [
        (inside(&[]), Effect::Write, Label::Write),
        (inside(&["https://api.crm.example:8443", "http://api.crm.example"]), Effect::Write, Label::Write),
        (inside(&["https://api.crm.example"]), Effect::Read, Label::Read),
        (inside(&["https://*.crm.example"]), Effect::Read, Label::Read),
        (Boundary::everything(), Effect::Read, Label::Read),
    ] {
        assert_eq!((manifest.effect(find, &boundary), manifest.computed_label(find, &boundary)), (effect, label));
        let hints = serde_json::to_value(manifest.hints(find, &boundary)).unwrap();
        let read = label == Label::Read;
        let expected =
            json!({ "readOnlyHint": read, "destructiveHint": false, "idempotentHint": read, "openWorldHint": !read });
        assert_eq!(hints, expected, "{boundary:?}");
        let note = manifest.tool("note").unwrap();
        assert_eq!(manifest.effect(note, &boundary), Effect::Write);
        assert_eq!(manifest.hints(note, &boundary).open_world, !read);
    }
}

#[test]
fn wr_02_a_wildcard_is_inside_only_as_a_whole() {
    let secret = CRM.lines().find(|line| line.starts_with("secret")).unwrap();
    let text = CRM.replace(secret, "").replace("https://api.crm.example", "https://*.crm.example");
    let manifest = Manifest::parse(&text).unwrap();
    let find = manifest.tool("find").unwrap();
    assert_eq!(manifest.effect(find, &inside(&["https://api.crm.example"])), Effect::Write);
    assert_eq!(manifest.effect(find, &inside(&["https://*.crm.example"])), Effect::Read);
}

#[test]
fn wr_02_a_publisher_is_told_which_label_or_which_boundary_would_do() {
    let manifest = crm();
    assert!(manifest.check_boundary(&inside(&["https://api.crm.example"])).is_ok());
    let expected = "plugin.toml: tool.find.uses: `https://api.crm.example` is outside this host's [boundary], where every \
                    request is a write, and the tool's label is `read`; write `label = \"write\"` (or stricter) and `uses = \
                    [\"crm:write\"]`, or have the operator add the origin to [boundary]";
    assert_eq!(manifest.check_boundary(&Boundary::default()).unwrap_err().to_string(), expected);
    let text = CRM.replace("uses = [\"crm:read\"]", "label = \"write\"\nuses = [\"crm:write\"]");
    assert!(Manifest::parse(&text).unwrap().check_boundary(&Boundary::default()).is_ok());
}

#[test]
fn the_canonical_form_spells_out_every_kind_of_capability() {
    let printed = crm().print();
    assert_eq!(Manifest::parse(&printed).unwrap(), crm());
    for line in [
        "kind = \"http\"",
        "origin = \"https://api.crm.example\"",
        "allow = [\"GET /v1/contacts/*\", \"POST /v1/notes\"]",
        "secret = { name = \"crm_token\", header = \"authorization\", value = \"Bearer {}\" }",
        "redirects = 1",
        "retries = 0",
        "kind = \"files\"",
        "files = 1000",
        "requests = 8",
        "response_body = \"1 MiB\"",
        "confirm = \"person\"",
        "preview = \"partial\"",
        "ask = [\"form\"]",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line} in\n{printed}");
    }
    assert_eq!(printed.matches("confirm = ").count(), 1, "a tool that reads has none:\n{printed}");
}

#[test]
fn eg_25_a_port_that_is_the_schemes_own_may_be_written_and_is_not_printed() {
    let text = CRM.replace("https://api.crm.example", "https://api.crm.example:443");
    assert_eq!(Manifest::parse(&text).unwrap(), crm());
    let print = |text: &str| crm_package(text).fingerprint();
    assert_eq!(print(&text), print(CRM));
    assert_ne!(print(&text.replace(":443", ":444")), print(CRM));
}

#[test]
fn what_may_not_be_undone_is_previewed_at_least() {
    let text = CRM.replace("confirm = \"person\"\npreview = \"partial\"", "label = \"destructive\"");
    let destructive = Manifest::parse(&text).unwrap();
    let note = destructive.tool("note").unwrap();
    assert_eq!((note.confirm, note.confirm()), (Confirm::Preview, Confirm::Preview));
    assert!(destructive.print().contains("confirm = \"preview\"\npreview = \"whole\"\n"));
    // To write what is filled in changes nothing.
    let written = text.replace("label = \"destructive\"", "label = \"destructive\"\nconfirm = \"preview\"");
    assert_eq!(Package::diff(&crm_package(&text), &crm_package(&written)), []);
    assert_eq!(crm_package(&text).fingerprint(), crm_package(&written).fingerprint());
    // More may be asked for, and a confirmed preview may be partial without more words.
    let person =
        text.replace("label = \"destructive\"", "label = \"destructive\"\nconfirm = \"person\"\npreview = \"partial\"");
    assert_eq!(Manifest::parse(&person).unwrap().tool("note").unwrap().confirm(), Confirm::Person);
    let partial = text.replace("label = \"destructive\"", "label = \"destructive\"\npreview = \"partial\"");
    assert_eq!(Manifest::parse(&partial).unwrap().tool("note").unwrap().preview, Preview::Partial);
}
