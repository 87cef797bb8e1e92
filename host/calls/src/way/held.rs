//! Resources that the host answers itself, from the assets of their release: no guest is run, and all else is as for any call.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_admission::{Given, Permit};
use portcullis_audit::ResultClass;
use portcullis_backend::{Answer, AnsweredBy, CallAnswer, CallRefused, ResourceAnswer};
use portcullis_manifest::{Effect, PrincipalKey, guarded, is_page};
use portcullis_sandbox::Usage;
use serde_json::{Value, json};
use std::time::Duration;

use super::{
    Call, Ended,
    sandbox::{Places, outcome},
};
use crate::{catalogue::Held, host::Host};

/// No sandbox ran.
const NOTHING: Usage = Usage {
    fuel: 0,
    memory: 0,
    host_calls: 0,
    effect: Effect::None,
    instantiate: Duration::ZERO,
    wall: Duration::ZERO,
};

impl Host {
    /// Answers with an asset. Its place is kept until then, as a guest's is.
    pub(super) fn hold_out(
        &self,
        call: &Call,
        permit: &Permit,
        held: &Held,
        _places: Places,
    ) -> Result<Ended, CallRefused> {
        let Given::Resource { uri, variables } = permit.given() else {
            return Err(CallRefused::Params("only resources are assets".to_owned()));
        };
        let seat = self.seat(call)?;
        let asset = expanded(&held.asset, variables);
        let found = asset.and_then(|name| call.served.plugin.assets().get(&name).cloned());
        let class = if found.is_some() { ResultClass::Ok } else { ResultClass::Failed };
        let outcome = outcome(class, &NOTHING, &seat, &[], None);
        seat.finish(&outcome);
        match found {
            Some(bytes) => {
                // That one who has not signed in gets it, or that nobody does, is what says that everybody may.
                let known = self.policy.signs_in && call.caller != PrincipalKey::Anonymous;
                let by = AnsweredBy::Release { varies: known || self.policy.lists_vary() };
                let answer = ResourceAnswer { contents: vec![contents(uri, held, &bytes)], by };
                Ok((CallAnswer::Done(Answer::Resource(answer)), None))
            }
            None => Err(CallRefused::UnknownResource { uri: uri.chars().take(super::URI).collect() }),
        }
    }
}

/// One part: text where it is text, and bytes otherwise. The release was approved with it, so nothing of it is changed, but that a
/// page gets a policy beside its client's.
fn contents(uri: &str, held: &Held, bytes: &[u8]) -> Value {
    let mut contents = json!({ "uri": uri });
    if let Some(mime) = &held.mime {
        contents["mimeType"] = json!(mime);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if held.mime.as_deref().is_some_and(is_page) => contents["text"] = json!(guarded(text)),
        Ok(text) => contents["text"] = json!(text),
        Err(_) => contents["blob"] = Value::String(BASE64_STANDARD.encode(bytes)),
    }
    if let Some(meta) = &held.meta {
        contents["_meta"] = meta.clone();
    }
    contents
}

/// The asset's name with the variables' values. A name is looked up among the assets and nowhere else, so that no value leads
/// out of them.
pub(crate) fn expanded(asset: &str, variables: &[(String, String)]) -> Option<String> {
    let mut name = String::with_capacity(asset.len());
    let mut rest = asset;
    while let Some((before, after)) = rest.split_once('{') {
        let (variable, after) = after.split_once('}')?;
        let variable = variable.strip_prefix('+').unwrap_or(variable);
        let (_, value) = variables.iter().find(|(name, _)| name == variable)?;
        name.push_str(before);
        name.push_str(value);
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assets_name_takes_the_values_of_the_uri() {
        let variables = [("path".to_owned(), "a/b".to_owned()), ("kind".to_owned(), "{path}".to_owned())];
        let name = |asset| expanded(asset, &variables);
        assert_eq!(name("pages/{+path}.{kind}").as_deref(), Some("pages/a/b.{path}"), "a value is no template");
        assert_eq!(name("index.html").as_deref(), Some("index.html"));
        assert_eq!(name("{other}"), None);
        assert_eq!(name("{path"), None);
    }

    #[test]
    fn what_is_text_is_sent_as_text_and_all_else_as_bytes() {
        let held = |mime: Option<&str>, meta| Held { asset: String::new(), mime: mime.map(str::to_owned), meta };
        let sent = contents("docs://a", &held(Some("text/markdown"), Some(json!({ "ui": {} }))), "# \u{e4}".as_bytes());
        let expected =
            json!({ "uri": "docs://a", "mimeType": "text/markdown", "text": "# \u{e4}", "_meta": { "ui": {} } });
        assert_eq!(sent, expected);
        let page = contents("ui://docs/a.html", &held(Some("text/html;profile=mcp-app"), None), b"<!doctype html><p>");
        assert_eq!(page["text"], guarded("<!doctype html><p>"));
        assert_eq!(contents("docs://b", &held(None, None), &[0xff]), json!({ "uri": "docs://b", "blob": "/w==" }));
    }
}
