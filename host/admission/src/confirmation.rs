//! What a confirmation binds (DESIGN section 1, catalogue WR-05).

use std::fmt::Write as _;

use portcullis_manifest::{Digest, Fingerprint, Principal, PrincipalKey, Scope, WireName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ApprovedTool, Callable, Given, Permit, Previewed, Round};

/// One call, as far as it must be the same when it is made again: who, what, and with which arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    principal: PrincipalKey,
    release: Fingerprint,
    kind: Callable,
    tool: WireName,
    /// Of everything that the call was given: [`Given::json`].
    arguments: Digest,
}

/// A preview that was shown, and the call that it was of. The host keeps it, and gives it to one call only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The call.
    pub binding: Binding,
    /// What the person had answered before, if the tool asked.
    pub answered: Option<Round>,
    /// The scopes that the preview was told of ([`Permit::scopes`]): the run that follows it is told the same, or is not made.
    pub scopes: Vec<Scope>,
    /// What the preview found.
    pub previewed: Previewed,
    /// It was shown because the call wanted something else than the preview before: a tool gets one such chance.
    pub again: bool,
}

/// A confirmation, or the state of a question, was given for another call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Somebody else's (catalogue AU-08).
    #[error("it was given to another principal")]
    Principal,
    /// Of another tool.
    #[error("it was given for another tool")]
    Tool,
    /// The tool was published anew meanwhile.
    #[error("the tool has another release now")]
    Release,
    /// With other arguments.
    #[error("it was given for other arguments")]
    Arguments,
    /// The principal came with other scopes of the plugin's.
    #[error("it was given when the access token held other scopes")]
    Scopes,
}

impl Binding {
    /// Of the call that `permit` allows.
    #[must_use]
    pub fn of(permit: &Permit) -> Self {
        Self::of_call(permit.principal(), permit.tool(), permit.given())
    }

    /// Of a call that has no permit yet.
    #[must_use]
    pub fn of_call(principal: &Principal, tool: &ApprovedTool, given: &Given) -> Self {
        let arguments = canonical_digest(&given.json());
        Self {
            principal: principal.key().clone(),
            release: tool.release,
            kind: tool.kind,
            tool: tool.wire.clone(),
            arguments,
        }
    }

    /// Whether this is the binding of `now`.
    ///
    /// # Errors
    /// Says in what they differ.
    pub fn matches(&self, now: &Self) -> Result<(), Mismatch> {
        if self.principal != now.principal {
            return Err(Mismatch::Principal);
        }
        // A prompt's completion has the prompt's name.
        if (&self.tool, self.kind) != (&now.tool, now.kind) {
            return Err(Mismatch::Tool);
        }
        if self.release != now.release {
            return Err(Mismatch::Release);
        }
        if self.arguments != now.arguments {
            return Err(Mismatch::Arguments);
        }
        Ok(())
    }
}

/// A model that makes a call again may write the members of an object in another order: that is the same call.
fn canonical_digest(arguments: &Value) -> Digest {
    let mut text = String::new();
    canonical(arguments, &mut text);
    Digest::of(text.as_bytes())
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (name, value) in members {
                // Writing to a string cannot fail.
                let _ = write!(text, "{}:", Value::from(name.as_str()));
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        plain => {
            let _ = write!(text, "{plain}");
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn wr_05_the_order_of_members_is_no_difference_and_everything_else_is() {
        let canonical_digest = |text: &str| super::canonical_digest(&serde_json::from_str(text).unwrap());
        let same = canonical_digest(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#);
        assert_eq!(canonical_digest(r#"{"b":{"d":null,"c":[1,2]},"a":1}"#), same);
        for other in [
            r#"{"a":1,"b":{"c":[2,1],"d":null}}"#,
            r#"{"a":"1","b":{"c":[1,2],"d":null}}"#,
            r#"{"a":1,"b":{"c":[1,2]}}"#,
            r#"{"a":1,"b":{"c":[1,2],"d":null},"e":0}"#,
            r#"{"a":1.0,"b":{"c":[1,2],"d":null}}"#,
        ] {
            assert_ne!(canonical_digest(other), same, "{other}");
        }
    }
}
