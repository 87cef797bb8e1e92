//! What should be gone after its time.

use portcullis_plugin::{Answer, Context, NoArguments, ToolError, kv::KeyValue};
use serde::Deserialize;

use crate::Answers;

/// Schema: `schemas/expire.json`.
#[derive(Deserialize)]
pub(crate) struct Expire {
    key: String,
    seconds: u32,
}

/// Schema: `schemas/after.json`.
#[derive(Deserialize)]
pub(crate) struct After {
    key: String,
    take: bool,
}

pub(crate) fn expire(args: Expire, cx: &Context) -> Result<Answer, ToolError> {
    cx.kv("box").set_expiring(&args.key, b"kept for a while", args.seconds)?;
    Ok(Answer::text("Kept."))
}

/// Every way to a key: reading it, listing it; and where it is to be taken, swapping it for itself and deleting it.
pub(crate) fn after(args: After, cx: &Context) -> Result<Answers, ToolError> {
    let rows = cx.kv("box");
    let mut answers = Vec::new();
    if rows.get(&args.key)?.is_some() {
        answers.push("read".to_owned());
    }
    for (prefix, cursor) in [("", None), (args.key.as_str(), None), ("", Some(""))] {
        if rows.list_keys(prefix, cursor, 1000)?.keys.contains(&args.key) {
            answers.push("listed".to_owned());
        }
    }
    if !args.take {
        return Ok(Answers { answers });
    }
    if rows.compare_and_set(&args.key, Some(b"kept for a while"), Some(b"kept for a while"))? {
        answers.push("swapped".to_owned());
    }
    if rows.delete(&args.key)? {
        answers.push("deleted".to_owned());
    }
    Ok(Answers { answers })
}

/// Times that no clock has. What is refused leaves nothing.
pub(crate) fn never(_: NoArguments, cx: &Context) -> Result<Answers, ToolError> {
    let rows = cx.kv("box");
    let mut answers = Vec::new();
    for seconds in [0, 315_360_000, 315_360_001, i32::MAX as u32, u32::MAX] {
        match rows.set_expiring(&format!("{seconds}"), b"x", seconds) {
            Ok(()) => answers.push(format!("taken: {seconds}")),
            Err(error) => answers.push(format!("refused: {seconds}: {error}")),
        }
    }
    Ok(Answers { answers })
}
