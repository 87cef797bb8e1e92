//! The way of one message, top to bottom, the same for HTTP and streams: which era it belongs to, what that era demands of
//! it, what its headers claim, and then its method. Everything that only HTTP knows is over before this begins.

use std::{net::IpAddr, sync::Arc};

use http::HeaderMap;
use portcullis_backend::{Backend, ListKind, Refusal};
use portcullis_manifest::Principal;

use crate::{
    asking::{Desk, Levels, Peer, QuestionLimits, Session, SessionKey, Sessions, Shared},
    challenge::Challenges,
    codec::{Answer, Field, Id, Incoming, Malformed, Method, Params, Request},
    era::{Era, Revision, Version},
    fault::Fault,
    headers,
    hub::{Hub, ListenLimits},
    listing::Listing,
    methods::{self, Texts},
    mirror::Mirrors,
    reply::{Outcome, Reply},
    streams::{StreamLimits, Streams},
};

/// Answers messages with the help of a backend.
pub(crate) struct Protocol<B> {
    pub(crate) backend: Arc<B>,
    pub(crate) challenges: Challenges,
    pub(crate) listing: Listing,
    pub(crate) mirrors: Mirrors,
    pub(crate) texts: Texts,
    pub(crate) sessions: Sessions,
    pub(crate) desk: Arc<Desk>,
    pub(crate) levels: Levels,
    pub(crate) hub: Arc<Hub>,
    pub(crate) streams: Arc<Streams>,
}

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Via<'a> {
    /// By HTTP.
    Http {
        /// They repeat parts of it.
        headers: &'a HeaderMap,
        /// The address it came from.
        source: Option<IpAddr>,
    },
    /// By stdio or a socket: there is no header layer.
    Stream(&'a Peer),
}

impl<B: Backend> Protocol<B> {
    pub(crate) fn new(
        backend: Arc<B>,
        challenges: Challenges,
        listing: Listing,
        session_key: &SessionKey,
        questions: QuestionLimits,
        listening: ListenLimits,
        streams: StreamLimits,
    ) -> Self {
        let texts = Texts::new(backend.server());
        let shared = Arc::clone(&backend) as Arc<dyn Shared>;
        let (sessions, desk) = (Sessions::new(session_key), Arc::new(Desk::new(questions, shared)));
        let (mirrors, hub, levels) = (Mirrors::default(), Arc::new(Hub::new(listening)), Levels::default());
        Self {
            backend,
            challenges,
            listing,
            mirrors,
            texts,
            sessions,
            desk,
            levels,
            hub,
            streams: Arc::new(Streams::new(streams)),
        }
    }

    /// Answers one message, whatever it is.
    pub(crate) async fn handle(
        &self,
        principal: &Principal,
        via: Via<'_>,
        read: Result<Incoming, Malformed>,
    ) -> Outcome {
        match read {
            Ok(Incoming::Request(Request { id, method, params })) => {
                match self.answer(principal, via, &id, method, params).await {
                    Ok(outcome) => outcome,
                    Err(fault) => Outcome::Reply(self.refuse(fault, Some(&id), Some(principal))),
                }
            }
            Ok(Incoming::Notification(method, params)) => {
                let taken = Box::pin(self.noted(principal, via, &method, &params)).await;
                Outcome::Reply(self.taken(taken, principal))
            }
            Ok(Incoming::Answer(id, answer)) => {
                let taken = Box::pin(self.answered(principal, via, id.as_ref(), answer)).await;
                let reply = self.taken(taken, principal);
                // On a stream an answer has no answer.
                Outcome::Reply(if let Via::Stream(_) = via { Reply::accepted() } else { reply })
            }
            Err(malformed) => {
                let fault = Fault::malformed(&malformed);
                let id = if let Malformed::Message(id, _) = &malformed { id.as_ref() } else { None };
                Outcome::Reply(self.refuse(fault, id, Some(principal)))
            }
        }
    }

    fn taken(&self, taken: Result<(), Fault>, principal: &Principal) -> Reply {
        match taken {
            Ok(()) => Reply::accepted(),
            Err(fault) => self.refuse(fault, None, Some(principal)),
        }
    }

    async fn answer(
        &self,
        principal: &Principal,
        via: Via<'_>,
        id: &Id,
        method: Method,
        mut params: Params,
    ) -> Result<Outcome, Fault> {
        let claimed = claimed_version(via)?;
        let era = Era::of(&method, &params, claimed.as_ref());
        match era {
            Era::Modern => modern(via, &method, &params, claimed.as_ref())?,
            Era::Legacy => {
                legacy(via, &method, &params, claimed.as_ref())?;
                legacy_meta(&params)?;
            }
        }
        if let Some(target) = methods::target(&method, &mut params) {
            return self.call(principal, via, era, id, target?, params).await;
        }
        let reply = match (&method, era) {
            (Method::ListTools, _) => self.list(ListKind::Tools, principal, era, id, &params)?,
            (Method::ListResources, _) => self.list(ListKind::Resources, principal, era, id, &params)?,
            (Method::ListTemplates, _) => self.list(ListKind::Templates, principal, era, id, &params)?,
            (Method::ListPrompts, _) => self.list(ListKind::Prompts, principal, era, id, &params)?,
            (Method::Discover, Era::Modern) => Reply::result(self.discover(id)),
            (Method::Listen, Era::Modern) => return Box::pin(self.listen(principal, via, id, params)).await,
            (Method::GetTask, Era::Modern) => Box::pin(self.get_task(principal, id, &params)).await?,
            (Method::UpdateTask, Era::Modern) => Box::pin(self.update_task(principal, id, params)).await?,
            (Method::CancelTask, Era::Modern) => Box::pin(self.cancel_task(principal, id, &params)).await?,
            (Method::Subscribe, Era::Legacy) => self.subscribe(principal, via, id, params, true)?,
            (Method::Unsubscribe, Era::Legacy) => self.subscribe(principal, via, id, params, false)?,
            (Method::Initialize, Era::Legacy) => self.initialize(principal, via, id, &params)?,
            (Method::SetLevel, Era::Legacy) => Reply::result(self.set_level(principal, via, id, &params)?),
            (Method::Ping, Era::Legacy) => Reply::result(self.ping(id)),
            _ => return Err(Fault::unknown_method(&method, era)),
        };
        Ok(Outcome::Reply(reply))
    }

    /// Which legacy client a message comes from, if it says so.
    pub(crate) fn session(&self, principal: &Principal, via: Via<'_>) -> Option<Session> {
        match via {
            Via::Http { headers, .. } => self.sessions.open(headers::session(headers)?, principal),
            Via::Stream(peer) => Some(peer.session(principal)),
        }
    }

    /// A notification is taken and wants nothing, but for a legacy one of a revision that is not spoken here.
    async fn noted(&self, principal: &Principal, via: Via<'_>, method: &Method, params: &Params) -> Result<(), Fault> {
        let claimed = claimed_version(via)?;
        match Era::of(method, params, claimed.as_ref()) {
            // This revision defines no notifications over HTTP, and no headers for them.
            Era::Modern => Ok(()),
            Era::Legacy => {
                legacy(via, method, params, claimed.as_ref())?;
                // Of most calls that run, the connection is the handle; one that waits for a person, or says things, ends by this.
                if *method == Method::Cancelled
                    && let Field::Is(request) = &params.request_id
                    && let Some(session) = self.session(principal, via)
                {
                    self.streams.cancel(&session.holder, request);
                    self.desk.cancel(&session.holder, request).await;
                }
                Ok(())
            }
        }
    }

    /// An answer to a question. Modern clients are asked in results, and answer in requests.
    async fn answered(
        &self,
        principal: &Principal,
        via: Via<'_>,
        id: Option<&Id>,
        answer: Answer,
    ) -> Result<(), Fault> {
        if claimed_version(via)?.is_some_and(|version| version.era() == Era::Modern) {
            return Err(Fault::message(format!(
                "this server sends no requests, so there is nothing to answer (revision {})",
                Revision::LATEST.as_str()
            )));
        }
        // An error without an id is for what could not be read.
        let Some(id) = id else { return Ok(()) };
        let session = self.session(principal, via);
        self.desk
            .answer(session.as_ref().map(|session| &session.holder), principal, id, answer)
            .await
            .map_err(Fault::no_answer)
    }

    /// Turns a refusal into an answer, and tells the backend where it does not know yet.
    pub(crate) fn refuse(&self, fault: Fault, id: Option<&Id>, principal: Option<&Principal>) -> Reply {
        if let Some(rule) = fault.rule {
            tracing::debug!(rule = rule.as_str(), code = fault.code, "refused");
            self.backend.refused(Refusal { rule, principal: principal.map(|principal| principal.key().clone()) });
        }
        Reply { status: fault.status, body: fault.render(id).into(), header: fault.header }
    }
}

fn claimed_version(via: Via<'_>) -> Result<Option<Version>, Fault> {
    match via {
        Via::Http { headers, .. } => headers::version(headers),
        Via::Stream(_) => Ok(None),
    }
}

/// Checks 7, 8 and 9 of facts A3; only that a version header contradicts its body is said before that the version is
/// unknown, as the conformance suite has it.
fn modern(via: Via<'_>, method: &Method, params: &Params, claimed: Option<&Version>) -> Result<(), Fault> {
    let meta = match &params.meta {
        Field::Is(meta) => meta,
        Field::Absent => {
            return Err(Fault::meta("`params._meta` is missing: every request of revision 2026-07-28 needs it"));
        }
        Field::Wrong => return Err(Fault::meta(META)),
    };
    let Field::Is(version) = &meta.version else {
        return Err(Fault::meta("`_meta[\"io.modelcontextprotocol/protocolVersion\"]` must be a string"));
    };
    let Field::Is(_) = meta.capabilities else {
        return Err(Fault::meta("`_meta[\"io.modelcontextprotocol/clientCapabilities\"]` must be an object"));
    };
    if meta.log_level == Field::Wrong {
        return Err(Fault::meta("`_meta[\"io.modelcontextprotocol/logLevel\"]` must be a syslog level's name"));
    }
    if meta.client_info == Field::Wrong {
        return Err(Fault::meta(
            "`_meta[\"io.modelcontextprotocol/clientInfo\"]` must be an object whose `name` and `version` are strings",
        ));
    }
    if meta.progress_token == Field::Wrong {
        return Err(Fault::meta(PROGRESS_TOKEN));
    }
    if meta.preview == Field::Wrong {
        return Err(Fault::meta(PREVIEW));
    }
    if claimed.is_some_and(|claimed| claimed != version) {
        return Err(headers::differs(&headers::PROTOCOL_VERSION));
    }
    if !matches!(version, Version::Known(revision) if revision.era() == Era::Modern) {
        return Err(Fault::unsupported_version(version.as_str()));
    }
    match (via, claimed) {
        (Via::Http { .. }, None) => Err(headers::missing(&headers::PROTOCOL_VERSION)),
        (Via::Http { headers, .. }, Some(_)) => headers::agree(headers, method, params),
        (Via::Stream(_), _) => Ok(()),
    }
}

const META: &str = "`params._meta` must be an object";
const PROGRESS_TOKEN: &str = "`_meta.progressToken` must be a string of at most 1024 bytes or an integer";
const PREVIEW: &str = "`_meta[\"portcullis/preview\"]` must be true or false";

fn legacy_meta(params: &Params) -> Result<(), Fault> {
    match &params.meta {
        Field::Wrong => Err(Fault::params(META)),
        Field::Is(meta) if meta.progress_token == Field::Wrong => Err(Fault::params(PROGRESS_TOKEN)),
        Field::Is(meta) if meta.preview == Field::Wrong => Err(Fault::params(PREVIEW)),
        _ => Ok(()),
    }
}

fn legacy(via: Via<'_>, method: &Method, params: &Params, claimed: Option<&Version>) -> Result<(), Fault> {
    let Via::Http { headers, .. } = via else { return Ok(()) };
    headers::do_not_contradict(headers, method, params)?;
    match claimed {
        // Its version is negotiated in the body.
        _ if *method == Method::Initialize => Ok(()),
        None => Ok(()),
        Some(Version::Known(revision)) if revision.era() == Era::Legacy => Ok(()),
        Some(other) => Err(Fault::unsupported_version(other.as_str())),
    }
}
