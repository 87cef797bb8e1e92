//! Making the host copy, keep or parse more than it wants to.

use portcullis_plugin::{
    Context, NoArguments, Outcome, ToolError,
    bindings::portcullis::plugin::{
        log::{self, Level},
        types::{Answer, Content},
    },
    kv::KeyValue,
};

use crate::{Count, memory::as_much_as_there_is};

/// As long a text as fits: 100 MB where the memory is there.
fn long_text() -> String {
    String::from_utf8(as_much_as_there_is()).unwrap_or_default()
}

fn done(content: Vec<Content>, structured: Option<String>) -> Result<Outcome, ToolError> {
    Ok(Outcome::Done(Answer { content, structured, meta: None }))
}

pub(crate) fn huge_return(_: NoArguments, _cx: &Context) -> Result<Outcome, ToolError> {
    done(vec![Content::Text(long_text())], None)
}

/// As JSON: one long text in an object that fits its schema.
pub(crate) fn huge_structure(_: NoArguments, _cx: &Context) -> Result<Outcome, ToolError> {
    let mut json = as_much_as_there_is();
    let end = json.len() - 3;
    json[..13].copy_from_slice(br#"{"answers":[""#);
    json[end..].copy_from_slice(br#""]}"#);
    done(Vec::new(), String::from_utf8(json).ok())
}

pub(crate) fn huge_log(_: NoArguments, _cx: &Context) -> Result<Count, ToolError> {
    let line = long_text();
    log::write(Level::Info, &line);
    Ok(Count { count: line.len() as u64 })
}

pub(crate) fn huge_key(_: NoArguments, cx: &Context) -> Result<Count, ToolError> {
    let key = long_text();
    let found = cx.kv("box").get(&key)?;
    Ok(Count { count: found.map_or(0, |value| value.len() as u64) })
}

pub(crate) fn huge_value(_: NoArguments, cx: &Context) -> Result<Count, ToolError> {
    let value = as_much_as_there_is();
    cx.kv("box").set("huge", &value)?;
    Ok(Count { count: value.len() as u64 })
}

/// Small blocks, very many.
pub(crate) fn many_blocks(_: NoArguments, _cx: &Context) -> Result<Outcome, ToolError> {
    done((0..100_000).map(|_| Content::Text(String::new())).collect(), None)
}

/// A list in a list in a list.
pub(crate) fn deep_json(_: NoArguments, _cx: &Context) -> Result<Outcome, ToolError> {
    const DEPTH: usize = 200_000;
    done(Vec::new(), Some(format!(r#"{{"answers":{}{}}}"#, "[".repeat(DEPTH), "]".repeat(DEPTH))))
}
