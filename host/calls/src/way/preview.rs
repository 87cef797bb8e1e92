//! What a preview looks like to a client: in plain words for the person, and as structured content with a schema of its own.

use portcullis_admission::{Intended, Previewed};
use portcullis_backend::{Question, QuestionKind, ToolAnswer};
use portcullis_manifest::WireName;
use serde_json::{Value, json};

/// Most effects that are put into words. All of them stand in the structured content, which a person who is asked does not see:
/// what can't be shown whole is not put to anybody.
pub(super) const IN_WORDS: usize = 40;

/// The argument that the host adds to the served schema of a tool that needs a confirmation, and takes out again before the
/// arguments are validated (DESIGN section 6a).
pub const ARGUMENT: &str = "confirmation";

/// The key of the host's own question.
pub(super) const CONFIRM: &str = "confirm";

/// A confirmation, for a client that can't ask a person.
pub(super) struct Offer {
    pub(super) confirmation: String,
    /// Minutes.
    pub(super) minutes: u64,
}

/// JSON Schema of a preview's structured content.
pub(crate) fn schema() -> Value {
    let text = || json!({ "type": "string" });
    let content = || {
        json!({ "type": "object", "required": ["bytes", "sha256"],
            "properties": { "bytes": { "type": "integer" }, "sha256": text() } })
    };
    json!({
        "type": "object",
        "title": "Preview: what the call would do; nothing was done",
        "required": ["preview"],
        "properties": {
            "preview": {
                "type": "object",
                "required": ["whole", "effects"],
                "properties": {
                    "whole": { "type": "boolean" },
                    "note": text(),
                    "effects": { "type": "array", "items": {
                        "type": "object",
                        "required": ["effect", "capability"],
                        "properties": {
                            "effect": { "enum": ["egress.send", "kv.set", "kv.delete", "files.write", "files.remove"] },
                            "capability": text(), "method": text(), "origin": text(), "path": text(), "headers_sha256": text(), "headers": { "type": "array", "items": text() },
                            "key": text(), "name": text(), "seconds": { "type": "integer" },
                            "body": content(), "value": content(), "content": content(),
                        },
                    } },
                },
            },
            "confirmation": text(),
        },
    })
}

/// The output schema that is served of a tool that can write: what the tool answers, or a preview. References inside the
/// author's schema lead to where it stands now.
pub(crate) fn output_or_preview(output: &Value) -> Value {
    let mut output = output.clone();
    move_references(&mut output);
    json!({ "type": "object", "anyOf": [output, schema()] })
}

fn move_references(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(move_references),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(target) if name == "$ref" => {
                        if let Some(rest) = target.strip_prefix('#')
                            && (rest.is_empty() || rest.starts_with('/'))
                        {
                            *target = format!("#/anyOf/0{rest}");
                        }
                    }
                    // A value is no schema: what looks like a reference in it is text.
                    _ if matches!(name.as_str(), "const" | "enum" | "default" | "examples") => {}
                    value => move_references(value),
                }
            }
        }
        _ => {}
    }
}

/// The answer that tells a preview.
pub(super) fn answer(tool: &WireName, previewed: &Previewed, note: Option<&str>, offer: Option<&Offer>) -> ToolAnswer {
    let mut text = words(tool, &previewed.effects, note);
    if let Some(Offer { confirmation, minutes }) = offer {
        text.push_str(&format!(
            "\nNothing has been done yet. Tell the person what it would do. To do exactly this, call `{tool}` again with the same \
             arguments and `{ARGUMENT}` set to the value below; it holds for {minutes} minutes and once.\n{confirmation}"
        ));
    }
    let mut structured = structured(previewed, note);
    if let Some(offer) = offer {
        structured[ARGUMENT] = Value::from(offer.confirmation.as_str());
    }
    let content = vec![json!({ "type": "text", "text": text })];
    ToolAnswer { content, structured: Some(structured), is_error: false, meta: None }
}

fn structured(previewed: &Previewed, note: Option<&str>) -> Value {
    let mut preview = json!({ "whole": previewed.whole, "effects": previewed.effects });
    if let Some(note) = note {
        preview["note"] = Value::from(note);
    }
    json!({ "preview": preview })
}

fn words(tool: &WireName, effects: &[Intended], note: Option<&str>) -> String {
    let mut text = format!("Preview of `{tool}`: nothing was done.");
    if effects.is_empty() {
        text.push_str(" It would change nothing and send nothing.");
    } else {
        text.push_str(" It would, in this order:");
        for (number, effect) in (1..).zip(effects.iter().take(IN_WORDS)) {
            text.push_str(&format!("\n{number}. {effect}"));
        }
        if let Some(more) = effects.len().checked_sub(IN_WORDS).filter(|more| *more > 0) {
            text.push_str(&format!("\nand {more} more, which the structured content lists"));
        }
    }
    if let Some(note) = note {
        text.push('\n');
        text.push_str(note);
    }
    text
}

/// The host's question to the person.
pub(super) fn question(tool: &WireName, previewed: &Previewed, note: Option<&str>) -> Question {
    let words = words(tool, &previewed.effects, note);
    let schema = json!({
        "type": "object",
        "properties": { CONFIRM: { "type": "boolean", "title": "Do this", "default": false } },
        "required": [CONFIRM],
    });
    let removes = |effect: &Intended| matches!(effect, Intended::KvDelete { .. } | Intended::FileRemove { .. });
    let unseen = if previewed.effects.iter().all(removes) {
        ""
    } else {
        "\nWhat is kept or sent is counted here and not shown."
    };
    let message = format!("May this be done?\n{words}{unseen}");
    Question { key: CONFIRM.to_owned(), kind: QuestionKind::Form { message, schema } }
}

#[cfg(test)]
mod tests {
    use portcullis_admission::{Content, Fixed, Schema};
    use portcullis_manifest::Digest;
    use uuid::Uuid;

    use super::*;

    fn previewed(effects: Vec<Intended>) -> Previewed {
        Previewed { fixed: Fixed { seed: [0; 32], clock: 0, call: Uuid::nil() }, effects, whole: true }
    }

    fn every_effect() -> Vec<Intended> {
        let name = |text: &str| text.to_owned();
        vec![
            Intended::Send {
                capability: name("crm"),
                method: name("POST"),
                origin: name("https://api.crm.example"),
                path: name("/v1/notes"),
                headers: vec!["accept".to_owned()],
                headers_sha256: Digest::of(b""),
                body: Some(Content::of(b"x")),
            },
            Intended::KvSet { capability: name("a"), key: name("k"), value: Content::of(b""), seconds: Some(1) },
            Intended::KvDelete { capability: name("a"), key: name("k") },
            Intended::FileWrite { capability: name("a"), name: name("n"), content: Content::of(b"") },
            Intended::FileRemove { capability: name("a"), name: name("n") },
        ]
    }

    #[test]
    fn wr_05_a_preview_fits_its_own_schema() {
        let offer = Offer { confirmation: "abc".to_owned(), minutes: 10 };
        let answer = answer(&"crm_note".parse().unwrap(), &previewed(every_effect()), Some("note"), Some(&offer));
        let structured = answer.structured.unwrap();
        Schema::compile(&schema()).unwrap().check(&structured).unwrap();
        assert_eq!(structured["preview"]["effects"].as_array().unwrap().len(), 5);
        let text = answer.content[0]["text"].as_str().unwrap().to_owned();
        for part in [
            r#"1. send POST to https://api.crm.example, path "/v1/notes", with the headers "accept", with a body of 1 bytes"#,
            r#"5. remove from a the file "n""#,
            "abc",
            "note",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_long_preview_says_how_much_it_does_not_say() {
        let effects = vec![Intended::KvDelete { capability: "a".to_owned(), key: "k".to_owned() }; IN_WORDS + 3];
        let text = words(&"t".parse().unwrap(), &effects, None);
        assert!(text.contains("and 3 more"), "{text}");
        assert!(!words(&"t".parse().unwrap(), &effects[..IN_WORDS], None).contains("more"));
    }

    #[test]
    fn the_served_output_schema_takes_what_the_authors_takes_and_a_preview_and_nothing_else() {
        let author = json!({
            "type": "object", "required": ["items"], "additionalProperties": false,
            "properties": { "items": { "type": "array", "items": { "$ref": "#/$defs/item" } }, "inner": { "$ref": "#" } },
            "$defs": { "item": { "enum": [{ "$ref": "#/x" }, "a"] } },
        });
        let served = Schema::compile(&output_or_preview(&author)).unwrap();
        let author = Schema::compile(&author).unwrap();
        let preview = answer(&"t".parse().unwrap(), &previewed(every_effect()), None, None).structured.unwrap();
        for value in [
            json!({ "items": ["a", { "$ref": "#/x" }] }),
            json!({ "items": [], "inner": { "items": ["a"] } }),
            json!({ "items": ["b"] }),
            json!({ "items": [], "inner": {} }),
            json!({}),
        ] {
            assert_eq!(served.check(&value).is_ok(), author.check(&value).is_ok(), "{value}");
        }
        assert!(served.check(&preview).is_ok() && author.check(&preview).is_err());
    }
}
