//! `portcullis call`: one call, and what it used.

use std::io::Read as _;

use portcullis_manifest::visible;
use serde_json::{Map, Value, json};

use super::{terminal, unexpected};
use crate::{
    control::{CallAnswer, Request, Response, UsageLine},
    exit::Failure,
    host::Owner,
};

/// The arguments from the command line, a file or stdin.
pub(super) fn arguments(given: &str) -> Result<Map<String, Value>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format_args!("{given}: {error}"));
    let text = match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(failed)?,
        None if given == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(failed)?;
            text
        }
        None => given.to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(Failure::usage("the arguments are JSON, but not an object: write them as {\"name\": value}")),
        Err(error) => Err(Failure::usage(format_args!("the arguments are not JSON: {error}"))),
    }
}

pub(super) fn print(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::Called(answer) = answer else { return Err(unexpected()) };
    if as_json {
        super::json(&json!(answer));
    } else {
        in_words(&answer);
    }
    if answer.is_error { Err(Failure::tool()) } else { Ok(()) }
}

/// `measure`: the medians of many calls, as one line of JSON.
pub(super) async fn measure(
    access: &Owner,
    tool: &str,
    arguments: &Map<String, Value>,
    times: u32,
) -> Result<(), Failure> {
    let mut used = Vec::new();
    for _ in 0..times {
        let request = Request::Call { tool: tool.to_owned(), arguments: arguments.clone(), preview: false };
        match access.ask(request).await? {
            Response::Called(CallAnswer { is_error: false, usage: Some(usage), .. }) => used.push(usage),
            Response::Called(_) => return Err(Failure::tool()),
            _ => return Err(unexpected()),
        }
    }
    let median = |value: fn(&UsageLine) -> u64| {
        let mut values: Vec<u64> = used.iter().map(value).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    println!(
        "{}",
        json!({
            "tool": tool,
            "calls": times,
            "instantiate_us": median(|usage| usage.instantiate_us),
            "sandbox_us": median(|usage| usage.wall_us),
            "fuel": median(|usage| usage.fuel),
        })
    );
    Ok(())
}

/// A content block.
fn shown(block: &Value) -> String {
    match block["text"].as_str() {
        Some(text) => terminal::lines(text),
        None => format!("({} block)", visible(block["type"].as_str().unwrap_or("unknown"))),
    }
}

fn in_words(answer: &CallAnswer) {
    for line in &answer.log {
        eprintln!("log  {}", visible(line));
    }
    for block in &answer.content {
        println!("{}", shown(block));
    }
    match &answer.usage {
        Some(UsageLine { outcome, effect, fuel, memory, host_calls, wall_us, .. }) => eprintln!(
            "\n{outcome}; effect {effect}; fuel {fuel}; peak memory {} KiB; host calls {host_calls}; {}.{:03} ms; call {}",
            memory >> 10,
            wall_us / 1000,
            wall_us % 1000,
            answer.correlation,
        ),
        None => eprintln!("\nno sandbox was started; call {}", answer.correlation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wx_25_a_block_is_printed_as_text_that_no_terminal_obeys() {
        let text = json!({ "type": "text", "text": "one\ntwo\u{1b}]0;title\u{7}\u{202e}" });
        assert_eq!(shown(&text), "one\ntwo\\u{1b}]0;title\\u{7}\\u{202e}");
        assert_eq!(shown(&json!({ "type": "image", "data": "" })), "(image block)");
        assert_eq!(shown(&json!({ "type": "a\u{1b}" })), "(a\\u{1b} block)");
    }
}
