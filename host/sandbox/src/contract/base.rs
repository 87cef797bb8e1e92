//! The base list: what language runtimes import whether their author knows it or not, with nothing behind it.
//! `wit/base.md` says what a guest finds; a test holds both equal.

/// Interfaces of WASI 0.2 that every component may import, at any `0.2.x`.
pub const BASE: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
];

pub(super) fn covers(import: &str) -> bool {
    let Some((interface, version)) = import.split_once('@') else { return false };
    let patch = version.strip_prefix("0.2.").filter(|patch| !patch.is_empty());
    patch.is_some_and(|patch| patch.bytes().all(|b| b.is_ascii_digit())) && BASE.contains(&interface)
}
