//! Commands that print what is kept.

use serde_json::{Value, json};

use super::unexpected;
use crate::{
    control::{AuditRecord, ReleaseLine, Response},
    exit::Failure,
};

pub(super) fn published(answer: Response) -> Result<(), Failure> {
    let Response::Published { release, new } = answer else { return Err(unexpected()) };
    println!("{}", if new { "published" } else { "was published already" });
    line(&release);
    if release.state == "pending" {
        println!("\napprove it with: portcullis approve {}", release.release);
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
    let Response::Decided { release, fingerprint } = answer else { return Err(unexpected()) };
    println!("{what}: {release} ({fingerprint})");
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
    let ReleaseLine { release, fingerprint, state, tools, published_by, approved_by, four_eyes, changes, .. } = release;
    println!("{release}  {state}  {fingerprint}");
    let approval = match (approved_by, four_eyes) {
        (Some(by), Some(false)) => format!(", approved by {by} without four eyes"),
        (Some(by), _) => format!(", approved by {by}"),
        _ => String::new(),
    };
    println!("  published by {published_by}{approval}");
    for (name, label) in tools {
        println!("  {label:<11} {name}");
    }
    for change in changes {
        println!("  changes: {change}");
    }
}

pub(super) fn tools(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::Tools { tools } = answer else { return Err(unexpected()) };
    if as_json {
        super::json(&Value::Array(tools));
        return Ok(());
    }
    if tools.is_empty() {
        println!("no tools are served; `portcullis releases` shows what waits for approval");
    }
    for tool in tools {
        let hints = &tool["annotations"];
        let label = match (hints["readOnlyHint"].as_bool(), hints["destructiveHint"].as_bool()) {
            (Some(true), _) => "read",
            (_, Some(true)) => "destructive",
            _ => "write",
        };
        let text = |key: &str| tool[key].as_str().unwrap_or_default().to_owned();
        println!("{label:<11} {}  {}", text("name"), text("title"));
    }
    Ok(())
}

pub(super) fn audit(answer: Response, as_json: bool) -> Result<(), Failure> {
    let Response::Audit { records } = answer else { return Err(unexpected()) };
    for record in &records {
        if as_json {
            println!("{}", json!(record));
            continue;
        }
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
        let mut line = format!("{seq:>6}  {at}  {kind:<7} {class:<14} {principal}");
        if !tool.is_empty() {
            line += &format!("  {tool} [{label}]  fuel {fuel}, {} KiB, {wall_us} us", memory >> 10);
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
        println!("{line}");
    }
    Ok(())
}
