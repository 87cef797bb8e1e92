//! The decision.

use std::{collections::BTreeMap, sync::Arc};

use portcullis_manifest::{Confirm, Hint, Principal, PrincipalKey, Scope};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    ApprovedTool, Binding, Callable, Confirmation, Fixed, Given, Misfit, Mismatch, Mode, NotGiven, Permit, Round,
    permit::Granted,
};

/// What is asked.
#[derive(Debug)]
pub struct Asked {
    /// Who calls.
    pub principal: Principal,
    /// The tool of the catalogue that was named. Whether this principal may call it is what is asked.
    pub tool: Arc<ApprovedTool>,
    /// With what: a tool's arguments without what the host itself put into the served schema.
    pub given: Given,
    /// Names the call.
    pub correlation: Uuid,
    /// What the client says of the person and their device.
    pub hints: BTreeMap<Hint, Value>,
    /// The client wants to know what the call would do.
    pub preview: bool,
    /// The client can put a question to a person.
    pub person: bool,
    /// What the person answered to the tool's questions, opened and checked.
    pub answered: Option<Round>,
    /// What came back with the call, opened and used up: it is this call's, or nobody's.
    pub confirmation: Option<Confirmation>,
}

/// What is decided.
#[derive(Debug)]
pub enum Decision {
    /// Run it.
    Permit(Permit),
    /// Run it as a preview, and tell what it would do.
    Preview(Permit),
    /// Run it as a preview, and have what it would do confirmed.
    Confirm(Permit, Confirm),
    /// Don't.
    Refuse(Refused),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is called by somebody, and nobody has signed in.
    #[error("this tool is called by somebody who has signed in")]
    SignIn {
        /// All scopes that the call needs, so that one challenge suffices.
        needed: Vec<Scope>,
    },
    /// The principal lacks scopes.
    #[error("the scopes {} are needed", .needed.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "))]
    Scope {
        /// All that the call needs, so that one challenge suffices.
        needed: Vec<Scope>,
    },
    /// The arguments are longer than `limits.arguments`.
    #[error("the arguments are {size} bytes of JSON; `limits.arguments` of this tool's manifest allows {limit}")]
    Size {
        /// Bytes.
        size: u64,
        /// Bytes.
        limit: u64,
    },
    /// The arguments do not fit the input schema.
    #[error("the arguments do not fit the tool's input schema: {0}")]
    Arguments(#[from] Misfit),
    /// What came with a prompt, a resource or a completion is not what it takes.
    #[error(transparent)]
    Given(#[from] NotGiven),
    /// The confirmation is not this call's.
    #[error(
        "the confirmation does not hold for this call: {0}. Nothing was done; call the tool without `confirmation` for a new \
         preview"
    )]
    Confirmation(#[from] Mismatch),
    /// A person has to be asked, and this client has no way to.
    #[error(
        "this tool runs only when a person has agreed (`confirm = \"person\"`), and this client has not said that it can ask \
         one (MCP elicitation): nothing was done. A client that can ask may call it; a preview may be had from any client"
    )]
    NoPerson,
}

/// Whether `principal` may call `tool` at all, whatever the arguments are. [`decide`] asks it too; before, it may be asked so
/// that what came with the call is not even opened for who may not call.
///
/// # Errors
/// [`Refused::SignIn`] or [`Refused::Scope`].
pub fn may_call(principal: &Principal, tool: &ApprovedTool) -> Result<(), Refused> {
    if is_anonymous(principal) && !tool.is_open() {
        return Err(Refused::SignIn { needed: tool.scopes.clone() });
    }
    if !principal.missing(&tool.scopes).is_empty() {
        return Err(Refused::Scope { needed: tool.scopes.clone() });
    }
    Ok(())
}

/// What the guest will parse, if it is of the size and the form that `tool` takes.
fn accepted(tool: &ApprovedTool, arguments: &Value) -> Result<String, Refused> {
    let text = arguments.to_string();
    let (size, limit) = (text.len() as u64, tool.limits.arguments);
    if size > limit {
        return Err(Refused::Size { size, limit });
    }
    tool.input.check(arguments)?;
    Ok(text)
}

fn is_anonymous(principal: &Principal) -> bool {
    *principal.key() == PrincipalKey::Anonymous
}

/// Decides. Pure: the same question always gets the same answer. `fixed` is asked only for a run that must be able to be made
/// again.
///
/// The order is deliberate: who may not call a tool learns nothing of its schema, and what a confirmation binds is compared
/// with arguments that the schema has accepted.
#[must_use]
pub fn decide(asked: Asked, fixed: impl FnOnce() -> Fixed) -> Decision {
    let Asked { principal, tool, given, correlation, hints, preview, person, answered, confirmation } = asked;
    if let Err(refused) = may_call(&principal, &tool) {
        return Decision::Refuse(refused);
    }
    // Whoever has not signed in was asked nothing and shown nothing: what came back is not theirs.
    if is_anonymous(&principal) && (answered.is_some() || confirmation.is_some()) {
        return Decision::Refuse(Refused::SignIn { needed: tool.scopes.clone() });
    }
    if let Err(not) = given.fits(&tool) {
        return Decision::Refuse(not.into());
    }
    let (given, checked) = given.looked_at(|arguments| accepted(&tool, arguments));
    let text = match checked {
        Ok(text) => text,
        Err(refused) => return Decision::Refuse(refused),
    };
    let writes = tool.writes();
    // There is nothing to confirm where nothing can be done.
    let confirm = if tool.kind == Callable::Tool { tool.confirm } else { Confirm::None };
    let permit = |mode, answered: Option<Round>| {
        let answered = answered.map(Arc::new);
        Permit::new(Granted { principal, tool, given, arguments: text, mode, answered, correlation, hints })
    };
    // A tool that can't write is its own preview.
    if preview && writes {
        return Decision::Preview(permit(Mode::Preview(fixed()), answered));
    }
    if let Some(Confirmation { binding, answered, scopes, previewed, .. }) = confirmation {
        let permit = permit(Mode::Confirmed(Arc::new(previewed)), answered);
        return match binding.matches(&Binding::of(&permit)) {
            // The guest is told of scopes, so what it does may hang on them.
            Ok(()) if permit.scopes().ne(&scopes) => Decision::Refuse(Mismatch::Scopes.into()),
            Ok(()) => Decision::Permit(permit),
            Err(mismatch) => Decision::Refuse(mismatch.into()),
        };
    }
    match confirm {
        Confirm::None => Decision::Permit(permit(Mode::Normal, answered)),
        Confirm::Person if !person => Decision::Refuse(Refused::NoPerson),
        confirm => Decision::Confirm(permit(Mode::Preview(fixed()), answered), confirm),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portcullis_manifest::{Fingerprint, Grants, Label, Limits};
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use crate::{Previewed, Schema};

    fn tool(label: Label, scopes: &[&str]) -> Arc<ApprovedTool> {
        Arc::new(ApprovedTool {
            kind: Callable::Tool,
            release: Fingerprint([0; 32]),
            plugin: "notes".parse().unwrap(),
            plugin_scopes: Arc::default(),
            name: "create".parse().unwrap(),
            wire: "notes_create".parse().unwrap(),
            label,
            grants: Vec::new(),
            confirm: Confirm::None,
            partial: false,
            ask: Vec::new(),
            hints: vec![Hint::Locale],
            parameters: Vec::new(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
            without_sign_in: false,
            task: portcullis_manifest::TaskSupport::Never,
            input: Schema::compile(&json!({ "type": "object", "properties": { "n": { "type": "integer" } } })).unwrap(),
            output: None,
            limits: Limits { arguments: 20, ..Limits::default() },
        })
    }

    fn scopes(names: &[&str]) -> Vec<Scope> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    const FIXED: Fixed = Fixed { seed: [7; 32], clock: 1, call: Uuid::nil() };

    fn asked(principal: Principal, tool: Arc<ApprovedTool>, arguments: Map<String, Value>) -> Asked {
        Asked {
            principal,
            tool,
            given: Given::Tool(arguments),
            correlation: Uuid::nil(),
            hints: BTreeMap::new(),
            preview: false,
            person: false,
            answered: None,
            confirmation: None,
        }
    }

    fn ask(tool: Arc<ApprovedTool>, held: &[&str], arguments: Value) -> Decision {
        let scopes: BTreeSet<Scope> = held.iter().map(|scope| scope.parse().unwrap()).collect();
        let principal = Principal::subject("https://issuer.example", "ann", Grants { scopes, ..Grants::default() });
        let Value::Object(arguments) = arguments else { panic!("an object") };
        decide(asked(principal, tool, arguments), || FIXED)
    }

    /// Fails without: `label.writes()` in `Permit::new`.
    #[test]
    fn wr_03_only_a_permit_for_a_write_label_holds_a_write_proof() {
        for (label, writes) in [(Label::Read, false), (Label::Write, true), (Label::Destructive, true)] {
            let Decision::Permit(permit) = ask(tool(label, &[]), &[], json!({})) else { panic!("refused") };
            assert_eq!(permit.write_proof().is_some(), writes, "{label:?}");
        }
    }

    #[test]
    fn au_05_a_scope_counts_only_when_it_is_exactly_the_same() {
        let needs = || tool(Label::Read, &["tools:read", "notes"]);
        for held in [&["tools:readwrite", "notes"][..], &["tools:read"], &["TOOLS:READ", "notes"], &[]] {
            let Decision::Refuse(refused) = ask(needs(), held, json!({})) else { panic!("{held:?}") };
            assert_eq!(refused.to_string(), "the scopes tools:read notes are needed");
        }
        assert!(matches!(ask(needs(), &["notes", "tools:read", "more"], json!({})), Decision::Permit(_)));
    }

    #[test]
    fn mc_08_arguments_are_checked_by_size_and_then_by_schema() {
        let exact = json!({ "n": 12345678901234u64 });
        assert_eq!(exact.to_string().len(), 20);
        assert!(matches!(ask(tool(Label::Read, &[]), &[], exact), Decision::Permit(_)));
        let Decision::Refuse(refused) = ask(tool(Label::Read, &[]), &[], json!({ "n": 123456789012345u64 })) else {
            panic!("too long");
        };
        assert_eq!(refused, Refused::Size { size: 21, limit: 20 });
        let Decision::Refuse(refused) = ask(tool(Label::Read, &[]), &[], json!({ "n": "x" })) else { panic!("misfit") };
        assert!(refused.to_string().contains("/n: "), "{refused}");
    }

    #[test]
    fn mc_08_a_permit_is_for_the_arguments_that_were_checked() {
        let Decision::Permit(permit) = ask(tool(Label::Read, &[]), &[], json!({ "n": 7 })) else { panic!("refused") };
        assert_eq!(permit.arguments(), r#"{"n":7}"#);
    }

    #[test]
    fn eg_09_a_guest_is_told_of_the_scopes_that_its_plugin_needs_and_the_token_has() {
        let mut tool = Arc::into_inner(tool(Label::Read, &[])).unwrap();
        tool.plugin_scopes = ["a", "b", "c"].map(|scope| scope.parse().unwrap()).into();
        let Decision::Permit(permit) = ask(Arc::new(tool), &["c", "x", "a"], json!({})) else { panic!("refused") };
        assert_eq!(permit.scopes().map(Scope::as_str).collect::<Vec<_>>(), ["a", "c"]);
    }

    fn confirmed_tool(confirm: Confirm) -> Arc<ApprovedTool> {
        let mut tool = Arc::into_inner(tool(Label::Write, &[])).unwrap();
        tool.confirm = confirm;
        Arc::new(tool)
    }

    fn ann() -> Principal {
        Principal::subject("https://issuer.example", "ann", Grants::default())
    }

    fn numbered(n: u64) -> Map<String, Value> {
        Map::from_iter([("n".to_owned(), n.into())])
    }

    /// What was previewed for ann, with `n` 1.
    fn confirmation(tool: &ApprovedTool) -> Confirmation {
        let binding = Binding::of_call(&ann(), tool, &Given::Tool(numbered(1)));
        Confirmation {
            binding,
            answered: None,
            scopes: Vec::new(),
            previewed: Previewed { fixed: FIXED, effects: Vec::new(), whole: true },
            again: false,
        }
    }

    /// Fails without: the match on `confirm` at the end of `decide`.
    #[test]
    fn wr_05_a_tool_that_needs_a_confirmation_gets_no_permit_but_for_a_preview() {
        for (confirm, person) in [(Confirm::Preview, false), (Confirm::Preview, true), (Confirm::Person, true)] {
            let asked = Asked { person, ..asked(ann(), confirmed_tool(confirm), numbered(1)) };
            let Decision::Confirm(permit, how) = decide(asked, || FIXED) else { panic!("{confirm:?}") };
            assert!(permit.mode().is_preview());
            assert_eq!(how, confirm);
        }
    }

    /// Fails without: the refusal `NoPerson`.
    #[test]
    fn wr_05_a_tool_that_needs_a_person_is_refused_where_there_is_none() {
        let decision = decide(asked(ann(), confirmed_tool(Confirm::Person), numbered(1)), || FIXED);
        assert!(matches!(decision, Decision::Refuse(Refused::NoPerson)));
        let preview = Asked { preview: true, ..asked(ann(), confirmed_tool(Confirm::Person), numbered(1)) };
        assert!(matches!(decide(preview, || FIXED), Decision::Preview(_)), "a preview needs nobody");
    }

    /// Fails without: `Binding::matches` in `decide`.
    #[test]
    fn wr_05_a_confirmation_is_of_one_principal_one_release_one_tool_and_one_set_of_arguments() {
        let tool = confirmed_tool(Confirm::Preview);
        let given = confirmation(&tool);
        let with = |principal, tool: &Arc<ApprovedTool>, n| Asked {
            confirmation: Some(given.clone()),
            ..asked(principal, tool.clone(), numbered(n))
        };
        let Decision::Permit(permit) = decide(with(ann(), &tool, 1), || FIXED) else { panic!("it is the same call") };
        assert!(matches!(permit.mode(), Mode::Confirmed(previewed) if **previewed == given.previewed));
        let mut other = Arc::into_inner(confirmed_tool(Confirm::Preview)).unwrap();
        other.release = Fingerprint([1; 32]);
        let release = Arc::new(other);
        let mut other = Arc::into_inner(confirmed_tool(Confirm::Preview)).unwrap();
        other.wire = "notes_delete".parse().unwrap();
        let wire = Arc::new(other);
        let bob = Principal::subject("https://issuer.example", "bob", Grants::default());
        for (asked, mismatch) in [
            (with(bob, &tool, 1), Mismatch::Principal),
            (with(Principal::local(), &tool, 1), Mismatch::Principal),
            (with(ann(), &tool, 2), Mismatch::Arguments),
            (with(ann(), &release, 1), Mismatch::Release),
            (with(ann(), &wire, 1), Mismatch::Tool),
        ] {
            let Decision::Refuse(refused) = decide(asked, || FIXED) else { panic!("{mismatch:?}") };
            assert_eq!(refused, Refused::Confirmation(mismatch));
        }
    }

    /// Fails without: the order of the checks in `decide`.
    #[test]
    fn wr_05_a_confirmation_replaces_neither_scopes_nor_the_schema() {
        let mut tool = Arc::into_inner(confirmed_tool(Confirm::Preview)).unwrap();
        tool.scopes = vec!["notes".parse().unwrap()];
        let tool = Arc::new(tool);
        let asked = Asked { confirmation: Some(confirmation(&tool)), ..asked(ann(), tool, numbered(1)) };
        assert!(matches!(decide(asked, || FIXED), Decision::Refuse(Refused::Scope { .. })));
    }

    /// Fails without: the comparison of scopes in `decide`, and with a comparison of scopes that are not the plugin's.
    #[test]
    fn wr_05_a_confirmed_run_is_told_of_the_scopes_that_its_preview_was_told_of_or_is_not_made() {
        let mut tool = Arc::into_inner(confirmed_tool(Confirm::Preview)).unwrap();
        tool.plugin_scopes = scopes(&["notes:purge", "notes:write"]).into();
        let tool = Arc::new(tool);
        let given = Confirmation { scopes: scopes(&["notes:write"]), ..confirmation(&tool) };
        let with = |held: &[&str]| {
            let granted = Grants { scopes: scopes(held).into_iter().collect(), ..Grants::default() };
            let ann = Principal::subject("https://issuer.example", "ann", granted);
            decide(Asked { confirmation: Some(given.clone()), ..asked(ann, tool.clone(), numbered(1)) }, || FIXED)
        };
        for same in [&["notes:write"][..], &["notes:write", "mail:read"]] {
            let Decision::Permit(permit) = with(same) else { panic!("{same:?}") };
            assert!(permit.scopes().eq(&given.scopes));
        }
        for other in [&["notes:write", "notes:purge"][..], &["notes:purge"], &[]] {
            let Decision::Refuse(refused) = with(other) else { panic!("{other:?}") };
            assert_eq!(refused, Refused::Confirmation(Mismatch::Scopes), "{other:?}");
        }
    }

    /// Fails without: the intersection in `Permit::scopes`.
    #[test]
    fn eg_09_a_permit_tells_of_the_plugins_scopes_that_are_held_and_of_no_other() {
        let mut tool = Arc::into_inner(tool(Label::Read, &["notes:read"])).unwrap();
        tool.plugin_scopes = scopes(&["notes:purge", "notes:read", "notes:write"]).into();
        let tool = Arc::new(tool);
        let told = |principal| {
            let Decision::Permit(permit) = decide(asked(principal, tool.clone(), Map::new()), || FIXED) else {
                panic!("permitted");
            };
            permit.scopes().map(Scope::to_string).collect::<Vec<_>>()
        };
        let held = ["notes:write", "mail:read", "NOTES:PURGE", "notes:read", "notes"];
        let granted = Grants { scopes: scopes(&held).into_iter().collect(), ..Grants::default() };
        let ann = Principal::subject("https://issuer.example", "ann", granted);
        assert_eq!(told(ann), ["notes:read", "notes:write"]);
        assert_eq!(told(Principal::local()), ["notes:purge", "notes:read", "notes:write"], "no token limits them");
    }

    #[test]
    fn wr_05_a_preview_that_was_asked_for_stays_one_whatever_comes_with_it() {
        let tool = confirmed_tool(Confirm::Preview);
        let confirmation = Some(confirmation(&tool));
        let asked = Asked { preview: true, confirmation, ..asked(ann(), tool, numbered(1)) };
        let Decision::Preview(permit) = decide(asked, || FIXED) else { panic!("a preview") };
        assert!(permit.mode().is_preview());
    }

    #[test]
    fn wr_05_a_tool_that_cannot_write_is_its_own_preview() {
        let asked = Asked { preview: true, ..asked(ann(), tool(Label::Read, &[]), numbered(1)) };
        let Decision::Permit(permit) = decide(asked, || panic!("not needed")) else { panic!("permitted") };
        assert!(permit.write_proof().is_none());
    }

    /// Fails without: any field that `Granted` hands to the permit.
    #[test]
    fn a_permit_says_what_was_asked_and_how_far_it_goes() {
        let round = Round { state: vec![1], answers: vec![("k".to_owned(), crate::Answered::Declined)] };
        let correlation = Uuid::from_u128(7);
        let whole = |preview| Asked {
            correlation,
            hints: BTreeMap::from([(Hint::Locale, json!("de-CH")), (Hint::Subject, json!("ann"))]),
            answered: Some(round.clone()),
            preview,
            ..asked(ann(), tool(Label::Write, &[]), numbered(1))
        };
        let Decision::Permit(normal) = decide(whole(false), || FIXED) else { panic!("permitted") };
        assert_eq!((normal.correlation(), normal.locale()), (correlation, Some("de-CH")));
        assert_eq!(normal.hints().len(), 1, "the plugin asks for the locale alone");
        assert_eq!(normal.answered().map(|answered| &**answered), Some(&round));
        assert_eq!((normal.mode().fixed(), normal.mode().is_preview()), (None, false));
        let Decision::Preview(preview) = decide(whole(true), || FIXED) else { panic!("a preview") };
        assert_eq!((preview.mode().fixed(), preview.mode().is_preview()), (Some(FIXED), true));
        let confirmed = Mode::Confirmed(Arc::new(Previewed { fixed: FIXED, effects: Vec::new(), whole: true }));
        assert_eq!((confirmed.fixed(), confirmed.is_preview()), (Some(FIXED), false));
    }

    #[test]
    fn a_call_that_is_simply_made_draws_no_seed() {
        let decision = decide(asked(ann(), tool(Label::Write, &[]), numbered(1)), || panic!("not needed"));
        let Decision::Permit(permit) = decision else { panic!("permitted") };
        assert!(matches!(permit.mode(), Mode::Normal));
    }

    proptest! {
        #[test]
        fn wx_03_holding_more_scopes_never_turns_a_permit_into_a_refusal(
            needed in prop::collection::vec("[a-c]{1,2}", 0..3),
            held in prop::collection::vec("[a-c]{1,2}", 0..4),
            more in prop::collection::vec("[a-c]{1,2}", 0..4),
        ) {
            let as_refs = |list: &[String]| list.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
            let needs = as_refs(&needed);
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            let less: Vec<&str> = held.iter().map(String::as_str).collect();
            let all: Vec<&str> = held.iter().chain(&more).map(String::as_str).collect();
            let permits = |held: &[&str]| matches!(ask(tool(Label::Read, &needs), held, json!({})), Decision::Permit(_));
            prop_assert!(!permits(&less) || permits(&all));
            prop_assert_eq!(permits(&less), needed.iter().all(|scope| held.contains(scope)));
        }
    }
}
