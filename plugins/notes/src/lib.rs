//! Personal notes. This file has the four tools: what they take, and how they word what they give. What a notebook is
//! stands in `notebook.rs`, and is tested without a host.

mod excerpt;
mod note;
mod notebook;

use std::time::SystemTime;

use portcullis_plugin::{Answer, Context, ToolError, plugin};
use serde::{Deserialize, Serialize};

use note::{Id, Note};
use notebook::{Found, Notebook};

plugin! { tools: { "create" => create, "search" => search, "read" => read, "delete" => delete } }

#[derive(Deserialize)]
struct Create {
    title: String,
    body: String,
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    query: String,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct One {
    id: String,
}

#[derive(Serialize)]
struct Deleted {
    id: Id,
    title: String,
}

fn create(args: Create, cx: &Context) -> Result<Answer, ToolError> {
    let note = notebook(cx).create(&args.title, args.body, SystemTime::now(), random)?;
    let text = format!("Saved the note \"{}\" with the id {}.", note.title, note.id);
    Ok(Answer::text(text).structured(&note))
}

fn search(args: Search, cx: &Context) -> Result<Answer, ToolError> {
    let after = args.cursor.as_deref().map(Id::parse).transpose()?;
    let found = notebook(cx).search(&args.query, args.limit.unwrap_or(10), after.as_ref())?;
    Ok(Answer::text(found_text(args.query.trim(), &found)).structured(&found))
}

fn read(args: One, cx: &Context) -> Result<Answer, ToolError> {
    let note = notebook(cx).read(&Id::parse(&args.id)?)?;
    let text = format!("{}\n(created {})\n\n{}", note.title, note.created, note.body);
    Ok(Answer::text(text).structured(&note))
}

fn delete(args: One, cx: &Context) -> Result<Answer, ToolError> {
    let Note { id, title, .. } = notebook(cx).delete(&Id::parse(&args.id)?)?;
    let text = format!("Deleted the note \"{title}\" with the id {id}. It can't be brought back.");
    Ok(Answer::text(text).structured(&Deleted { id, title }))
}

/// The rows behind `[capability.notebook]` of `plugin.toml`.
fn notebook(cx: &Context) -> Notebook<impl portcullis_plugin::kv::KeyValue> {
    Notebook::new(cx.kv("notebook"))
}

fn random() -> Result<u32, ToolError> {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(u32::from_le_bytes(bytes)),
        Err(error) => Err(ToolError::new(format!("The host gave no random bytes: {error}"))),
    }
}

fn found_text(query: &str, found: &Found) -> String {
    let count = found.notes.len();
    let mut text = match (count, query.is_empty(), &found.next) {
        (0, true, None) => "There are no notes yet.".to_owned(),
        (0, false, None) => format!("No note contains \"{query}\". Try a shorter or another word."),
        (0, _, Some(_)) => "Nothing among the notes that were looked at.".to_owned(),
        (1, ..) => "1 note:".to_owned(),
        _ => format!("{count} notes, newest first:"),
    };
    for hit in &found.notes {
        text += &format!("\n- {} (id {}, {})", hit.title, hit.id, hit.created);
        if !hit.snippet.is_empty() {
            text += &format!("\n  {}", hit.snippet);
        }
    }
    if let Some(next) = &found.next {
        text += &format!("\nThere are older notes. To go on, search again with cursor {next}.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(count: usize, next: bool) -> Found {
        let id = || Id::parse("fe63c2b1a0ff00000001").expect("an id");
        let hit = || notebook::Hit {
            id: id(),
            title: "Milk".into(),
            snippet: "two litres".into(),
            created: "2026-11-22T05:00:00Z".into(),
        };
        Found { notes: (0..count).map(|_| hit()).collect(), next: next.then(id) }
    }

    #[test]
    fn the_text_of_an_empty_search_says_what_to_try() {
        assert_eq!(found_text("", &found(0, false)), "There are no notes yet.");
        assert!(found_text("milk", &found(0, false)).contains("another word"));
        assert!(found_text("milk", &found(0, true)).contains("cursor fe63c2b1a0ff00000001"));
    }

    #[test]
    fn the_text_of_a_search_has_the_id_of_each_note() {
        let text = found_text("milk", &found(2, true));
        assert_eq!(text.matches("id fe63c2b1a0ff00000001").count(), 2, "{text}");
        assert!(text.starts_with("2 notes, newest first:"), "{text}");
    }
}
