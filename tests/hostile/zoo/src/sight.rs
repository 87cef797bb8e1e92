//! Looking for the machine behind the sandbox.

use std::{env, fs, io::Read};

use portcullis_plugin::{Context, NoArguments, ToolError};

use crate::Answers;

/// Says everything it could see; in a sandbox, nothing.
pub(crate) fn look_around(_: NoArguments, _cx: &Context) -> Result<Answers, ToolError> {
    let mut answers = Vec::new();
    answers.extend(env::vars_os().map(|(name, _)| format!("variable: {name:?}")));
    answers.extend(env::args_os().map(|argument| format!("argument: {argument:?}")));
    answers.extend(wasip2::cli::environment::initial_cwd().map(|folder| format!("folder: {folder}")));
    for path in ["/", ".", "..", "/etc/passwd", "/proc/self/environ", "/dev/null", "plugin.toml", "/tmp/zoo"] {
        if fs::metadata(path).is_ok() || fs::read(path).is_ok() || fs::read_dir(path).is_ok() {
            answers.push(format!("file: {path}"));
        }
        if fs::write(path, "zoo").is_ok() || fs::create_dir(path).is_ok() {
            answers.push(format!("written: {path}"));
        }
    }
    answers
        .extend(wasip2::filesystem::preopens::get_directories().into_iter().map(|(_, name)| format!("open: {name}")));
    let mut input = Vec::new();
    if std::io::stdin().take(1 << 10).read_to_end(&mut input).is_ok_and(|bytes| bytes > 0) {
        answers.push(format!("input: {} bytes", input.len()));
    }
    if wasip2::cli::terminal_stdout::get_terminal_stdout().is_some() {
        answers.push("a terminal".into());
    }
    Ok(Answers { answers })
}
