//! Commands that print what is kept.

use portcullis_manifest::visible;
use serde_json::{Value, json};

use super::{terminal, unexpected};
use crate::{
    control::{AuditRecord, ReleaseLine, Response, RetiredLine},
    exit::Failure,
};

/// `again` is how the next command names this host.
pub(super) fn published(answer: Response, again: &str) -> Result<(), Failure> {
    let Response::Published { release, new, notes } = answer else { return Err(unexpected()) };
    println!("{}", if new { "published" } else { "was published already" });
    line(&release);
    for note in notes {
        eprintln!("note: {}", visible(&note));
    }
    if release.state == "pending" {
        println!("\napprove it with: portcullis{again} approve {}", release.release);
    }
    Ok(())
}

pub(super) fn approved(answer: Response) -> Result<(), Failure> {
    decided(answer, "approved and served")
}

pub(super) fn withdrawn(answer: Response) -> Result<(), Failure> {
    decided(answer, "withdrawn")
}

fn decided(answer: Response, what: &str) -> Result<(), Failure> {
    let Response::Decided { release, fingerprint, breaks } = answer else { return Err(unexpected()) };
    println!("{what}: {release} ({fingerprint})");
    breaks.iter().for_each(|line| println!("  {}", visible(line)));
    Ok(())
}

pub(super) fn releases(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::Releases { releases } = answer else { return Err(unexpected()) };
    if as_json {
        super::json(&json!(releases));
        return Ok(());
    }
    if releases.is_empty() {
        println!("no releases; `portcullis publish` takes one in");
    }
    releases.iter().for_each(line);
    Ok(())
}

fn line(release: &ReleaseLine) {
    print!("{}", release_lines(release));
}

/// Names, labels and changes are what an approver reads: nothing in them may hide anything.
fn release_lines(release: &ReleaseLine) -> String {
    let ReleaseLine {
        release,
        fingerprint,
        state,
        tools,
        offers,
        published_by,
        approved_by,
        four_eyes,
        without_sign_in,
        changes,
        ..
    } = release;
    let approval = match (approved_by, four_eyes) {
        (Some(by), Some(false)) => format!(", approved by {by} without four eyes"),
        (Some(by), _) => format!(", approved by {by}"),
        _ => String::new(),
    };
    let mut lines =
        vec![format!("{release}  {state}  {fingerprint}"), format!("  published by {published_by}{approval}")];
    let how = |name| if without_sign_in.contains(name) { "  (without sign-in)" } else { "" };
    lines.extend(tools.iter().map(|(name, label)| format!("  {label:<11} {name}{}", how(name))));
    lines.extend(
        offers.iter().map(|(kind, name, at)| format!("  {kind:<11} {name} {at}{}", how(name)).trim_end().to_owned()),
    );
    lines.extend(changes.iter().map(|change| format!("  changes: {change}")));
    lines.iter().map(|line| visible(line) + "\n").collect()
}

pub(super) fn tools(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::Tools { tools, prompts, resources } = answer else { return Err(unexpected()) };
    if as_json {
        super::json(&Value::Array(tools));
        return Ok(());
    }
    if tools.is_empty() {
        println!("no tools are served; `portcullis releases` shows what waits for approval");
    }
    for tool in tools {
        println!("{}", tool_line(&tool));
    }
    for (kind, at, items) in [("prompt", "name", prompts), ("resource", "uri", resources)] {
        for item in items {
            println!("{}", offer_line(kind, at, &item));
        }
    }
    Ok(())
}

/// By its name, or by where it is read.
fn offer_line(kind: &str, at: &str, item: &Value) -> String {
    let text = |value: &Value| visible(value.as_str().unwrap_or_default());
    let at = item.get(at).unwrap_or(&item["uriTemplate"]);
    format!("{kind:<11} {}  {}", text(at), text(&item["title"]))
}

pub(super) fn retired(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::Retired { names } = answer else { return Err(unexpected()) };
    if as_json {
        super::json(&json!(names));
        return Ok(());
    }
    if names.is_empty() {
        println!("every name that was ever served is served");
    }
    for name in &names {
        println!("{}", retired_line(name));
    }
    Ok(())
}

fn retired_line(line: &RetiredLine) -> String {
    let RetiredLine { name, release, since, by, calls, last_call } = line;
    let by = by.as_ref().map_or_else(|| "which was withdrawn".to_owned(), |by| format!("replaced by {by}"));
    let last = last_call.map_or_else(String::new, |at| format!(", last {}", terminal::time(at)));
    visible(&format!("{name}  since {}  {release}, {by}  called {calls} times{last}", terminal::time(*since)))
}

fn tool_line(tool: &Value) -> String {
    let hints = &tool["annotations"];
    let label = match (hints["readOnlyHint"].as_bool(), hints["destructiveHint"].as_bool()) {
        (Some(true), _) => "read",
        (_, Some(true)) => "destructive",
        _ => "write",
    };
    let text = |key: &str| visible(tool[key].as_str().unwrap_or_default());
    format!("{label:<11} {}  {}", text("name"), text("title"))
}

pub(super) fn audit(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::Audit { records } = answer else { return Err(unexpected()) };
    let lines = if as_json {
        records.iter().map(|record| terminal::json(&json!(record).to_string())).collect()
    } else {
        audit_lines(&records)
    };
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// One line for each record, in columns as wide as what stands in them.
fn audit_lines(records: &[AuditRecord]) -> Vec<String> {
    let widest = |text: fn(&AuditRecord) -> &str| records.iter().map(|record| text(record).len()).max().unwrap_or(0);
    let (kinds, classes) = (widest(|record| &record.kind), widest(|record| &record.class));
    let principals = widest(|record| &record.principal);
    let numbers = records.iter().map(|record| record.seq.to_string().len()).max().unwrap_or(0);
    let line = |record: &AuditRecord| {
        let AuditRecord {
            seq,
            at,
            kind,
            class,
            correlation,
            principal,
            tool,
            label,
            fuel,
            memory,
            wall_us,
            count,
            detail,
            ..
        } = record;
        let at = terminal::time(*at);
        let mut line = format!("{seq:>numbers$}  {at}  {kind:<kinds$}  {class:<classes$}  {principal:<principals$}");
        if !tool.is_empty() {
            line += &format!("  {tool}");
        }
        // What was refused ran under no label and used nothing; what is about to run has used nothing yet.
        if !label.is_empty() {
            line += &format!(" [{label}]");
        }
        if !label.is_empty() && !class.is_empty() {
            line += &format!("  fuel {fuel}, {} KiB, {wall_us} us", memory >> 10);
        }
        if *count != 1 {
            line += &format!("  times {count}");
        }
        if !correlation.is_nil() {
            line += &format!("  {correlation}");
        }
        if !detail.is_empty() {
            line += &format!("  {detail}");
        }
        visible(line.trim_end())
    };
    records.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn record(seq: i64, kind: &str, class: &str, tool: &str) -> AuditRecord {
        AuditRecord {
            seq,
            at: 1_795_329_512_209,
            kind: kind.to_owned(),
            class: class.to_owned(),
            correlation: Uuid::nil(),
            principal: "local".to_owned(),
            tool: tool.to_owned(),
            release: String::new(),
            label: if kind == "call" || kind == "intent" { "read".to_owned() } else { String::new() },
            effect: "none".to_owned(),
            fuel: 7,
            memory: 2048,
            wall_us: 9,
            host_calls: 0,
            count: 1,
            detail: String::new(),
        }
    }

    #[test]
    fn audit_records_stand_in_columns_with_their_time() {
        let records = [
            record(1_000_000, "call", "limit-host-calls", "notes_read"),
            record(9, "refused", "bad-arguments", "notes_read"),
            record(8, "intent", "", "notes_read"),
            AuditRecord { principal: String::new(), count: 30, ..record(7, "refused", "host", "") },
        ];
        assert_eq!(
            audit_lines(&records),
            [
                "1000000  2026-11-22T06:38:32.209Z  call     limit-host-calls  local  notes_read [read]  fuel 7, 2 KiB, 9 us",
                "      9  2026-11-22T06:38:32.209Z  refused  bad-arguments     local  notes_read",
                "      8  2026-11-22T06:38:32.209Z  intent                     local  notes_read [read]",
                "      7  2026-11-22T06:38:32.209Z  refused  host                     times 30",
            ]
        );
        assert_eq!(audit_lines(&[]), [""; 0]);
    }

    #[test]
    fn wx_25_what_a_manifest_says_is_printed_as_text_that_no_terminal_obeys() {
        let hostile = "a\u{1b}[2J\u{202e}\nb";
        let printed = audit_lines(&[AuditRecord { detail: hostile.to_owned(), ..record(1, "admin", "publish", "") }]);
        assert!(printed[0].ends_with(r"  a\u{1b}[2J\u{202e}\u{a}b"), "{printed:?}");
        let printed = tool_line(&json!({ "name": "notes_read", "title": hostile }));
        assert_eq!(printed, r"write       notes_read  a\u{1b}[2J\u{202e}\u{a}b");
        let printed = retired_line(&RetiredLine {
            name: hostile.to_owned(),
            release: "notes@1.0.0".to_owned(),
            since: 1_795_329_512_209,
            by: None,
            calls: 2,
            last_call: Some(1_795_329_512_209),
        });
        let at = "2026-11-22T06:38:32.209Z";
        let said = format!(" since {at}  notes@1.0.0, which was withdrawn  called 2 times, last {at}");
        assert!(printed.ends_with(&said) && printed.starts_with(r"a\u{1b}[2J"), "{printed}");
        let printed = release_lines(&ReleaseLine {
            release: "notes@1.0.0".to_owned(),
            fingerprint: "sha256:00".to_owned(),
            state: "pending".to_owned(),
            tools: vec![(hostile.to_owned(), "read".to_owned())],
            offers: vec![
                ("resource".to_owned(), "notes_page".to_owned(), "docs://pages/{+path}".to_owned()),
                ("prompt".to_owned(), "notes_summary".to_owned(), String::new()),
            ],
            published_by: "uid:0".to_owned(),
            published_at: 0,
            approved_by: None,
            four_eyes: None,
            without_sign_in: Vec::new(),
            changes: vec![hostile.to_owned()],
        });
        assert_eq!(
            printed,
            concat!(
                "notes@1.0.0  pending  sha256:00\n  published by uid:0\n",
                r"  read        a\u{1b}[2J\u{202e}\u{a}b",
                "\n  resource    notes_page docs://pages/{+path}\n  prompt      notes_summary\n",
                r"  changes: a\u{1b}[2J\u{202e}\u{a}b",
                "\n"
            )
        );
    }
}
