//! The seam between the protocol and the way of a call: one trait and the plain types that pass through it. `host/mcp`
//! calls it and knows nothing of sandboxes; `host/calls` implements it and knows nothing of HTTP or JSON-RPC. It must
//! never hold logic.

mod answer;
mod question;
mod refusal;
mod stream;
mod task;

use std::{collections::BTreeMap, fmt, future::Future, net::IpAddr, sync::Arc};

use portcullis_manifest::{NoticeLevel, Principal, PrincipalKey, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

pub use answer::{
    Answer, AnsweredBy, Ask, CallAnswer, Completion, Descriptor, List, PromptAnswer, Question, QuestionKind,
    ResourceAnswer, ServerInfo, ToolAnswer,
};
pub use question::{Answered, KeptQuestion, NotOpened, OpenQuestions};
pub use refusal::{CallRefused, Refusal, RefusalRule, Unauthenticated};
pub use stream::{KeptEvents, NotKept, StreamEvents};
pub use task::{InvalidTaskId, Task, TaskId, TaskState, TaskUpdate};

/// What a transport has read of who is asking. The transport checks nothing of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The header `Authorization`.
    pub authorization: Authorization<'a>,
    /// The address that the request came from, where the transport has addresses.
    pub source: Option<IpAddr>,
}

/// What stands in the header `Authorization`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization<'a> {
    /// There is none.
    #[default]
    Absent,
    /// Its one value.
    Value(&'a str),
    /// There are several, or one that is no text: nobody can say whose they are.
    Unreadable,
}

/// What a client has to know to get a token for this server (RFC 9728).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `authorization_servers`: issuers, exactly as their metadata writes them.
    pub issuers: Vec<String>,
    /// `scopes_supported`: what the tools that are served ask for, sorted.
    pub scopes: Vec<Scope>,
}

/// One call of something that a plugin has, after the protocol has been checked and before anything else has.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// Made by the transport, UUIDv7; names the call in the audit, in errors and to the guest.
    pub correlation: Uuid,
    /// Who calls.
    pub principal: Principal,
    /// What is called, and with what.
    pub target: Target,
    /// What the client says of the person and their device.
    pub hints: Hints,
    /// `_meta["portcullis/preview"]`: tell what the call would do, and do nothing of it. Of tools only.
    pub preview: bool,
    /// What the client can put to a person, or do itself, while it waits for this call.
    pub asking: Asking,
    /// The client takes a task for an answer, and comes back for what becomes of it.
    pub tasks: bool,
    /// The replies to what an earlier round of this call asked.
    pub resume: Option<Resume>,
    /// [`Credentials::source`]: what tells callers without a token apart, for their rates.
    pub source: Option<IpAddr>,
    /// Where the call says what it does while it does it; none: nobody listens.
    pub notices: Option<Notices>,
    /// The trace that the call is part of (W3C), where the client gave one.
    pub trace: Option<Trace>,
}

impl CallRequest {
    /// A call of somebody who can be asked nothing, and who has said nothing beside it.
    #[must_use]
    pub fn new(correlation: Uuid, principal: Principal, target: Target) -> Self {
        Self {
            correlation,
            principal,
            target,
            hints: Hints::default(),
            preview: false,
            asking: Asking::default(),
            tasks: false,
            resume: None,
            source: None,
            notices: None,
            trace: None,
        }
    }
}

/// What is called. Every kind is a call of the plugin, with a permit, a sandbox and an audit row of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// `tools/call`.
    Tool {
        /// Its name on the wire, as the client sent it.
        name: String,
        /// `params.arguments`; a missing member is an empty object.
        arguments: Map<String, Value>,
    },
    /// `resources/read`.
    Resource {
        /// As the client sent it.
        uri: String,
    },
    /// `prompts/get`.
    Prompt {
        /// Its name on the wire, as the client sent it.
        name: String,
        /// `params.arguments`.
        arguments: BTreeMap<String, String>,
    },
    /// `completion/complete`.
    Completion {
        /// What is completed.
        reference: Reference,
        /// `params.argument.name`.
        argument: String,
        /// `params.argument.value`.
        value: String,
        /// `params.context.arguments`.
        context: BTreeMap<String, String>,
    },
}

/// What has the argument that is completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `ref/prompt`: its name on the wire.
    Prompt(String),
    /// `ref/resource`: a URI template as `resources/templates/list` has it.
    Resource(String),
}

/// What a client says of the person and their device: hints, which may be wrong, and never decide what anybody may do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hints {
    /// `_meta["openai/locale"]` (BCP 47), at most 35 bytes.
    pub locale: Option<String>,
    /// `openai/userAgent`, at most 512 bytes.
    pub user_agent: Option<String>,
    /// `openai/userLocation`: an object, at most 1 KiB as JSON.
    pub location: Option<Map<String, Value>>,
    /// `openai/subject`, at most 256 bytes.
    pub subject: Option<String>,
    /// `openai/session`, at most 256 bytes.
    pub session: Option<String>,
    /// `openai/organization`, at most 256 bytes.
    pub organization: Option<String>,
}

/// A place in a trace: `_meta.traceparent` and its companions, or the headers of those names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace's id: 32 lower-case hexadecimal digits, not all zero.
    pub id: String,
    /// The span that called: 16 of them.
    pub parent: String,
}

/// Where a call says what it does while it does it. Cloned, it is the same place.
#[derive(Clone, Debug)]
pub struct Notices {
    /// Taken by the transport. When there is no room, whoever tells waits, within the time of the call.
    pub sender: mpsc::Sender<Notice>,
    /// The client has given a progress token.
    pub progress: bool,
    /// The least level of lines that the client wants; none: it wants none.
    pub log: Option<NoticeLevel>,
}

/// Something that a call says before it ends. It has been cleaned and bounded.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// `notifications/progress`. Numbers rise within one call.
    Progress {
        /// How far.
        done: f64,
        /// Of how much.
        total: Option<f64>,
        /// For the person.
        message: Option<String>,
    },
    /// `notifications/message`.
    Message {
        /// How much it matters.
        level: NoticeLevel,
        /// The plugin.
        logger: String,
        /// The text.
        text: String,
    },
}

/// The lists that clients read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListKind {
    /// `tools/list`.
    Tools,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    Templates,
    /// `prompts/list`.
    Prompts,
}

/// Something that a client can be told has changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// Another catalogue is served. Which lists differ, and for whom, [`Backend::list`] says.
    Catalogue,
    /// What some resources hold may have changed.
    Resources(Arc<dyn Touched>),
    /// A task is in another state: [`Backend::task`] says in which.
    Task {
        /// Which.
        id: TaskId,
        /// Whose; nobody else is told.
        principal: PrincipalKey,
    },
}

/// Which resources, and for whom.
pub trait Touched: fmt::Debug + Send + Sync {
    /// Whether what `principal` reads under `uri` may have changed.
    fn covers(&self, principal: &Principal, uri: &str) -> bool;
}

/// What a client can put to a person, or do itself, while it waits for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asking {
    /// A form (MCP elicitation, mode `form`).
    pub form: bool,
    /// Whether a field of a form may be a list of choices: revision 2025-06-18 has none.
    pub lists: bool,
    /// To have its model say something (MCP sampling).
    pub sampling: bool,
    /// To tell its roots.
    pub roots: bool,
}

impl Asking {
    /// Nothing at all.
    pub const NOTHING: Self = Self { form: false, lists: false, sampling: false, roots: false };

    /// Forms with all that they may hold, and nothing else.
    pub const FORM: Self = Self { form: true, lists: true, ..Self::NOTHING };
}

/// A call that goes on after [`Ask`]. Everything in it comes from the client: nothing of it is checked by the transport.
#[derive(Clone, Debug, PartialEq)]
pub struct Resume {
    /// [`Ask::state`], as the client sent it back.
    pub state: String,
    /// By [`Question::key`]. Some may be missing, others may be too many.
    pub replies: BTreeMap<String, Reply>,
}

/// What became of one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// To a form: `accept`, and what it holds. To anything else: the result.
    Accepted(Map<String, Value>),
    /// `decline`.
    Declined,
    /// `cancel`.
    Cancelled,
}

/// What the protocol layer asks of the rest of the host.
pub trait Backend: Send + Sync + 'static {
    /// What this server says of itself. From the operator's configuration (catalogue MC-16).
    fn server(&self) -> &ServerInfo;

    /// Who is asking. Asked for every request: no connection and no session stands for anybody (catalogue AU-01).
    ///
    /// # Errors
    /// [`Unauthenticated`] when the credentials prove nobody; it has been audited.
    fn authenticate(
        &self,
        credentials: Credentials<'_>,
    ) -> impl Future<Output = Result<Principal, Unauthenticated>> + Send;

    /// What clients need to get a token; nothing, where no tokens are taken.
    fn resource(&self) -> Option<Resource>;

    /// What of one kind this principal may see, in the order of its names or URIs (catalogue MC-13, AU-06).
    fn list(&self, kind: ListKind, principal: &Principal) -> Arc<List>;

    /// What changes from now on. One that falls behind is told so by the channel, and has to take everything for changed.
    fn changes(&self) -> broadcast::Receiver<Change>;

    /// Runs a call. Dropping the future cancels it.
    ///
    /// # Errors
    /// [`CallRefused`] when no answer exists; it has been audited. Arguments that a tool's schema does not accept, limits and
    /// failures of a tool are answers, because a model can read and mend them.
    fn call(&self, request: CallRequest) -> impl Future<Output = Result<CallAnswer, CallRefused>> + Send;

    /// A task of this principal. Reading one changes nothing.
    ///
    /// # Errors
    /// [`CallRefused::UnknownTask`], of somebody else's tasks too; [`CallRefused::Unavailable`].
    fn task(&self, principal: &Principal, id: TaskId) -> impl Future<Output = Result<Task, CallRefused>> + Send;

    /// Takes replies to what a task asks. When all are there it goes on, after this has returned. Replies to what it does not
    /// ask, or no longer, are left out.
    ///
    /// # Errors
    /// As [`Backend::task`].
    fn update_task(&self, update: TaskUpdate) -> impl Future<Output = Result<(), CallRefused>> + Send;

    /// Ends a task, if it has not ended. It may come too late for what the task has done.
    ///
    /// # Errors
    /// As [`Backend::task`].
    fn cancel_task(&self, principal: &Principal, id: TaskId) -> impl Future<Output = Result<(), CallRefused>> + Send;

    /// Keeps events of a stream, so that any process of this host can send them again.
    ///
    /// # Errors
    /// [`NotKept`]: then only this process can.
    fn keep_events(&self, events: StreamEvents) -> impl Future<Output = Result<(), NotKept>> + Send;

    /// What is kept of a stream after the event `after`. None, when it is not there any more, never was, or is another holder's.
    ///
    /// # Errors
    /// [`NotKept`].
    fn kept_events(
        &self,
        stream: Uuid,
        holder: String,
        after: u64,
    ) -> impl Future<Output = Result<Option<KeptEvents>, NotKept>> + Send;

    /// Opens questions, all or none, so that any process of this host can take the answers.
    ///
    /// # Errors
    /// [`NotOpened`]: then nobody may be asked.
    fn open_questions(&self, questions: OpenQuestions) -> impl Future<Output = Result<(), NotOpened>> + Send;

    /// Those of these questions that are there still. Whose they are is the transport's to compare.
    ///
    /// # Errors
    /// [`NotKept`].
    fn kept_questions(&self, ids: Vec<Uuid>) -> impl Future<Output = Result<Vec<KeptQuestion>, NotKept>> + Send;

    /// Keeps an answer for the process that waits for it. False, and nothing is changed, when the question is not open to this
    /// holder: there is no second answer.
    ///
    /// # Errors
    /// [`NotKept`]: then it is still open.
    fn answer_question(
        &self,
        holder: String,
        id: Uuid,
        answer: Answered,
    ) -> impl Future<Output = Result<bool, NotKept>> + Send;

    /// Ends a question for the process that has put it and was given its answer. False as with [`Backend::answer_question`].
    ///
    /// # Errors
    /// [`NotKept`]: then it is still open.
    fn claim_question(&self, holder: String, id: Uuid) -> impl Future<Output = Result<bool, NotKept>> + Send;

    /// The holder has given up its call: the open questions of this request are [`Answered::Cancelled`].
    ///
    /// # Errors
    /// [`NotKept`].
    fn cancel_questions(
        &self,
        principal: PrincipalKey,
        holder: String,
        request: [u8; 32],
    ) -> impl Future<Output = Result<(), NotKept>> + Send;

    /// Forgets questions with what was answered: their call has it, or waits no more.
    ///
    /// # Errors
    /// [`NotKept`]: then they are forgotten when their time is over.
    fn close_questions(&self, ids: Vec<Uuid>) -> impl Future<Output = Result<(), NotKept>> + Send;

    /// Whether calls can be taken: what `/health` answers (catalogue AD-01).
    fn healthy(&self) -> bool;

    /// Takes note of what a transport or the protocol refused, for the audit (catalogue AD-21).
    fn refused(&self, refusal: Refusal);
}

/// JSON that was rendered once and is sent many times.
pub type Rendered = Arc<RawValue>;
