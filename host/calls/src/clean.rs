//! What a guest's words may not hold: characters that hide, reorder or forge what stands around them (catalogue MC-10), and
//! metadata that speaks for the protocol.

use serde_json::Value;

/// Removes hidden characters.
pub(crate) fn text(text: String) -> String {
    if text.chars().any(hides) { text.chars().filter(|c| !hides(*c)).collect() } else { text }
}

/// Removes hidden characters from every string of `value`.
pub(crate) fn value(value: &mut Value) {
    match value {
        Value::String(string) => *string = text(std::mem::take(string)),
        Value::Array(items) => items.iter_mut().for_each(self::value),
        Value::Object(members) => members.values_mut().for_each(self::value),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Removes members whose names MCP keeps for itself: a prefix with the label `mcp` or `modelcontextprotocol`.
pub(crate) fn meta(meta: &mut Value) {
    let reserved = |key: &String| {
        let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
        prefix.split('.').any(|label| matches!(label, "mcp" | "modelcontextprotocol"))
    };
    if let Some(members) = meta.as_object_mut() {
        members.retain(|key, _| !reserved(key));
    }
}

fn hides(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        ' '..='~' => false,
        c if c.is_control() => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
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
    fn mc_10_a_plugin_does_not_speak_for_the_protocol() {
        let mut given =
            json!({ "io.modelcontextprotocol/x": 1, "mcp/www_authenticate": 2, "example.com/y": 3, "z": 4 });
        meta(&mut given);
        assert_eq!(given, json!({ "example.com/y": 3, "z": 4 }));
    }
}
