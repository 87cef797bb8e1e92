//! What one stream is told: that a list which its principal sees has really changed, and that a resource may have.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use portcullis_backend::{Backend, Change, Descriptor, List, ListKind, Task, TaskId, Touched};
use portcullis_manifest::Principal;
use tokio::sync::{
    broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    watch,
};

use super::{Slot, Wanted, closing};

/// Which list has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Changed {
    Tools,
    Prompts,
    /// Or templates of resources.
    Resources,
}

impl Changed {
    pub(crate) const ALL: [Self; 3] = [Self::Tools, Self::Prompts, Self::Resources];

    /// The member of a modern client's filter that asks for it.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Tools => "toolsListChanged",
            Self::Prompts => "promptsListChanged",
            Self::Resources => "resourcesListChanged",
        }
    }

    /// The notification that tells it.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Tools => "notifications/tools/list_changed",
            Self::Prompts => "notifications/prompts/list_changed",
            Self::Resources => "notifications/resources/list_changed",
        }
    }
}

/// What a stream is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    List(Changed),
    Updated(String),
    /// As it is now.
    Task(Box<Task>),
    /// There is nothing more to come.
    Closed,
}

/// One stream's eyes. Dropped, its place is free.
#[derive(Debug)]
pub(crate) struct Watch<B> {
    backend: Arc<B>,
    principal: Principal,
    wanted: Wanted,
    changes: Receiver<Change>,
    closed: watch::Receiver<bool>,
    /// The lists as they were when they were last looked at.
    seen: BTreeMap<ListKind, Arc<List>>,
    /// What is still to be told. While there is any nothing new is taken, so it is never longer than what one look finds.
    told: VecDeque<Event>,
    /// The tasks that are to be told of, once each: in what state is looked up when it is told.
    tasks: BTreeSet<TaskId>,
    _slot: Slot,
}

impl<B: Backend> Watch<B> {
    pub(super) fn new(
        backend: Arc<B>,
        principal: Principal,
        wanted: Wanted,
        slot: Slot,
        closed: watch::Receiver<bool>,
    ) -> Self {
        // First this, so that nothing falls between it and the lists.
        let changes = backend.changes();
        let (seen, told) = (BTreeMap::new(), VecDeque::new());
        // What a task has become while nobody listened is told first.
        let tasks = BTreeSet::clone(&wanted.tasks);
        let mut watch = Self { backend, principal, wanted, changes, closed, seen, told, tasks, _slot: slot };
        watch.look();
        watch.told.clear();
        watch
    }

    /// Who opened it has proven to be `principal`, the same as before. What they see may have changed with what they hold now.
    pub(crate) fn renew(&mut self, principal: &Principal) {
        if *principal != self.principal {
            self.principal = principal.clone();
            self.look();
        }
    }

    /// The next thing to tell. Dropped before it is ready, it has lost nothing.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.told.pop_front() {
                // A legacy client may have ended the subscription meanwhile.
                if matches!(&event, Event::Updated(uri) if !self.wanted.uris.contains(uri)) {
                    continue;
                }
                return event;
            }
            if let Some(&id) = self.tasks.first() {
                let task = self.backend.task(&self.principal, id).await;
                self.tasks.remove(&id);
                // One that is gone, or can't be read now, is asked for by whoever needs it.
                if let Ok(task) = task {
                    return Event::Task(Box::new(task));
                }
                continue;
            }
            tokio::select! {
                biased;
                () = closing(&mut self.closed) => return Event::Closed,
                change = self.changes.recv() => match change {
                    Ok(change) => self.take(Some(change)),
                    Err(RecvError::Lagged(_)) => self.take(None),
                    Err(RecvError::Closed) => return Event::Closed,
                },
            }
        }
    }

    /// Takes a change and all that wait behind it, so that a thousand writes are told once. None: some were missed.
    fn take(&mut self, first: Option<Change>) {
        let (mut catalogue, mut missed, mut touched) = (false, false, Vec::<Arc<dyn Touched>>::new());
        let mut next = first;
        loop {
            match next {
                Some(Change::Catalogue) => catalogue = true,
                Some(Change::Resources(resources)) => touched.push(resources),
                Some(Change::Task { id, principal }) => {
                    if principal == *self.principal.key() && self.wanted.tasks.contains(&id) {
                        self.tasks.insert(id);
                    }
                }
                None => missed = true,
            }
            next = match self.changes.try_recv() {
                Ok(change) => Some(change),
                Err(TryRecvError::Lagged(_)) => None,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            };
        }
        if catalogue || missed {
            self.look();
        }
        if missed {
            self.tasks.extend(self.wanted.tasks.iter());
        }
        if missed || !touched.is_empty() {
            let covered = |uri: &String| missed || touched.iter().any(|one| one.covers(&self.principal, uri));
            let updated = self.wanted.uris.all().into_iter().filter(covered).map(Event::Updated);
            for event in updated.collect::<Vec<_>>() {
                if !self.told.contains(&event) {
                    self.told.push_back(event);
                }
            }
        }
    }

    /// Looks at the lists again, and notes what differs.
    fn look(&mut self) {
        let mut changed = BTreeSet::new();
        let (mut before, mut now) = (None, None);
        for (kind, what) in [
            (ListKind::Tools, Changed::Tools),
            (ListKind::Prompts, Changed::Prompts),
            (ListKind::Templates, Changed::Resources),
            (ListKind::Resources, Changed::Resources),
        ] {
            let wanted = self.wanted.lists.contains(&what);
            // This one in any case: a resource that is subscribed to may have come, gone, or become another one.
            if !wanted && kind != ListKind::Resources {
                continue;
            }
            let list = self.backend.list(kind, &self.principal);
            let old = self.seen.insert(kind, Arc::clone(&list));
            let different = old.as_ref().is_none_or(|old| !same(old, &list));
            if different && wanted {
                changed.insert(what);
            }
            if different && kind == ListKind::Resources {
                (before, now) = (old, Some(list));
            }
        }
        self.told.extend(changed.into_iter().map(Event::List));
        if let (Some(before), Some(now)) = (before, now) {
            let differs = |uri: &String| match (find(&before, uri), find(&now, uri)) {
                (Some(before), Some(now)) => !alike(before, now),
                (before, now) => before.is_some() || now.is_some(),
            };
            self.told.extend(self.wanted.uris.all().into_iter().filter(differs).map(Event::Updated));
        }
    }
}

/// Whether two lists say the same. A catalogue that is made anew makes new lists, most of which say what they did.
fn same(old: &List, new: &List) -> bool {
    Arc::ptr_eq(&old.items, &new.items)
        || (old.items.len() == new.items.len() && old.items.iter().zip(&*new.items).all(|(old, new)| alike(old, new)))
}

fn alike(old: &Descriptor, new: &Descriptor) -> bool {
    old.key == new.key && (Arc::ptr_eq(&old.json, &new.json) || old.json.get() == new.json.get())
}

fn find<'a>(list: &'a List, uri: &str) -> Option<&'a Descriptor> {
    let at = list.items.binary_search_by(|item| (*item.key).cmp(uri)).ok()?;
    list.items.get(at)
}
