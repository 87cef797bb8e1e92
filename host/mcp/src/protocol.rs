//! The way of one message, top to bottom, the same for HTTP and streams: which era it belongs to, what that era demands of
//! it, what its headers claim, and then its method. Everything that only HTTP knows is over before this begins.

use std::sync::Arc;

use http::HeaderMap;
use portcullis_backend::{Backend, Refusal};
use portcullis_manifest::Principal;

use crate::{
    challenge::Challenges,
    codec::{Field, Id, Incoming, Malformed, Method, Params, Request},
    era::{Era, Revision, Version},
    fault::Fault,
    headers,
    listing::Listing,
    methods::Texts,
    mirror::Mirrors,
    reply::Reply,
};

/// Answers messages with the help of a backend.
pub(crate) struct Protocol<B> {
    pub(crate) backend: Arc<B>,
    pub(crate) challenges: Challenges,
    pub(crate) listing: Listing,
    pub(crate) mirrors: Mirrors,
    pub(crate) texts: Texts,
}

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Via<'a> {
    /// By HTTP, with headers that repeat parts of it.
    Http(&'a HeaderMap),
    /// By stdio or a socket: there is no header layer.
    Stream,
}

impl<B: Backend> Protocol<B> {
    pub(crate) fn new(backend: Arc<B>, challenges: Challenges, listing: Listing) -> Self {
        let texts = Texts::new(backend.server());
        Self { backend, challenges, listing, mirrors: Mirrors::default(), texts }
    }

    /// Answers one message, whatever it is.
    pub(crate) async fn handle(&self, principal: &Principal, via: Via<'_>, read: Result<Incoming, Malformed>) -> Reply {
        match read {
            Ok(Incoming::Request(Request { id, method, params })) => {
                match self.answer(principal, via, &id, method, params).await {
                    Ok(body) => Reply::result(body),
                    Err(fault) => self.refuse(fault, Some(&id), Some(principal)),
                }
            }
            Ok(Incoming::Notification(method, params)) => match noted(via, &method, &params) {
                Ok(()) => Reply::accepted(),
                Err(fault) => self.refuse(fault, None, Some(principal)),
            },
            Ok(Incoming::Answer) => match nothing_was_asked(via) {
                Ok(()) => Reply::accepted(),
                Err(fault) => self.refuse(fault, None, Some(principal)),
            },
            Err(malformed) => {
                let fault = Fault::malformed(&malformed);
                let id = if let Malformed::Message(id, _) = &malformed { id.as_ref() } else { None };
                self.refuse(fault, id, Some(principal))
            }
        }
    }

    async fn answer(
        &self,
        principal: &Principal,
        via: Via<'_>,
        id: &Id,
        method: Method,
        params: Params,
    ) -> Result<Vec<u8>, Fault> {
        let claimed = claimed_version(via)?;
        let era = Era::of(&method, &params, claimed.as_ref());
        match era {
            Era::Modern => modern(via, &method, &params, claimed.as_ref())?,
            Era::Legacy => {
                legacy(via, &method, &params, claimed.as_ref())?;
                legacy_meta(&params)?;
            }
        }
        match (&method, era) {
            (Method::CallTool, _) => self.call_tool(principal, via, era, id, params).await,
            (Method::ListTools, _) => self.list_tools(principal, era, id, &params),
            (Method::Discover, Era::Modern) => Ok(self.discover(id)),
            (Method::Initialize, Era::Legacy) => self.initialize(id, &params),
            (Method::Ping, Era::Legacy) => Ok(self.ping(id)),
            _ => Err(Fault::unknown_method(&method, era)),
        }
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
        Via::Http(headers) => headers::version(headers),
        Via::Stream => Ok(None),
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
    let Field::Is(()) = meta.capabilities else {
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
    if claimed.is_some_and(|claimed| claimed != version) {
        return Err(headers::differs(&headers::PROTOCOL_VERSION));
    }
    if !matches!(version, Version::Known(revision) if revision.era() == Era::Modern) {
        return Err(Fault::unsupported_version(version.as_str()));
    }
    match (via, claimed) {
        (Via::Http(_), None) => Err(headers::missing(&headers::PROTOCOL_VERSION)),
        (Via::Http(headers), Some(_)) => headers::agree(headers, method, params),
        (Via::Stream, _) => Ok(()),
    }
}

const META: &str = "`params._meta` must be an object";
const PROGRESS_TOKEN: &str = "`_meta.progressToken` must be a string or an integer";

fn legacy_meta(params: &Params) -> Result<(), Fault> {
    match &params.meta {
        Field::Wrong => Err(Fault::params(META)),
        Field::Is(meta) if meta.progress_token == Field::Wrong => Err(Fault::params(PROGRESS_TOKEN)),
        _ => Ok(()),
    }
}

fn legacy(via: Via<'_>, method: &Method, params: &Params, claimed: Option<&Version>) -> Result<(), Fault> {
    let Via::Http(headers) = via else { return Ok(()) };
    headers::do_not_contradict(headers, method, params)?;
    match claimed {
        // Its version is negotiated in the body.
        _ if *method == Method::Initialize => Ok(()),
        None => Ok(()),
        Some(Version::Known(revision)) if revision.era() == Era::Legacy => Ok(()),
        Some(other) => Err(Fault::unsupported_version(other.as_str())),
    }
}

/// A notification is taken and wants nothing, but for a legacy one of a revision that is not spoken here.
fn noted(via: Via<'_>, method: &Method, params: &Params) -> Result<(), Fault> {
    let claimed = claimed_version(via)?;
    match Era::of(method, params, claimed.as_ref()) {
        // This revision defines no notifications over HTTP, and no headers for them.
        Era::Modern => Ok(()),
        Era::Legacy => legacy(via, method, params, claimed.as_ref()),
    }
}

fn nothing_was_asked(via: Via<'_>) -> Result<(), Fault> {
    match claimed_version(via)? {
        Some(version) if version.era() == Era::Modern => Err(Fault::message(format!(
            "this server sends no requests, so there is nothing to answer (revision {})",
            Revision::LATEST.as_str()
        ))),
        _ => Ok(()),
    }
}
