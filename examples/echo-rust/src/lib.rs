//! Gives back what it is given. The smallest useful plugin, and what the benchmark calls: without `std` it imports
//! nothing at all, and a fresh instance of it touches few pages.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

use alloc::borrow::Cow;

use portcullis_plugin::{Context, ToolError, plugin};
use serde::{Deserialize, Serialize};

plugin! { tools: { "echo" => echo } }

/// What comes in, and goes out. Borrowed from the arguments where no escape stands in the way.
#[derive(Debug, Deserialize, Serialize)]
struct Echo<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

fn echo<'a>(args: Echo<'a>, _cx: &Context) -> Result<Echo<'a>, ToolError> {
    Ok(args)
}
