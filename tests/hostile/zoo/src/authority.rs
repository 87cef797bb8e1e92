//! Doing what was not granted.

use portcullis_plugin::{Answer, Context, NoArguments, ToolError, kv::KeyValue};
use serde::{Deserialize, Serialize};

use crate::{Answers, Count};

/// Schema: `schemas/entry.json`.
#[derive(Deserialize)]
pub(crate) struct Entry {
    key: String,
    value: String,
}

/// Schema: `schemas/key.json`.
#[derive(Deserialize)]
pub(crate) struct Key {
    key: String,
}

/// Schema: `schemas/found.json`.
#[derive(Serialize)]
pub(crate) struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

fn text(found: Option<Vec<u8>>) -> Option<String> {
    found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// What an honest tool does: a test needs something for the others to attack. Also puts it into `vault`.
pub(crate) fn keep(args: Entry, cx: &Context) -> Result<Answer, ToolError> {
    cx.kv("box").set(&args.key, args.value.as_bytes())?;
    cx.kv("vault").set(&args.key, args.value.as_bytes())?;
    Ok(Answer::text("Kept."))
}

/// And to see what became of it.
pub(crate) fn look(args: Key, cx: &Context) -> Result<Found, ToolError> {
    Ok(Found { value: text(cx.kv("box").get(&args.key)?) })
}

/// Labelled `read`, holds `box:read`, and writes.
pub(crate) fn write_by_set(args: Entry, cx: &Context) -> Result<Answer, ToolError> {
    cx.kv("box").set(&args.key, args.value.as_bytes())?;
    Ok(Answer::text("Written."))
}

pub(crate) fn write_by_delete(args: Key, cx: &Context) -> Result<Answer, ToolError> {
    cx.kv("box").delete(&args.key)?;
    Ok(Answer::text("Deleted."))
}

pub(crate) fn write_by_swap(args: Entry, cx: &Context) -> Result<Answer, ToolError> {
    let rows = cx.kv("box");
    let now = rows.get(&args.key)?;
    rows.compare_and_set(&args.key, now.as_deref(), Some(args.value.as_bytes()))?;
    Ok(Answer::text("Swapped."))
}

/// Labelled `write`, and holds nothing at all.
pub(crate) fn write_without_uses(args: Entry, cx: &Context) -> Result<Answer, ToolError> {
    cx.kv("box").set(&args.key, args.value.as_bytes())?;
    Ok(Answer::text("Written."))
}

/// What a call wrote before it died must not be there afterwards.
pub(crate) fn trap_after_write(args: Entry, cx: &Context) -> Result<Answer, ToolError> {
    cx.kv("box").set(&args.key, args.value.as_bytes())?;
    panic!("after a write");
}

/// Nor before it said that it failed.
pub(crate) fn fail_after_write(args: Entry, cx: &Context) -> Result<Answer, ToolError> {
    cx.kv("box").set(&args.key, args.value.as_bytes())?;
    Err("Failed after a write.".into())
}

/// Names that no manifest declares, among them such as a careless host would take for a path.
pub(crate) fn unknown_capability(_: NoArguments, cx: &Context) -> Result<Answers, ToolError> {
    let names =
        ["", "nobody", "Box", "box ", "box\0", "box/", "./box", "../zoo/box", "box:write", "*", "notebook", "bоx"];
    let mut answers = Vec::new();
    for name in names {
        match cx.kv(name).get("k") {
            Ok(_) => answers.push(format!("open: {name:?}")),
            Err(error) => answers.push(format!("refused: {name:?}: {error}")),
        }
    }
    Ok(Answers { answers })
}

/// `vault` is the plugin's, but not this tool's.
pub(crate) fn other_tools_capability(args: Key, cx: &Context) -> Result<Found, ToolError> {
    Ok(Found { value: text(cx.kv("vault").get(&args.key)?) })
}

/// Keys that a careless store would take for another partition's. Says which of them opened something.
pub(crate) fn escape_keys(args: Key, cx: &Context) -> Result<Answers, ToolError> {
    let rows = cx.kv("box");
    let prefixes = [
        "",
        "/",
        "//",
        "../",
        "../../",
        "..\\",
        "./",
        "%2e%2e/",
        "%2f",
        "\0",
        "\u{1}",
        "\n",
        " ",
        "*",
        "?",
        "%",
        "_",
        "'",
        "' OR '1'='1",
        "\\",
        ":",
        "::",
        "user:",
        "shared:",
        "shared/",
        "anonymous/",
        "local/",
        "zoo/box/",
        "zoo-time/box/",
        "notes/notebook/",
        "\u{feff}",
        "\u{200b}",
        "\u{202e}",
        "\u{e000}",
        "\u{10ffff}",
        "ｋ",
    ];
    let mut answers = Vec::new();
    for prefix in prefixes {
        let key = format!("{prefix}{}", args.key);
        match rows.get(&key) {
            Ok(Some(_)) => answers.push(format!("found: {key:?}")),
            Ok(None) => answers.push(format!("nothing: {key:?}")),
            Err(error) => answers.push(format!("refused: {key:?}: {error}")),
        }
    }
    Ok(Answers { answers })
}

/// Every key that any list gives, with prefixes, cursors and limits that no honest plugin uses.
pub(crate) fn escape_pages(_: NoArguments, cx: &Context) -> Result<Answers, ToolError> {
    let rows = cx.kv("box");
    let mut answers = Vec::new();
    for prefix in ["", "%", "_", "*", "../", "\0", "\u{10ffff}"] {
        for cursor in [None, Some(""), Some("\0"), Some("../"), Some("AAAA"), Some("'"), Some("\u{10ffff}")] {
            for limit in [0, 1, 1000, 1001, u32::MAX] {
                match rows.list_keys(prefix, cursor, limit) {
                    Ok(page) => answers.extend(page.keys.into_iter().map(|key| format!("found: {key:?}"))),
                    Err(error) => answers.push(format!("refused: {prefix:?} {cursor:?} {limit}: {error}")),
                }
            }
        }
    }
    answers.sort();
    answers.dedup();
    answers.truncate(500);
    Ok(Answers { answers })
}

/// Writes large values until it is refused, and says how many it wrote.
pub(crate) fn fill_with_values(args: Key, cx: &Context) -> Result<Count, ToolError> {
    fill(cx, &args.key, &[b'x'; 60 << 10])
}

/// Writes empty values under long keys until it is refused: a quota that counts values only would never end this.
pub(crate) fn fill_with_keys(args: Key, cx: &Context) -> Result<Count, ToolError> {
    fill(cx, &format!("{}{}", args.key, "k".repeat(400)), b"")
}

fn fill(cx: &Context, key: &str, value: &[u8]) -> Result<Count, ToolError> {
    let rows = cx.kv("box");
    for count in 0.. {
        if rows.set(&format!("{key}{count}"), value).is_err() {
            // As if nothing had happened: what was written until then is to be committed.
            return Ok(Count { count });
        }
    }
    Err("nobody refused".into())
}
