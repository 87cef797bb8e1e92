//! Tests of what whoever has not signed in may call: every kind of tool, in every way of asking.

use std::{collections::BTreeMap, sync::Arc};

use portcullis_manifest::{
    Access, AskKind, Capability, Confirm, FilesCapability, Fingerprint, Grant, KvCapability, Label, Limits, Partition,
    Principal, http::HttpCapability,
};
use proptest::prelude::*;
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    Answered, ApprovedTool, Asked, Binding, Callable, Confirmation, Decision, Fixed, Given, Mode, Previewed, Refused,
    Round, Schema, SignInNeeded, decide, may_call,
};

const FIXED: Fixed = Fixed { seed: [7; 32], clock: 1, call: Uuid::nil() };

/// A tool that everything allows to be called without sign-in.
fn open() -> ApprovedTool {
    ApprovedTool {
        kind: Callable::Tool,
        release: Fingerprint([0; 32]),
        plugin: "news".parse().unwrap(),
        plugin_scopes: Arc::default(),
        name: "read".parse().unwrap(),
        wire: "news_read".parse().unwrap(),
        label: Label::Read,
        grants: Vec::new(),
        confirm: Confirm::None,
        partial: false,
        ask: Vec::new(),
        hints: Vec::new(),
        parameters: Vec::new(),
        scopes: Vec::new(),
        without_sign_in: true,
        task: portcullis_manifest::TaskSupport::Never,
        input: Schema::compile(&json!({ "type": "object" })).unwrap(),
        output: None,
        limits: Limits::default(),
    }
}

fn kv(partition: Partition) -> Capability {
    Capability::Kv(KvCapability { partition, quota: 1, keys: 1 })
}

fn files(partition: Partition) -> Capability {
    Capability::Files(FilesCapability { partition, quota: 1, files: 1 })
}

fn http() -> Capability {
    let rules = vec!["GET /".parse().unwrap()];
    Capability::Http(Arc::new(HttpCapability::new("https://a.example".parse().unwrap(), rules, None, 0, 0).unwrap()))
}

fn grant(capability: Capability) -> Grant {
    Grant { name: "book".parse().unwrap(), access: Access::Read, capability }
}

fn asked(principal: Principal, tool: &Arc<ApprovedTool>) -> Asked {
    Asked {
        principal,
        tool: tool.clone(),
        given: Given::Tool(Map::new()),
        correlation: Uuid::nil(),
        hints: BTreeMap::new(),
        preview: false,
        person: false,
        answered: None,
        confirmation: None,
    }
}

fn any_tool() -> impl Strategy<Value = ApprovedTool> {
    let label = prop::sample::select(vec![Label::Read, Label::Write, Label::Destructive]);
    let confirm = prop::sample::select(vec![Confirm::None, Confirm::Preview, Confirm::Person]);
    let capability = prop::sample::select(vec![
        kv(Partition::Shared),
        kv(Partition::User),
        files(Partition::Shared),
        files(Partition::User),
        http(),
    ]);
    let grants = prop::collection::vec(capability.prop_map(grant), 0..3);
    (label, confirm, grants, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(label, confirm, grants, scopes, asks, without_sign_in)| {
            let scopes = if scopes { vec!["news".parse().unwrap()] } else { Vec::new() };
            let ask = if asks { vec![AskKind::Form] } else { Vec::new() };
            ApprovedTool { label, confirm, grants, scopes, ask, without_sign_in, ..open() }
        },
    )
}

proptest! {
    /// Fails without: `may_call` in `decide`, or any condition of `ApprovedTool::can_be_open`.
    #[test]
    fn wr_03_without_sign_in_there_is_a_permit_for_open_tools_and_for_nothing_else(
        tool in any_tool(),
        preview in any::<bool>(),
        person in any::<bool>(),
    ) {
        let own = |grant: &Grant| grant.capability == kv(Partition::User) || grant.capability == files(Partition::User);
        let open = tool.without_sign_in
            && tool.label == Label::Read
            && tool.confirm == Confirm::None
            && tool.scopes.is_empty()
            && !tool.grants.iter().any(own);
        let tool = Arc::new(tool);
        match decide(Asked { preview, person, ..asked(Principal::anonymous(), &tool) }, || FIXED) {
            Decision::Permit(permit) => {
                prop_assert!(open, "{tool:?}");
                prop_assert!(permit.write_proof().is_none() && matches!(permit.mode(), Mode::Normal));
                prop_assert!(!permit.tool().grants.iter().any(own), "there is no user partition without a user");
            }
            Decision::Refuse(Refused::SignIn { needed }) => {
                prop_assert!(!open, "{tool:?}");
                prop_assert_eq!(&needed, &tool.scopes, "all that the call will need then");
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn whoever_has_signed_in_is_not_asked_whether_a_tool_is_open(tool in any_tool()) {
        let tool = Arc::new(tool);
        prop_assert_eq!(may_call(&Principal::local(), &tool), Ok(()));
    }
}

/// Fails without: the second `Refused::SignIn` in `decide`.
#[test]
fn wr_05_without_sign_in_nobody_confirms_and_nobody_is_asked() {
    let tool = Arc::new(ApprovedTool { ask: vec![AskKind::Form], ..open() });
    let nobody = || asked(Principal::anonymous(), &tool);
    let round = Round { state: Vec::new(), answers: vec![("k".to_owned(), Answered::Declined)] };
    let confirmation = Confirmation {
        binding: Binding::of_call(&Principal::anonymous(), &tool, &Given::Tool(Map::new())),
        answered: None,
        previewed: Previewed { fixed: FIXED, effects: Vec::new(), whole: true },
        scopes: Vec::new(),
        again: false,
    };
    assert!(matches!(decide(nobody(), || FIXED), Decision::Permit(_)));
    for asked in [Asked { answered: Some(round), ..nobody() }, Asked { confirmation: Some(confirmation), ..nobody() }] {
        assert!(matches!(decide(asked, || FIXED), Decision::Refuse(Refused::SignIn { .. })));
    }
}

#[test]
fn what_stands_against_calls_without_sign_in_is_said_with_what_would_allow_them() {
    assert_eq!(open().can_be_open(), Ok(()));
    for (tool, said) in [
        (ApprovedTool { label: Label::Destructive, ..open() }, "labelled `destructive`"),
        (ApprovedTool { confirm: Confirm::Person, ..open() }, "(`confirm`)"),
        (ApprovedTool { scopes: vec!["a".parse().unwrap(), "b".parse().unwrap()], ..open() }, "the scopes a b,"),
        (ApprovedTool { grants: vec![grant(http()), grant(kv(Partition::User))], ..open() }, "it uses `book`,"),
        (ApprovedTool { grants: vec![grant(http()), grant(files(Partition::User))], ..open() }, "it uses `book`,"),
    ] {
        let why = tool.can_be_open().unwrap_err();
        assert!(why.to_string().contains(said), "{why}");
    }
    let shared = [kv(Partition::Shared), files(Partition::Shared), http()].map(grant);
    assert_eq!(ApprovedTool { grants: shared.into(), ..open() }.can_be_open(), Ok(()));
    let scopes = ApprovedTool { scopes: vec!["a".parse().unwrap()], ..open() };
    assert_eq!(scopes.can_be_open(), Err(SignInNeeded::Scopes(scopes.scopes.clone())));
}
