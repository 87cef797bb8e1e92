//! Write a Portcullis plugin in Rust: functions from typed arguments to typed answers, and one macro that makes a
//! component of them.
//!
//! ```
//! use portcullis_plugin::{Context, ToolError, plugin};
//! use serde::{Deserialize, Serialize};
//!
//! plugin! { tools: { "greet" => greet } }
//!
//! #[derive(Deserialize)]
//! struct Greet {
//!     name: String,
//! }
//!
//! #[derive(Serialize)]
//! struct Greeting {
//!     text: String,
//! }
//!
//! fn greet(args: Greet, _cx: &Context) -> Result<Greeting, ToolError> {
//!     Ok(Greeting { text: format!("Hello, {}!", args.name) })
//! }
//! # fn main() {}
//! ```
//!
//! A plugin may also have [`resources`], [`prompts`] and [`completions`]: more parts of the same macro.
//!
//! A component imports what its code uses and no more: whoever never calls [`Context::kv`] needs no capability of kind
//! `kv`. What a plugin may do is said in its `plugin.toml` and enforced by the host; nothing here can widen it.
//!
//! Each call runs in a fresh instance, so statics are as new at every call. What has to last goes into [`kv`].

#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", not(target_family = "wasm")))]
extern crate std;

mod answer;
pub mod assets;
pub mod bindings;
pub mod completions;
mod content;
mod context;
#[doc(hidden)]
pub mod dispatch;
pub mod egress;
pub mod files;
mod hints;
pub mod knowledge;
pub mod kv;
pub mod log;
pub mod progress;
pub mod prompts;
pub mod questions;
pub mod resources;
#[cfg(any(test, all(not(feature = "std"), target_family = "wasm")))]
mod runtime;
mod variables;

pub use answer::{Answer, IntoOutcome, ToolError};
pub use bindings::portcullis::plugin::types::Outcome;
pub use content::{Contents, Part, Role};
pub use context::{Caller, Context};
pub use dispatch::NoArguments;
pub use hints::{Hints, Location};

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
