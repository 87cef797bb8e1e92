//! Pages of lists, rendered once for each list that the backend gives out.

use std::sync::{Arc, Mutex, PoisonError};

use portcullis_backend::{Descriptor, List, ListKind};
use portcullis_manifest::PrincipalKey;

use crate::cursor::{BadCursor, CursorKey};

/// How many different lists are kept rendered. Each is what some principals see of one kind.
const LISTS: usize = 32;

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
    kind: ListKind,
    /// Holding it keeps its address from being taken by another list.
    items: Arc<[Descriptor]>,
    pages: Vec<Page>,
}

/// A part of a list, the same for everybody who sees that list.
#[derive(Clone, Debug)]
struct Page {
    /// `"tools":[...]`, or what else the list is called.
    items: Arc<[u8]>,
    /// How many of the list stand before the next page; nothing, where this is the last one.
    next: Option<usize>,
}

/// A page for one principal.
#[derive(Debug)]
pub(crate) struct Turned {
    /// `"tools":[...]`, or what else the list is called.
    pub(crate) items: Arc<[u8]>,
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
        kind: ListKind,
        list: &List,
        principal: &PrincipalKey,
        cursor: Option<&str>,
    ) -> Result<Turned, BadCursor> {
        let start = match cursor {
            None => 0,
            Some(cursor) => {
                let last = self.key.open(kind, principal, list.generation, cursor)?;
                list.items.partition_point(|item| &*item.key <= last.as_str())
            }
        };
        let ready =
            (start % self.page_size == 0).then(|| self.pages(kind, list).pages.get(start / self.page_size).cloned());
        // The cursor was made when this principal saw something else, or the list ends exactly here.
        let Page { items, next } = ready.flatten().unwrap_or_else(|| self.render(kind, list, start));
        let last = next.map(|next| &*list.items[next - 1].key);
        let next = last.map(|last| self.key.make(kind, principal, list.generation, last));
        Ok(Turned { items, next, whole: list.items.len() <= self.page_size })
    }

    fn pages(&self, kind: ListKind, list: &List) -> Arc<Pages> {
        // A poisoned lock guards a list that is whole after every step.
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |pages: &Arc<Pages>| pages.kind == kind && Arc::ptr_eq(&pages.items, &list.items);
        if let Some(at) = rendered.iter().rposition(same) {
            let pages = rendered.remove(at);
            rendered.push(Arc::clone(&pages));
            return pages;
        }
        let starts = (0..list.items.len().max(1)).step_by(self.page_size);
        let pages = starts.map(|start| self.render(kind, list, start)).collect();
        let pages = Arc::new(Pages { kind, items: Arc::clone(&list.items), pages });
        if rendered.len() == LISTS {
            rendered.remove(0);
        }
        rendered.push(Arc::clone(&pages));
        pages
    }

    fn render(&self, kind: ListKind, list: &List, start: usize) -> Page {
        let rest = &list.items[start.min(list.items.len())..];
        let page = &rest[..rest.len().min(self.page_size)];
        let mut out = format!(r#""{}":["#, member(kind)).into_bytes();
        for (at, item) in page.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            // JSON has line breaks only between tokens, where a space means the same; a stream must not see them (MC-12).
            out.extend(item.json.get().bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        }
        out.push(b']');
        let next = (rest.len() > page.len()).then(|| start + page.len());
        Page { items: out.into(), next }
    }
}

/// The member of the result that holds the list.
fn member(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Tools => "tools",
        ListKind::Resources => "resources",
        ListKind::Templates => "resourceTemplates",
        ListKind::Prompts => "prompts",
    }
}
