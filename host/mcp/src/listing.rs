//! Pages of `tools/list`, rendered once for each list that the backend gives out.

use std::sync::{Arc, Mutex, PoisonError};

use portcullis_backend::{ToolDescriptor, ToolList};
use portcullis_manifest::PrincipalKey;

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

/// One list, cut into pages.
#[derive(Debug)]
struct Pages {
    /// Holding it keeps its address from being taken by another list.
    tools: Arc<[ToolDescriptor]>,
    pages: Vec<Page>,
}

/// A part of a list, the same for everybody who sees that list.
#[derive(Clone, Debug)]
struct Page {
    /// `"tools":[...]`
    tools: Arc<[u8]>,
    /// How many of the list stand before the next page; nothing, where this is the last one.
    next: Option<usize>,
}

/// A page for one principal.
#[derive(Debug)]
pub(crate) struct Turned {
    /// `"tools":[...]`
    pub(crate) tools: Arc<[u8]>,
    /// Where more follows. Base64url: nothing in it needs an escape.
    pub(crate) next: Option<String>,
    /// Whether the whole list stands on this page, so that there are no cursors, which are private.
    pub(crate) whole: bool,
}

impl Listing {
    pub(crate) fn new(page_size: usize, key: CursorKey) -> Self {
        Self { page_size: page_size.max(1), key, rendered: Mutex::default() }
    }

    /// The page that `cursor` asks for; the first one without.
    pub(crate) fn page(
        &self,
        list: &ToolList,
        principal: &PrincipalKey,
        cursor: Option<&str>,
    ) -> Result<Turned, BadCursor> {
        let start = match cursor {
            None => 0,
            Some(cursor) => {
                let last = self.key.open(principal, list.generation, cursor)?;
                list.tools.partition_point(|tool| tool.name.as_str() <= last.as_str())
            }
        };
        let ready = (start % self.page_size == 0).then(|| self.pages(list).pages.get(start / self.page_size).cloned());
        // The cursor was made when this principal saw other tools, or the list ends exactly here.
        let Page { tools, next } = ready.flatten().unwrap_or_else(|| self.render(list, start));
        let last = next.map(|next| list.tools[next - 1].name.as_str());
        let next = last.map(|last| self.key.make(principal, list.generation, last));
        Ok(Turned { tools, next, whole: list.tools.len() <= self.page_size })
    }

    fn pages(&self, list: &ToolList) -> Arc<Pages> {
        // A poisoned lock guards a list that is whole after every step.
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |pages: &Arc<Pages>| Arc::ptr_eq(&pages.tools, &list.tools);
        if let Some(at) = rendered.iter().rposition(same) {
            let pages = rendered.remove(at);
            rendered.push(Arc::clone(&pages));
            return pages;
        }
        let starts = (0..list.tools.len().max(1)).step_by(self.page_size);
        let pages = starts.map(|start| self.render(list, start)).collect();
        let pages = Arc::new(Pages { tools: Arc::clone(&list.tools), pages });
        if rendered.len() == LISTS {
            rendered.remove(0);
        }
        rendered.push(Arc::clone(&pages));
        pages
    }

    fn render(&self, list: &ToolList, start: usize) -> Page {
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
        let next = (rest.len() > page.len()).then(|| start + page.len());
        Page { tools: out.into(), next }
    }
}
