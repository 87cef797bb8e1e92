//! `deny`, `allow` and `denied`: who is shut out.

use std::time::SystemTime;

use portcullis_manifest::visible;
use serde_json::json;

use super::{terminal, unexpected};
use crate::{
    cli::{DeniedArgs, DeniedWhat},
    control::{DeniedEntryLine, DeniedLine, DeniedWord, FailuresLine, Response},
    exit::Failure,
};

/// What the arguments name. Clap has seen to it that it is exactly one thing.
pub(super) fn line(arguments: DeniedArgs) -> DeniedLine {
    let DeniedArgs { what: DeniedWhat { subject, client, token, issued_before }, issuer } = arguments;
    let issuer = issuer.unwrap_or_default();
    let (kind, value) = match (subject, client, token, issued_before) {
        (Some(value), ..) => (DeniedWord::Subject, value),
        (_, Some(value), ..) => (DeniedWord::Client, value),
        (_, _, Some(value), _) => (DeniedWord::Token, value),
        (.., value) => (DeniedWord::Issued, value.map(time).unwrap_or_default()),
    };
    DeniedLine { kind, issuer, value }
}

/// `now`, or what the host will look at.
fn time(given: String) -> String {
    match given.as_str() {
        "now" => SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs().to_string(),
        _ => given,
    }
}

pub(super) fn denied(answer: Response) -> Result<(), Failure> {
    changed(answer, "shut out")
}

pub(super) fn allowed(answer: Response) -> Result<(), Failure> {
    changed(answer, "no longer shut out")
}

fn changed(answer: Response, what: &str) -> Result<(), Failure> {
    let Response::DeniedChanged { denied } = answer else { return Err(unexpected()) };
    println!("{what}: {}", words(&denied));
    Ok(())
}

pub(super) fn list(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::DeniedList { entries } = answer else { return Err(unexpected()) };
    if as_json {
        super::json(&json!(entries));
        return Ok(());
    }
    if entries.is_empty() {
        println!("nobody is shut out");
    }
    for entry in &entries {
        println!("{}", entry_line(entry));
    }
    Ok(())
}

pub(super) fn failures(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::Failures { planes } = answer else { return Err(unexpected()) };
    if as_json {
        super::json(&json!(planes));
        return Ok(());
    }
    if planes.is_empty() {
        println!(
            "no access tokens are taken here: there is no issuer in the configuration, or no host serves this data directory"
        );
    }
    for plane in &planes {
        println!("{}", failures_line(plane));
    }
    Ok(())
}

fn failures_line(line: &FailuresLine) -> String {
    let FailuresLine { plane, refused, client_over, unseen, alerts, webhooks, webhooks_lost } = line;
    format!(
        "{:<5}  {refused} refused, {client_over} of them as too many of their client; {unseen} not looked at; {alerts} alerts, \
         {webhooks} taken by the webhook, {webhooks_lost} lost",
        visible(plane)
    )
}

fn entry_line(entry: &DeniedEntryLine) -> String {
    format!("{}  {}  by {}", terminal::time(entry.at), words(&entry.denied), visible(&entry.by))
}

/// Subjects and clients are texts of somebody else's.
fn words(line: &DeniedLine) -> String {
    let DeniedLine { kind, issuer, value } = line;
    let of = if issuer.is_empty() { "any issuer".to_owned() } else { visible(issuer) };
    let value = visible(value);
    match kind {
        DeniedWord::Subject => format!("subject {value} of {of}"),
        DeniedWord::Client => format!("client {value} of {of}"),
        DeniedWord::Token => format!("token {value} of {of}"),
        DeniedWord::Issued => {
            let at = value.parse().ok().and_then(|seconds: i64| seconds.checked_mul(1000)).map(terminal::time);
            format!("tokens of {of} issued before {value} ({})", at.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parsed(arguments: &[&str]) -> Result<DeniedLine, clap::Error> {
        let cli = Cli::try_parse_from(["portcullis", "deny"].iter().chain(arguments))?;
        match cli.command {
            Command::Deny(arguments) => Ok(line(arguments)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn au_25_exactly_one_thing_is_named() {
        let found = parsed(&["--subject", "auth0|7", "--issuer", "https://a.example/"]).unwrap();
        let subject = DeniedLine {
            kind: DeniedWord::Subject,
            issuer: "https://a.example/".to_owned(),
            value: "auth0|7".to_owned(),
        };
        assert_eq!(found, subject);
        assert_eq!(parsed(&["--client", "chat"]).unwrap().kind, DeniedWord::Client);
        assert_eq!(parsed(&["--token", "-x"]).unwrap().value, "-x");
        assert_eq!(parsed(&["--issued-before", "1795000000"]).unwrap().value, "1795000000");
        assert!(parsed(&["--issued-before", "now"]).unwrap().value.parse::<u64>().unwrap() > 1_700_000_000);
        for wrong in [&[][..], &["--issuer", "https://a.example"], &["--subject", "a", "--client", "b"]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn wx_25_what_an_issuer_calls_its_subjects_is_printed_as_text_that_no_terminal_obeys() {
        let hostile = "a\u{1b}[2J\u{202e}";
        let denied = DeniedLine { kind: DeniedWord::Subject, issuer: hostile.to_owned(), value: hostile.to_owned() };
        let printed = entry_line(&DeniedEntryLine { denied, by: hostile.to_owned(), at: 0 });
        let plain = r"a\u{1b}[2J\u{202e}";
        assert_eq!(printed, format!("1970-01-01T00:00:00.000Z  subject {plain} of {plain}  by {plain}"));
    }

    #[test]
    fn a_time_is_printed_as_people_read_it() {
        let line = DeniedLine { kind: DeniedWord::Issued, issuer: String::new(), value: "1795000000".to_owned() };
        assert_eq!(words(&line), "tokens of any issuer issued before 1795000000 (2026-11-18T11:06:40.000Z)");
    }
}
