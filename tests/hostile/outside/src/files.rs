//! Names that a careless host would take for paths, and more files than there is room for.

use portcullis_plugin::{
    Answer, Context, NoArguments, ToolError,
    files::{Error, Folder},
};
use serde::Deserialize;

use crate::{Answers, Count};

/// Schema: `schemas/name.json`.
#[derive(Deserialize)]
pub(crate) struct Name {
    name: String,
    #[serde(default)]
    text: Option<String>,
}

fn line(what: &str, name: &str, given: Result<&str, &Error>) -> String {
    match given {
        Ok(given) => format!("{given} {what} {name:?}"),
        Err(Error::BadName(_)) => format!("bad-name {what} {name:?}"),
        Err(error) => format!("refused {what} {name:?}: {error}"),
    }
}

/// Every function of the interface with every name; says which of them opened, made or removed something.
pub(crate) fn names(_: NoArguments, cx: &Context) -> Result<Answers, ToolError> {
    let cabinet = cx.files("cabinet");
    let long = "n".repeat(129);
    let longer = "n".repeat(100_000);
    let names = [
        "",
        ".",
        "..",
        "/",
        "./a",
        "../a",
        "../../portcullis.db",
        "../../../../etc/passwd",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        "a/b",
        "a/",
        "a\\b",
        "..\\a",
        "C:\\a",
        "a:stream",
        "a\0",
        "a\0.txt",
        "a\n",
        "a\rb",
        "a\u{1b}[2J",
        "\u{7f}",
        " a",
        "a ",
        ".hidden",
        "...",
        "~",
        "~root",
        "$HOME",
        "*",
        "?",
        "%2e%2e%2fa",
        "..%2fa",
        "a|b",
        "<a>",
        "\"a\"",
        "'a'",
        "a;b",
        "\u{e9}",
        "e\u{301}",
        "\u{ff0e}\u{ff0e}\u{ff0f}a",
        "\u{2024}\u{2024}/a",
        "\u{202e}txt.exe",
        "\u{200b}",
        "\u{feff}a",
        "\u{430}",
        &long,
        &longer,
    ];
    let mut answers = Vec::new();
    for name in names {
        let shown: String = name.chars().take(40).collect();
        let read = cabinet.read(name);
        answers.push(line("read", &shown, read.as_ref().map(|found| if found.is_some() { "open" } else { "nothing" })));
        let written = cabinet.write(name, b"written");
        answers.push(line("write", &shown, written.as_ref().map(|()| "made")));
        let removed = cabinet.remove(name);
        answers.push(line("remove", &shown, removed.as_ref().map(|was| if *was { "gone" } else { "nothing" })));
        // A prefix and a cursor are no names, and open nothing but what is there.
        for (prefix, cursor) in [(name, None), ("", Some(name)), (name, Some(name))] {
            let page = cabinet.list_files(prefix, cursor, u32::MAX);
            let found = page.map(|page| page.entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>());
            match found {
                Ok(found) => answers.extend(found.iter().map(|found| format!("listed {found:?}"))),
                Err(error) => answers.push(line("list", &shown, Err(&error))),
            }
        }
    }
    answers.sort();
    answers.dedup();
    Ok(Answers { answers })
}

/// Empty files until it is refused; says how many.
pub(crate) fn fill_with_files(args: Name, cx: &Context) -> Result<Count, ToolError> {
    fill(cx, &args.name, b"")
}

/// Files of 5 KiB until it is refused; says how many.
pub(crate) fn fill_with_bytes(args: Name, cx: &Context) -> Result<Count, ToolError> {
    fill(cx, &args.name, &[b'x'; 5 << 10])
}

fn fill(cx: &Context, name: &str, data: &[u8]) -> Result<Count, ToolError> {
    let cabinet = cx.files("cabinet");
    for count in 0.. {
        match cabinet.write(&format!("{name}{count}"), data) {
            Ok(()) => {}
            // As if nothing had happened: what was written until then is to be committed.
            Err(Error::OverQuota(_)) => return Ok(Count { count }),
            Err(error) => return Err(ToolError::new(error.to_string())),
        }
    }
    Err("nobody refused".into())
}

/// An honest tool, for the others to attack: writes, where there is a text, and says what is there.
pub(crate) fn by_name(args: Name, cx: &Context) -> Result<Answers, ToolError> {
    let cabinet = cx.files("cabinet");
    if let Some(text) = &args.text {
        cabinet.write(&args.name, text.as_bytes())?;
    }
    let found = cabinet.read(&args.name)?;
    Ok(Answers { answers: found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).into_iter().collect() })
}

/// Labelled `read`, holds `cabinet:read`, and writes.
pub(crate) fn without_uses(args: Name, cx: &Context) -> Result<Answer, ToolError> {
    cx.files("cabinet").write(&args.name, b"written")?;
    Ok(Answer::text("Written."))
}
