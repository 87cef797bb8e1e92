//! The decision.

use std::sync::Arc;

use portcullis_manifest::{Principal, Scope};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{ApprovedTool, Misfit, Permit};

/// What is asked.
#[derive(Debug)]
pub struct Question {
    /// Who calls.
    pub principal: Principal,
    /// The tool of the catalogue that was named. Whether this principal may call it is what is asked.
    pub tool: Arc<ApprovedTool>,
    /// `params.arguments`.
    pub arguments: Map<String, Value>,
    /// Names the call.
    pub correlation: Uuid,
    /// A hint of the client's.
    pub locale: Option<String>,
}

/// What is decided. Previews and questions will be decided here too.
#[derive(Debug)]
pub enum Decision {
    /// Run it.
    Permit(Permit),
    /// Don't.
    Refuse(Refused),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
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
}

/// Decides. Pure: the same question always gets the same answer.
///
/// The order is deliberate: who may not call a tool learns nothing of its schema.
#[must_use]
pub fn decide(question: Question) -> Decision {
    let Question { principal, tool, arguments, correlation, locale } = question;
    if !principal.missing(&tool.scopes).is_empty() {
        return Decision::Refuse(Refused::Scope { needed: tool.scopes.clone() });
    }
    let arguments = Value::Object(arguments);
    let text = arguments.to_string();
    let (size, limit) = (text.len() as u64, tool.limits.arguments);
    if size > limit {
        return Decision::Refuse(Refused::Size { size, limit });
    }
    if let Err(misfit) = tool.input.check(&arguments) {
        return Decision::Refuse(misfit.into());
    }
    Decision::Permit(Permit::new(principal, tool, text, correlation, locale))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portcullis_manifest::{Fingerprint, Label, Limits};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Schema;

    fn tool(label: Label, scopes: &[&str]) -> Arc<ApprovedTool> {
        Arc::new(ApprovedTool {
            release: Fingerprint([0; 32]),
            plugin: "notes".parse().unwrap(),
            name: "create".parse().unwrap(),
            wire: "notes_create".parse().unwrap(),
            label,
            grants: Vec::new(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
            input: Schema::compile(&json!({ "type": "object", "properties": { "n": { "type": "integer" } } })).unwrap(),
            output: None,
            limits: Limits { arguments: 20, ..Limits::default() },
        })
    }

    fn ask(tool: Arc<ApprovedTool>, held: &[&str], arguments: Value) -> Decision {
        let scopes: BTreeSet<Scope> = held.iter().map(|scope| scope.parse().unwrap()).collect();
        let principal = Principal::subject("https://issuer.example", "ann", scopes);
        let Value::Object(arguments) = arguments else { panic!("an object") };
        decide(Question { principal, tool, arguments, correlation: Uuid::nil(), locale: None })
    }

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
