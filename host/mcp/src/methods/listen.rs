//! `subscriptions/listen`, which modern clients send, `resources/subscribe` and `resources/unsubscribe`, which legacy ones
//! do, and what both are told.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use portcullis_backend::{Backend, TaskId};
use portcullis_manifest::{Principal, PrincipalKey};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::tasks::{declared, write_task};
use crate::{
    asking::Holder,
    codec::{Field, Id, Params},
    fault::Fault,
    http::takes_events,
    hub::{Changed, Event, Slot, TooManyStreams, Uris, Wanted, Watch},
    protocol::{Protocol, Via},
    reply::{self, Outcome, Reply, write},
};

/// The member of `_meta` that says which request a message belongs to.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

const FILTER: &str = "`params.notifications` must be an object: `toolsListChanged`, `promptsListChanged` and \
    `resourcesListChanged` are true or false, `resourceSubscriptions` is a list of URIs, `taskIds` is a list of texts";

/// A `subscriptions/listen` that has been granted.
#[derive(Debug)]
pub(crate) struct Listen {
    pub(crate) id: Id,
    principal: Principal,
    wanted: Wanted,
    slot: Slot,
}

impl<B: Backend> Protocol<B> {
    pub(crate) async fn listen(
        &self,
        principal: &Principal,
        via: Via<'_>,
        id: &Id,
        mut params: Params,
    ) -> Result<Outcome, Fault> {
        if let Via::Http { headers, .. } = via
            && !takes_events(headers)
        {
            return Err(Fault::wants_events());
        }
        let Field::Is(mut filter) = params.notifications.take() else { return Err(Fault::params(FILTER)) };
        let tasks = match filter.remove("taskIds") {
            None => BTreeSet::new(),
            Some(ids) => {
                declared(&params)?;
                self.tasks_of(principal, ids).await?
            }
        };
        let wanted = Wanted { tasks: tasks.into(), ..wanted(filter, self.hub.limits().uris)? };
        let slot = self.enter(principal.key()).map_err(Fault::too_many_streams)?;
        Ok(Outcome::Listen(Box::new(Listen { id: id.clone(), principal: principal.clone(), wanted, slot })))
    }

    /// Those that are this principal's. Others are passed over, as what was never there.
    async fn tasks_of(&self, principal: &Principal, ids: Value) -> Result<BTreeSet<TaskId>, Fault> {
        let Value::Array(ids) = ids else { return Err(Fault::params(FILTER)) };
        let limit = self.hub.limits().uris;
        if ids.len() > limit {
            return Err(Fault::params(format!("one stream tells of at most {limit} tasks")));
        }
        let mut own = BTreeSet::new();
        for id in ids {
            let Value::String(id) = id else { return Err(Fault::params(FILTER)) };
            if let Ok(id) = id.parse()
                && self.backend.task(principal, id).await.is_ok()
            {
                own.insert(id);
            }
        }
        Ok(own)
    }

    /// Begins what was granted: what is to be sent first, and what tells the rest.
    pub(crate) fn begin(&self, listen: Listen) -> (Bytes, Watch<B>) {
        let Listen { id, principal, wanted, slot } = listen;
        let first = acknowledged(&id, &wanted);
        (first, self.hub.watch(&self.backend, principal, wanted, slot))
    }

    /// On a stream: sends what is told to `out`, among everything else that goes there, until there is no more.
    pub(crate) async fn listen_on(&self, listen: Listen, out: &mpsc::Sender<Bytes>) -> Option<Reply> {
        let id = listen.id.clone();
        let (first, mut watch) = self.begin(listen);
        out.send(first).await.ok()?;
        loop {
            match watch.next().await {
                Event::Closed => return Some(self.listened(&id)),
                event => out.send(notification(&event, Some(&id))).await.ok()?,
            }
        }
    }

    /// The result with which a stream ends that the server ends.
    pub(crate) fn listened(&self, id: &Id) -> Reply {
        let mut out = reply::open(id, 256);
        out.extend_from_slice(br#"{"resultType":"complete","_meta":{"#);
        write_subscription(&mut out, id);
        out.push(b',');
        out.extend_from_slice(self.texts.server_member.as_bytes());
        out.extend_from_slice(b"}}");
        Reply::result(reply::close(out))
    }

    /// Lets one more stream be open. One whose client is not there any more makes room for one whose client is: it is kept only so
    /// that the client can come back for it.
    pub(crate) fn enter(&self, of: &PrincipalKey) -> Result<Slot, TooManyStreams> {
        match self.hub.enter(of) {
            Err(TooManyStreams::OfPrincipal(_)) if self.streams.give_up_left(of).is_some() => {
                Ok(self.hub.enter_instead(of))
            }
            entered => entered,
        }
    }

    /// What a session has subscribed to. The same makes room for one more session.
    pub(crate) fn subscriptions(&self, holder: &Holder) -> Result<Arc<Uris>, TooManyStreams> {
        let subscriptions = self.hub.subscriptions(holder);
        let Err(TooManyStreams::OfPrincipal(_)) = subscriptions else { return subscriptions };
        let Some(left) = self.streams.give_up_left(&holder.principal) else { return subscriptions };
        self.hub.forget(&left);
        self.hub.subscriptions(holder)
    }

    pub(crate) fn subscribe(
        &self,
        principal: &Principal,
        via: Via<'_>,
        id: &Id,
        mut params: Params,
        begins: bool,
    ) -> Result<Reply, Fault> {
        let Field::Is(uri) = params.uri.take() else {
            return Err(Fault::params("`params.uri` must be a string: the URI of a resource"));
        };
        let holder = self.session(principal, via).ok_or_else(Fault::no_session)?.holder;
        let uris = self.subscriptions(&holder).map_err(Fault::too_many_streams)?;
        if begins {
            uris.insert(uri).map_err(|too_many| Fault::params(too_many.to_string()))?;
        } else {
            uris.remove(&uri);
        }
        Ok(Reply::result(reply::rendered(id, b"{}")))
    }
}

/// What is asked for. Names that are not known here are passed over: what is granted says so.
fn wanted(mut filter: Map<String, Value>, limit: usize) -> Result<Wanted, Fault> {
    let mut lists = BTreeSet::new();
    for list in Changed::ALL {
        match filter.remove(list.member()) {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => drop(lists.insert(list)),
            Some(_) => return Err(Fault::params(FILTER)),
        }
    }
    let uris = Uris::new(limit);
    match filter.remove("resourceSubscriptions") {
        None => {}
        Some(Value::Array(wanted)) => {
            for uri in wanted {
                let Value::String(uri) = uri else { return Err(Fault::params(FILTER)) };
                uris.insert(uri).map_err(|too_many| Fault::params(too_many.to_string()))?;
            }
        }
        Some(_) => return Err(Fault::params(FILTER)),
    }
    Ok(Wanted { lists, uris: uris.into(), tasks: Arc::default() })
}

fn acknowledged(id: &Id, wanted: &Wanted) -> Bytes {
    let mut granted = Map::new();
    for list in &wanted.lists {
        granted.insert(list.member().to_owned(), Value::Bool(true));
    }
    let uris = wanted.uris.all();
    if !uris.is_empty() {
        granted.insert("resourceSubscriptions".to_owned(), uris.into());
    }
    if !wanted.tasks.is_empty() {
        let ids: Vec<_> = wanted.tasks.iter().map(TaskId::to_string).collect();
        granted.insert("taskIds".to_owned(), ids.into());
    }
    let mut out = open("notifications/subscriptions/acknowledged");
    out.extend_from_slice(br#","params":{"notifications":"#);
    write(&mut out, &granted);
    close(out, true, Some(id))
}

/// What `event` is on the wire; `id` is the request that listens, where it is one.
pub(crate) fn notification(event: &Event, id: Option<&Id>) -> Bytes {
    let method = match event {
        Event::List(list) => list.method(),
        Event::Updated(uri) => {
            let mut out = open("notifications/resources/updated");
            out.extend_from_slice(br#","params":{"uri":"#);
            write(&mut out, uri);
            return close(out, true, id);
        }
        Event::Task(task) => {
            let mut out = open("notifications/tasks");
            out.extend_from_slice(br#","params":{"#);
            write_task(&mut out, task);
            return close(out, true, id);
        }
        // Whoever reads this ends its stream with what its era has for that.
        Event::Closed => return Bytes::new(),
    };
    let mut out = open(method);
    if id.is_some() {
        out.extend_from_slice(br#","params":{"#);
    }
    close(out, false, id)
}

fn open(method: &str) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}""#).into_bytes()
}

/// Ends the parameters, where there are any, and the message.
fn close(mut out: Vec<u8>, members: bool, id: Option<&Id>) -> Bytes {
    if let Some(id) = id {
        if members {
            out.push(b',');
        }
        out.extend_from_slice(br#""_meta":{"#);
        write_subscription(&mut out, id);
        out.push(b'}');
    }
    if members || id.is_some() {
        out.push(b'}');
    }
    out.push(b'}');
    out.into()
}

fn write_subscription(out: &mut Vec<u8>, id: &Id) {
    write(out, SUBSCRIPTION);
    out.push(b':');
    id.write(out);
}
