//! A tool of an approved release, with everything a call needs made ready once.

use std::{sync::Arc, time::Duration};

use portcullis_manifest::{
    Access, AskKind, Capability, CapabilityName, Confirm, Effect, Fingerprint, Grant, Hint, HostFunction, Label,
    Limits, Partition, PluginName, Scope, TaskSupport, ToolName, WireName,
};

use crate::{Callable, Parameter, Schema};

/// See the module. Built when a catalogue is made, shared by all calls. Prompts, resources and completions are called in the
/// same way, and are tools here; they never write.
#[derive(Clone, Debug)]
pub struct ApprovedTool {
    /// What of a plugin it is.
    pub kind: Callable,
    /// The release's fingerprint.
    pub release: Fingerprint,
    /// The plugin.
    pub plugin: PluginName,
    /// The scopes that the tools of the plugin need, each once and sorted: the only ones that it is ever told of.
    pub plugin_scopes: Arc<[Scope]>,
    /// The tool's name in its manifest: what the guest is told.
    pub name: ToolName,
    /// Its name on the wire: what clients and the audit say.
    pub wire: WireName,
    /// The label that was computed and approved.
    pub label: Label,
    /// What it holds, and nothing else.
    pub grants: Vec<Grant>,
    /// What has to be shown, or to whom, before it runs: what its manifest and the operator ask for, whichever is stricter.
    pub confirm: Confirm,
    /// A preview of it that stops at an answer from outside is enough to confirm (`preview = "partial"`).
    pub partial: bool,
    /// The kinds of question that it may put (`ask = ["form"]`).
    pub ask: Vec<AskKind>,
    /// What the client says of the person that its plugin is told (`hints`).
    pub hints: Vec<Hint>,
    /// A prompt's arguments; the variables of a resource's URI. A completion has those of what it completes; a tool has none.
    pub parameters: Vec<Parameter>,
    /// Scopes a principal needs, all of them.
    pub scopes: Vec<Scope>,
    /// An approver and the operator let it be called without sign-in. Not enough by itself: [`ApprovedTool::is_open`].
    pub without_sign_in: bool,
    /// What its arguments must be. Of anything but a tool: any object.
    pub input: Schema,
    /// What its structured content must be.
    pub output: Option<Schema>,
    /// Whether its calls may go on without their requests, as tasks.
    pub task: TaskSupport,
    /// The limits of its release.
    pub limits: Limits,
}

/// Why a tool is called only by somebody who has signed in, whatever an approver and the operator say (DESIGN section 6a).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInNeeded {
    /// Who changes anything is known.
    #[error("it is labelled `{}`, and only tools labelled `read` may be", .0.as_str())]
    Writes(Label),
    /// There is nobody who could confirm.
    #[error("its calls have to be confirmed (`confirm`), and nobody is there who could")]
    Confirm,
    /// There is no token that could hold any.
    #[error(
        "its callers need the scopes {}, which come with an access token: with no `scopes` in plugin.toml it could be",
        .0.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
    )]
    Scopes(Vec<Scope>),
    /// There is no user without a user.
    #[error(
        "it uses `{0}`, of which each person has a part of their own (`partition = \"user\"`), and without sign-in there is \
         no person: `partition = \"shared\"` in plugin.toml would allow it, if everybody may see the same"
    )]
    OwnPartition(CapabilityName),
}

impl ApprovedTool {
    /// Whether it can change anything. Only tools can, whatever a label says.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.kind == Callable::Tool && self.label.writes()
    }

    /// The completion of this prompt's arguments, or of the variables of this resource: a callable of its own, with the same grants.
    #[must_use]
    pub fn completion(&self) -> Self {
        Self { kind: Callable::Completion, ask: Vec::new(), ..self.clone() }
    }

    /// Whether this could be called without sign-in, if an approver and the operator allow it.
    ///
    /// # Errors
    /// Says what stands against it.
    pub fn can_be_open(&self) -> Result<(), SignInNeeded> {
        if self.label != Label::Read {
            return Err(SignInNeeded::Writes(self.label));
        }
        if self.confirm != Confirm::None {
            return Err(SignInNeeded::Confirm);
        }
        if !self.scopes.is_empty() {
            return Err(SignInNeeded::Scopes(self.scopes.clone()));
        }
        let own = |grant: &&Grant| match &grant.capability {
            Capability::Kv(kv) => kv.partition == Partition::User,
            Capability::Files(files) => files.partition == Partition::User,
            Capability::Http(_) => false,
        };
        match self.grants.iter().find(own) {
            Some(grant) => Err(SignInNeeded::OwnPartition(grant.name.clone())),
            None => Ok(()),
        }
    }

    /// Whether it is called without sign-in.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.without_sign_in && self.can_be_open().is_ok()
    }

    /// The grant that opens `function` on `capability`: of the function's own kind, and as far as its effect reaches
    /// (catalogue WX-04).
    ///
    /// # Errors
    /// Says which line of the manifest would grant it.
    pub fn grant(&self, function: &HostFunction, capability: &str) -> Result<&Grant, String> {
        let access = if function.effect == Effect::Write { Access::Write } else { Access::Read };
        let held = self.grants.iter().find(|grant| grant.name.as_str() == capability);
        match held {
            Some(grant) if grant.capability.interface() != function.interface => Err(format!(
                "`{capability}` is a capability of another kind than `{}` opens: name one whose `kind` in plugin.toml fits",
                function.interface.as_str(),
            )),
            Some(grant) if grant.access >= access => Ok(grant),
            _ => {
                let name = capability.parse::<CapabilityName>();
                let shown = name.as_ref().map_or("<name>", CapabilityName::as_str);
                Err(format!(
                    "tool `{}` does not hold `{shown}:{access}`: its `uses` in plugin.toml would have to list it, and the \
                     release would have to be approved again",
                    self.name,
                    access = access.as_str(),
                ))
            }
        }
    }

    /// The longest a call may take.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.limits.time
    }
}

#[cfg(test)]
mod tests {
    use portcullis_manifest::{Capability, HOST_FUNCTIONS, Interface, KvCapability, Partition, http::HttpCapability};
    use serde_json::json;

    use super::*;

    fn function(interface: Interface, name: &str) -> &'static HostFunction {
        let named = |function: &&HostFunction| function.interface == interface && function.name == name;
        HOST_FUNCTIONS.iter().find(named).expect("it is in the table")
    }

    fn tool() -> ApprovedTool {
        let kv = Capability::Kv(KvCapability { partition: Partition::Shared, quota: 1, keys: 1 });
        let rules = vec!["GET /".parse().unwrap()];
        let http = HttpCapability::new("https://a.example".parse().unwrap(), rules, None, 0, 0).unwrap();
        let grant = |name: &str, access, capability: &Capability| Grant {
            name: name.parse().unwrap(),
            access,
            capability: capability.clone(),
        };
        ApprovedTool {
            kind: Callable::Tool,
            release: Fingerprint([0; 32]),
            plugin: "notes".parse().unwrap(),
            plugin_scopes: Arc::default(),
            name: "create".parse().unwrap(),
            wire: "notes_create".parse().unwrap(),
            label: Label::Write,
            grants: vec![
                grant("looks", Access::Read, &kv),
                grant("keeps", Access::Write, &kv),
                grant("crm", Access::Write, &Capability::Http(Arc::new(http))),
            ],
            confirm: Confirm::None,
            partial: false,
            ask: Vec::new(),
            hints: Vec::new(),
            parameters: Vec::new(),
            scopes: Vec::new(),
            without_sign_in: false,
            task: portcullis_manifest::TaskSupport::Never,
            input: Schema::compile(&json!({ "type": "object" })).unwrap(),
            output: None,
            limits: Limits { time: Duration::from_secs(7), ..Limits::default() },
        }
    }

    /// Fails without: any of the conditions in `ApprovedTool::grant`.
    #[test]
    fn wx_04_a_function_is_opened_by_a_grant_of_its_kind_that_reaches_as_far_and_by_no_other() {
        let tool = tool();
        let (get, set) = (function(Interface::Kv, "get"), function(Interface::Kv, "set"));
        let send = function(Interface::Egress, "send");
        for (function, capability) in [(get, "looks"), (get, "keeps"), (set, "keeps"), (send, "crm")] {
            assert_eq!(tool.grant(function, capability).unwrap().name.as_str(), capability);
        }
        for (function, capability, said) in [
            (set, "looks", "does not hold `looks:write`"),
            (get, "other", "does not hold `other:read`"),
            (set, "other", "does not hold `other:write`"),
            (get, "not a name", "does not hold `<name>:read`"),
            (get, "crm", "another kind than `kv` opens"),
            (send, "keeps", "another kind than `egress` opens"),
        ] {
            let refused = tool.grant(function, capability).unwrap_err();
            assert!(refused.contains(said), "{said}: {refused}");
        }
    }

    #[test]
    fn a_completion_has_the_grants_of_what_it_completes_and_asks_nobody() {
        let asks = ApprovedTool { kind: Callable::Prompt, ask: vec![portcullis_manifest::AskKind::Form], ..tool() };
        let completion = asks.completion();
        assert_eq!((completion.kind, completion.ask.len()), (Callable::Completion, 0));
        assert_eq!((completion.grants.len(), completion.name, completion.release), (3, asks.name, asks.release));
    }

    #[test]
    fn a_call_takes_no_longer_than_its_limit() {
        assert_eq!(tool().time(), Duration::from_secs(7));
    }
}
