//! A notebook: notes under the keys `note/ID`, newest first.

use std::time::SystemTime;

use portcullis_plugin::{
    ToolError,
    kv::{Error, KeyValue},
    log,
};
use serde::Serialize;

use crate::{
    excerpt::{Needle, excerpt},
    note::{Id, Note, timestamp},
};

const PREFIX: &str = "note/";

/// What one search looks at before it gives a cursor: well inside the plugin's fuel and time.
const MOST_NOTES: usize = 2_000;
const MOST_BYTES: usize = 2 << 20;

pub(crate) struct Notebook<R> {
    rows: R,
}

/// What a search found.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) notes: Vec<Hit>,
    /// The last note that was looked at, if there are older ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Id>,
}

/// A note, shortened.
#[derive(Debug, Serialize)]
pub(crate) struct Hit {
    pub(crate) id: Id,
    pub(crate) title: String,
    pub(crate) snippet: String,
    pub(crate) created: String,
}

impl<R: KeyValue> Notebook<R> {
    pub(crate) fn new(rows: R) -> Self {
        Self { rows }
    }

    /// A new note. Two in one millisecond are told apart by `random`.
    pub(crate) fn create(
        &self,
        title: &str,
        body: String,
        now: SystemTime,
        random: impl Fn() -> Result<u32, ToolError>,
    ) -> Result<Note, ToolError> {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() {
            return Err("The title has nothing in it to read. Give the note a short title.".into());
        }
        let created = timestamp(now)?;
        let mut note = Note { id: Id::new(now, random()?), title, body, updated: created.clone(), created };
        for _ in 0..8 {
            if self.rows.create_json(&key(&note.id), &note)? {
                return Ok(note);
            }
            note.id = Id::new(now, random()?);
        }
        Err("The note was not saved: every id that was tried is taken. Try again.".into())
    }

    /// The notes with `query` in title or body, newest first, that come after the cursor.
    pub(crate) fn search(&self, query: &str, limit: usize, after: Option<&Id>) -> Result<Found, ToolError> {
        let needle = Needle::new(query);
        let after = after.map(key);
        let mut notes = Vec::new();
        let (mut looked_at, mut bytes) = (0, 0);
        let mut last = None;
        for found in self.rows.keys(PREFIX) {
            let found = found?;
            // The cursor is the last note's own key and not the host's: it stays right when notes come and go.
            if after.as_ref().is_some_and(|after| found <= *after) {
                continue;
            }
            if notes.len() >= limit || looked_at >= MOST_NOTES || bytes >= MOST_BYTES {
                return Ok(Found { notes, next: last });
            }
            // Reading one that is gone, or was not written by this code, must not hide all others.
            match self.rows.get_json::<Note>(&found) {
                Ok(Some(note)) => {
                    bytes += note.title.len() + note.body.len();
                    last = Some(note.id.clone());
                    notes.extend(hit(&needle, note));
                }
                Ok(None) => {}
                Err(Error::NotJson(reason)) => log::warn!("left out of a search: {reason}"),
                Err(error) => return Err(error.into()),
            }
            looked_at += 1;
        }
        Ok(Found { notes, next: None })
    }

    pub(crate) fn read(&self, id: &Id) -> Result<Note, ToolError> {
        self.rows.get_json(&key(id))?.ok_or_else(|| no_note(id))
    }

    /// Gives what was deleted.
    pub(crate) fn delete(&self, id: &Id) -> Result<Note, ToolError> {
        let note = self.read(id)?;
        if self.rows.delete(&key(id))? { Ok(note) } else { Err(no_note(id)) }
    }
}

fn key(id: &Id) -> String {
    format!("{PREFIX}{id}")
}

fn hit(needle: &Needle, note: Note) -> Option<Hit> {
    let place = needle.find(&note.body);
    if place.is_none() && needle.find(&note.title).is_none() {
        return None;
    }
    Some(Hit { id: note.id, title: note.title, snippet: excerpt(&note.body, place), created: note.created })
}

fn no_note(id: &Id) -> ToolError {
    ToolError::new(format!(
        "There is no note with the id {id}. It may have been deleted. Use search to find notes and their ids."
    ))
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use portcullis_plugin::kv::Memory;

    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000 + second)
    }

    /// Notes `n 0`, `n 1` and so on, the last one newest.
    fn notebook(count: u64) -> Notebook<Memory> {
        let notebook = Notebook::new(Memory::new());
        for n in 0..count {
            let body = if n % 2 == 0 { "an Even number" } else { "an odd number" };
            notebook.create(&format!("n {n}"), body.into(), at(n), || Ok(7)).expect("saved");
        }
        notebook
    }

    fn titles(found: &Found) -> Vec<&str> {
        found.notes.iter().map(|hit| hit.title.as_str()).collect()
    }

    #[test]
    fn a_note_that_was_created_can_be_read() {
        let notebook = notebook(0);
        let note = notebook.create(" Milk\nand  bread ", "two litres".into(), at(0), || Ok(7)).expect("saved");
        assert_eq!(note.title, "Milk and bread");
        assert_eq!(note.created, note.updated);
        assert_eq!(notebook.read(&note.id), Ok(note));
    }

    #[test]
    fn a_blank_title_is_refused() {
        let error = notebook(0).create(" \n", String::new(), at(0), || Ok(7)).expect_err("blank");
        assert!(error.to_string().contains("title"), "{error}");
    }

    #[test]
    fn two_notes_of_one_millisecond_get_two_ids() {
        let notebook = notebook(0);
        let random = Cell::new(0);
        let next = || Ok(random.replace(random.get() + 1) / 2);
        let a = notebook.create("a", String::new(), at(0), next).expect("saved");
        let b = notebook.create("b", String::new(), at(0), next).expect("saved");
        assert_ne!(a.id, b.id);
        assert_eq!(notebook.read(&a.id), Ok(a));
    }

    #[test]
    fn a_note_is_never_written_over_another() {
        let notebook = notebook(0);
        notebook.create("a", String::new(), at(0), || Ok(1)).expect("saved");
        let error = notebook.create("b", String::new(), at(0), || Ok(1)).expect_err("the only id is taken");
        assert!(error.to_string().contains("not saved"), "{error}");
        assert_eq!(titles(&notebook.search("", 10, None).expect("no error")), ["a"]);
    }

    #[test]
    fn search_gives_the_newest_first() {
        assert_eq!(titles(&notebook(3).search("", 10, None).expect("no error")), ["n 2", "n 1", "n 0"]);
    }

    #[test]
    fn search_looks_at_title_and_body_and_not_at_case() {
        let notebook = notebook(4);
        assert_eq!(titles(&notebook.search("EVEN", 10, None).expect("no error")), ["n 2", "n 0"]);
        assert_eq!(titles(&notebook.search("N 3", 10, None).expect("no error")), ["n 3"]);
        assert!(notebook.search("nothing of it", 10, None).expect("no error").notes.is_empty());
    }

    #[test]
    fn pages_join_without_gap_or_repeat_while_notes_come_and_go() {
        let notebook = notebook(25);
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let found = notebook.search("number", 10, cursor.as_ref()).expect("no error");
            all.extend(titles(&found).into_iter().map(str::to_owned));
            let Some(next) = found.next else { break };
            notebook.create("newer", "number".into(), at(1000 + all.len() as u64), || Ok(7)).expect("saved");
            notebook.delete(&next).expect("it was just found");
            cursor = Some(next);
        }
        assert_eq!(all, (0..25).rev().map(|n| format!("n {n}")).collect::<Vec<_>>());
    }

    #[test]
    fn there_is_no_cursor_when_the_last_note_was_looked_at() {
        let notebook = notebook(10);
        assert_eq!(notebook.search("", 10, None).expect("no error").next, None);
        assert!(notebook.search("", 9, None).expect("no error").next.is_some());
    }

    #[test]
    fn a_search_without_end_stops_and_says_where() {
        let notebook = notebook(MOST_NOTES as u64 + 1);
        let found = notebook.search("n 0", 10, None).expect("no error");
        assert!(found.notes.is_empty());
        let found = notebook.search("n 0", 10, found.next.as_ref()).expect("no error");
        assert_eq!(titles(&found), ["n 0"]);
    }

    #[test]
    fn what_is_no_note_does_not_hide_the_others() {
        let notebook = notebook(2);
        notebook.rows.set("note/00000000000000000000", b"{").expect("a good key");
        assert_eq!(notebook.search("", 10, None).expect("no error").notes.len(), 2);
    }

    #[test]
    fn a_deleted_note_is_gone_and_the_error_says_how_to_go_on() {
        let notebook = notebook(1);
        let id = notebook.search("", 1, None).expect("no error").notes.remove(0).id;
        assert_eq!(notebook.delete(&id).expect("it is there").title, "n 0");
        for error in [notebook.read(&id).expect_err("gone"), notebook.delete(&id).expect_err("gone")] {
            let text = error.to_string();
            assert!(text.contains(&id.to_string()) && text.contains("Use search"), "{text}");
        }
    }
}
