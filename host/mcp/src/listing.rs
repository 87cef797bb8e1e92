//! Pages of `tools/list`, rendered once for each list that the backend gives out.

use std::sync::{Arc, Mutex, PoisonError};

use portcullis_backend::{ToolDescriptor, ToolList};

use crate::cursor::{BadCursor, CursorKey};

/// How many different lists are kept rendered. Each is one set of tools that some principals see.
const LISTS: usize = 16;

/// Renders and remembers pages.
#[derive(Debug)]
pub(crate) struct Listing {
    page_size: usize,
    key: CursorKey,
    /// The one used last stands at the end.
    rendered: Mutex<Vec<Arc<Pages>>>,
}

/// One list, cut into pages: `"tools":[...]` and, where more follows, `,"nextCursor":"..."`.
#[derive(Debug)]
struct Pages {
    /// Holding it keeps its address from being taken by another list.
    tools: Arc<[ToolDescriptor]>,
    generation: u64,
    pages: Vec<Arc<[u8]>>,
}

impl Listing {
    pub(crate) fn new(page_size: usize, key: CursorKey) -> Self {
        Self { page_size: page_size.max(1), key, rendered: Mutex::default() }
    }

    /// The page that `cursor` asks for; the first one without.
    pub(crate) fn page(&self, list: &ToolList, cursor: Option<&str>) -> Result<Arc<[u8]>, BadCursor> {
        let start = match cursor {
            None => 0,
            Some(cursor) => {
                let last = self.key.open(list.generation, cursor)?;
                list.tools.partition_point(|tool| tool.name.as_str() <= last.as_str())
            }
        };
        if start % self.page_size == 0 {
            let pages = self.pages(list);
            if let Some(page) = pages.pages.get(start / self.page_size) {
                return Ok(Arc::clone(page));
            }
        }
        // The cursor was made for a principal who sees other tools, or the list ends exactly here.
        Ok(self.render(list, start))
    }

    fn pages(&self, list: &ToolList) -> Arc<Pages> {
        // A poisoned lock guards a list that is whole after every step.
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |pages: &Arc<Pages>| Arc::ptr_eq(&pages.tools, &list.tools) && pages.generation == list.generation;
        if let Some(at) = rendered.iter().rposition(same) {
            let pages = rendered.remove(at);
            rendered.push(Arc::clone(&pages));
            return pages;
        }
        let starts = (0..list.tools.len().max(1)).step_by(self.page_size);
        let pages = starts.map(|start| self.render(list, start)).collect();
        let pages = Arc::new(Pages { tools: Arc::clone(&list.tools), generation: list.generation, pages });
        if rendered.len() == LISTS {
            rendered.remove(0);
        }
        rendered.push(Arc::clone(&pages));
        pages
    }

    fn render(&self, list: &ToolList, start: usize) -> Arc<[u8]> {
        let rest = &list.tools[start.min(list.tools.len())..];
        let page = &rest[..rest.len().min(self.page_size)];
        let mut out = br#""tools":["#.to_vec();
        for (at, tool) in page.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            // JSON has line breaks only between tokens, where a space means the same; a stream must not see them (MC-12).
            out.extend(tool.json.get().bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        }
        out.push(b']');
        if let Some(last) = page.last()
            && rest.len() > page.len()
        {
            let cursor = self.key.make(list.generation, last.name.as_str());
            // A cursor is base64url: nothing in it needs an escape.
            out.extend_from_slice(format!(r#","nextCursor":"{cursor}""#).as_bytes());
        }
        out.into()
    }
}
