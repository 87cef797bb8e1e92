//! What a hostile plugin says: to the client, to the operator, to the host's stdout.

use portcullis_manifest::{hides, visible};
use serde_json::{Value, json};

use crate::zoo::{Attack, Short, Zoo};

/// `limits.log` of the zoo, which is the default.
const LOG: usize = 64 << 10;

fn ask(tool: &str) -> (Zoo, Attack) {
    let mut zoo = Zoo::open();
    let attack = zoo.attack(&Short::Fuel.wire(tool), json!({}));
    (zoo, attack)
}

/// Every string and every key of `value`.
fn words<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            found.push(key);
            words(member, found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Lines of the log that a call of this plugin's tool wrote.
fn lines_of<'a>(log: &'a str, wire: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.contains(&format!(" tool={wire} "))).collect()
}

#[test]
fn wx_25_a_flood_of_lines_is_kept_up_to_its_limit_and_counted_beyond() {
    for tool in ["flood_log", "flood_stdout"] {
        let (zoo, _) = ask(tool);
        let wire = Short::Fuel.wire(tool);
        let log = zoo.served.log();
        let lines = lines_of(&log, &wire);
        let (dropped, kept): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| line.contains("dropped="));
        let text = kept.iter().map(|line| line.matches("flood ").count() * "flood ".len()).sum::<usize>();
        assert!(text > LOG / 2 && text <= LOG, "{tool}: {text} bytes kept");
        let [dropped] = dropped[..] else { panic!("{tool}: one line counts what was dropped: {dropped:?}") };
        let count =
            dropped.split("dropped=").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        assert!(count.is_some_and(|count| count > 1_000) && dropped.contains("`limits.log`"), "{dropped}");
    }
}

#[test]
fn wx_25_a_line_of_a_plugin_is_one_escaped_line_of_the_log_and_none_of_stdout() {
    let mut zoo = Zoo::open();
    for tool in ["forged_log", "forged_stdout"] {
        let attack = zoo.attack(&Short::Fuel.wire(tool), json!({}));
        assert_eq!(attack.class(), "ok", "{tool}");
    }
    let log = zoo.served.log();
    for line in log.lines() {
        assert!(!line.starts_with("2026-11-22T00:00:00Z") && !line.starts_with('{'), "a forged line: {line}");
        assert!(!line.chars().any(hides), "not escaped: {line:?}");
    }
    let forged = lines_of(&log, "zoo_forged_log");
    let [line] = forged[..] else { panic!("one line: {forged:?}") };
    assert!(line.contains(r"\u{a}{") && line.contains(r"\u{1b}[1A"), "{line}");
    assert!(line.contains("portcullis::plugin"), "it says who speaks: {line}");
    // A tool can't raise the level at which the operator is called: `log::error!` of a plugin is no error of the host.
    assert!(line.contains(" INFO "), "{line}");
    let Zoo { served, .. } = zoo;
    let ran = served.stop();
    assert_eq!(ran.stdout, "", "nothing of a plugin is on stdout");
}

#[test]
fn wx_31_what_a_panic_says_reaches_the_operator_and_no_client() {
    let (zoo, attack) = ask("panic");
    let said = "on purpose: nobody outside may read this";
    assert!(zoo.served.log().contains(said));
    assert!(!attack.result.to_string().contains(said), "{}", attack.result);
    assert!(!attack.result.to_string().contains(".rs"), "{}", attack.result);
}

#[test]
fn wx_26_a_request_for_too_many_random_bytes_is_told_how_many_there_are() {
    let (_zoo, attack) = ask("random_bomb");
    assert_eq!(attack.class(), "trap");
    let text = attack.text();
    assert!(text.contains("64 KiB") || text.contains("65536"), "{text}");
}

/// Fails without: the empty WASI of `capabilities/wasi.rs`: variables, arguments, preopened folders, stdin or a
/// terminal of the host's. It looks from inside; nobody counts system calls or packets from outside.
#[test]
fn wx_02_a_guest_sees_no_file_no_variable_and_no_terminal() {
    let (_zoo, attack) = ask("look_around");
    assert_eq!(attack.class(), "ok");
    assert_eq!(attack.answers(), Vec::<&str>::new());
}

#[test]
fn wx_22_a_result_that_does_not_fit_is_refused_by_the_name_of_the_schema_and_quotes_nothing() {
    let mut zoo = Zoo::open();
    for (tool, words) in [
        ("not_json", "not JSON"),
        ("not_an_object", "not an object"),
        ("wrong_shape", "output schema"),
        ("no_structure", "output schema"),
        ("deep_json", "not JSON"),
    ] {
        let attack = zoo.attack(&Short::Fuel.wire(tool), json!({}));
        assert_eq!(attack.class(), "bad-result", "{tool}");
        assert!(attack.is_error() && attack.text().contains(words), "{tool}: {}", attack.text());
        assert!(attack.result["structuredContent"].is_null(), "{tool}: {}", attack.result);
        assert!(
            !attack.text().contains("many") && !attack.text().contains("more"),
            "{tool} is quoted: {}",
            attack.text()
        );
    }
}

#[test]
fn mc_11_a_question_that_the_manifest_does_not_allow_never_reaches_the_client() {
    let (_zoo, attack) = ask("undeclared_question");
    assert_eq!(attack.class(), "bad-result");
    assert!(attack.text().contains("`ask = [\"form\"]` would"), "{}", attack.text());
    assert!(!attack.result.to_string().contains("password"), "{}", attack.result);
}

/// Fails without: the scheme of a link in `block` of `host/calls/src/answer.rs`.
#[test]
fn mc_10_links_have_schemes_that_nothing_runs() {
    let (_zoo, attack) = ask("bad_link");
    assert_eq!(attack.class(), "bad-result", "{}", attack.result);
    assert!(attack.is_error() && attack.text().contains("neither http nor https"), "{}", attack.text());
    let blocks = attack.result["content"].as_array().expect("content");
    assert!(blocks.iter().all(|block| block["type"] == "text"), "no link is sent: {blocks:?}");
}

/// Fails without: the MIME type of an image in `block` of `host/calls/src/answer.rs`.
#[test]
fn mc_10_a_mime_type_is_one_and_fits_its_block() {
    let (_zoo, attack) = ask("bad_mime");
    assert_eq!(attack.class(), "bad-result", "{}", attack.result);
    assert!(attack.is_error() && attack.text().contains("MIME type of an image"), "{}", attack.text());
    let blocks = attack.result["content"].as_array().expect("content");
    assert!(blocks.iter().all(|block| block["type"] == "text"), "no image is sent: {blocks:?}");
}

/// Fails without: `reserved` of `host/calls/src/clean.rs`.
#[test]
fn mc_10_metadata_of_the_protocol_the_host_and_the_manifest_is_no_plugins() {
    let (_zoo, attack) = ask("bad_meta");
    assert_eq!(attack.class(), "ok", "{}", attack.result);
    let keys: Vec<&String> = attack.result["_meta"].as_object().expect("one key is anybody's").keys().collect();
    let own = |key: &&&String| !key.starts_with("io.modelcontextprotocol/");
    assert_eq!(keys.iter().filter(own).collect::<Vec<_>>(), [&"openai/x"], "{}", attack.result);
    assert_eq!(attack.result["_meta"]["io.modelcontextprotocol/related-task"], Value::Null, "{}", attack.result);
}

#[test]
fn mc_10_no_invisible_character_of_a_result_reaches_the_client() {
    let (_zoo, attack) = ask("poison");
    assert_eq!(attack.class(), "ok");
    let blocks = attack.result["content"].as_array().expect("content");
    assert_eq!(blocks.len(), 5, "fake results are text, and no blocks: {blocks:?}");
    assert!(blocks.iter().all(|block| block["type"] == "text"), "{blocks:?}");
    assert_eq!(attack.result["isError"], Value::Null);
    let mut said = Vec::new();
    words(&attack.result, &mut said);
    let hidden = |c: &char| hides(*c) && *c != '\n' && *c != '\t';
    let found: Vec<_> = said.iter().filter(|text| text.chars().any(|c| hidden(&c))).map(|text| visible(text)).collect();
    assert!(found.is_empty(), "they reach the client: {}", found.join(" "));
}
