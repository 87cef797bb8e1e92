//! What a guest's words may not hold: characters that hide, reorder or forge what stands around them (catalogue MC-10), and
//! metadata that speaks for the protocol. Which characters these are, `host/manifest` says, for results as for manifests.

use portcullis_manifest::{hides, hides_after};
use serde_json::Value;

/// Removes hidden characters. Line breaks and tabs are seen.
pub(crate) fn text(text: String) -> String {
    let line = |c: char| matches!(c, '\n' | '\t');
    if !text.chars().any(|c| hides(c) && !line(c)) {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        if line(c) || !hides_after(c, before) {
            kept.push(c);
            before = Some(c);
        }
    }
    kept
}

/// Removes hidden characters from every string and every key of `value`.
pub(crate) fn value(value: &mut Value) {
    match value {
        Value::String(string) => *string = text(std::mem::take(string)),
        Value::Array(items) => items.iter_mut().for_each(self::value),
        Value::Object(members) => {
            if members.keys().any(|key| key.chars().any(hides)) {
                // Keys that can't be told apart by reading become one. The last one holds, as of equal keys in JSON text.
                let given = std::mem::take(members).into_iter();
                members.extend(given.map(|(key, member)| (text(key), member)));
            }
            members.values_mut().for_each(self::value);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Removes hidden characters, and members by which a plugin would speak for somebody else, in capitals or not: names that MCP keeps
/// for itself (a prefix with the label `mcp` or `modelcontextprotocol`), the host's own, and what says which page shows a
/// result, and as which: that is said by the manifest that was approved (MCP Apps, and its `openai/` aliases).
pub(crate) fn meta(meta: &mut Value) {
    // First: a name can be hidden, too.
    value(meta);
    let reserved = |key: &String| {
        let key = key.to_ascii_lowercase();
        let (prefix, name) = key.split_once('/').unwrap_or(("", &key));
        prefix.split('.').any(|label| matches!(label, "mcp" | "modelcontextprotocol"))
            || matches!(prefix, "portcullis" | "ui")
            || (prefix.is_empty() && (name == "ui" || name.starts_with("ui.")))
            || (prefix == "openai" && (name == "outputtemplate" || name.starts_with("widget")))
    };
    if let Some(members) = meta.as_object_mut() {
        members.retain(|key, _| !reserved(key));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mc_10_hidden_characters_go_and_the_rest_stays() {
        assert_eq!(text("a\u{202e}b\u{e0041}\u{1b}[2Jc\r\n\té漢😀".to_owned()), "ab[2Jc\n\té漢😀");
        let mut nested = json!({ "a": ["x\u{200b}y", { "b": "\u{0}" }], "n": 1 });
        value(&mut nested);
        assert_eq!(nested, json!({ "a": ["xy", { "b": "" }], "n": 1 }));
    }

    #[test]
    fn mc_10_what_hides_is_what_a_manifest_may_not_hold() {
        let all: String = (0..=0x0010_ffff).filter_map(char::from_u32).collect();
        let kept = text(all.clone());
        assert!(!kept.chars().any(|c| portcullis_manifest::hides(c) && c != '\n' && c != '\t'));
        assert_eq!(
            kept,
            all.chars().filter(|c| !portcullis_manifest::hides(*c) || "\n\t".contains(*c)).collect::<String>()
        );
        // A heart that is a picture stays one.
        assert_eq!(text("\u{2764}\u{fe0f} a\u{fe0f}\u{e0141}".to_owned()), "\u{2764}\u{fe0f} a");
    }

    #[test]
    fn mc_10_keys_hide_nothing_and_two_that_look_alike_are_one() {
        let mut given =
            json!({ "a\u{200b}": { "\u{202e}b\u{e0041}": 1 }, "c": [{ "\u{ad}": 2 }], "d": 3, "d\u{feff}": 4 });
        value(&mut given);
        assert_eq!(given, json!({ "a": { "b": 1 }, "c": [{ "": 2 }], "d": 4 }));
    }

    #[test]
    fn mc_10_a_plugin_does_not_speak_for_the_protocol() {
        let mut given =
            json!({ "io.modelcontextprotocol/x": 1, "mcp/www_authenticate": 2, "example.com/y": 3, "z": 4 });
        meta(&mut given);
        assert_eq!(given, json!({ "example.com/y": 3, "z": 4 }));
    }

    /// Fails without each line of `reserved`, and without the small letters.
    #[test]
    fn mc_10_a_plugin_does_not_speak_for_the_host_or_choose_a_page() {
        let mut given = json!({
            "MCP/x": 1,
            "io.ModelContextProtocol/x": 1,
            "portcullis/tool": "notes_delete",
            "Portcullis/preview": true,
            "ui": { "resourceUri": "ui://other/page.html" },
            "UI": {},
            "ui/resourceUri": "ui://other/page.html",
            "ui.resourceUri": "ui://other/page.html",
            "openai/outputTemplate": "ui://other/page.html",
            "OpenAI/OutputTemplate": "ui://other/page.html",
            "openai/widgetSessionId": "1",
            "openai/widgetCSP": {},
            "openai/closeWidget": true,
            "uix": 1,
            "example.com/ui": 2,
            "portcullis": 3,
        });
        meta(&mut given);
        assert_eq!(given, json!({ "openai/closeWidget": true, "uix": 1, "example.com/ui": 2, "portcullis": 3 }));
    }

    #[test]
    fn mc_10_metadata_hides_nothing_and_no_name_of_the_protocol() {
        let mut given = json!({
            "io.modelcontext\u{200b}protocol/serverInfo": 1,
            "\u{202e}mcp\u{e0041}/x": 2,
            "example.com/\u{180e}y": ["a\u{202e}b", { "\u{2028}k": "\u{1b}[2J" }],
        });
        meta(&mut given);
        assert_eq!(given, json!({ "example.com/y": ["ab", { "k": "[2J" }] }));
    }
}
