//! The names of methods.

use std::fmt;

use crate::fault::ECHO;

/// A method, parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Legacy only, as are `Ping`, `SetLevel`, `Subscribe` and `Unsubscribe`.
    Initialize,
    /// Modern only, as is `Listen`.
    Discover,
    Ping,
    SetLevel,
    ListTools,
    CallTool,
    ListPrompts,
    GetPrompt,
    ListResources,
    ListTemplates,
    ReadResource,
    Subscribe,
    Unsubscribe,
    Complete,
    Listen,
    /// Of the extension for tasks: modern only, as are `UpdateTask` and `CancelTask`.
    GetTask,
    UpdateTask,
    CancelTask,
    /// A notification that matters on a stream.
    Cancelled,
    /// What a legacy client says when it is ready to be told things.
    Initialized,
    Other(Box<str>),
}

impl Method {
    pub(super) fn read(name: &str) -> Self {
        match name {
            "initialize" => Self::Initialize,
            "server/discover" => Self::Discover,
            "ping" => Self::Ping,
            "logging/setLevel" => Self::SetLevel,
            "tools/list" => Self::ListTools,
            "tools/call" => Self::CallTool,
            "prompts/list" => Self::ListPrompts,
            "prompts/get" => Self::GetPrompt,
            "resources/list" => Self::ListResources,
            "resources/templates/list" => Self::ListTemplates,
            "resources/read" => Self::ReadResource,
            "resources/subscribe" => Self::Subscribe,
            "resources/unsubscribe" => Self::Unsubscribe,
            "completion/complete" => Self::Complete,
            "subscriptions/listen" => Self::Listen,
            "tasks/get" => Self::GetTask,
            "tasks/update" => Self::UpdateTask,
            "tasks/cancel" => Self::CancelTask,
            "notifications/cancelled" => Self::Cancelled,
            "notifications/initialized" => Self::Initialized,
            other => Self::Other(other.into()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Initialize => "initialize",
            Self::Discover => "server/discover",
            Self::Ping => "ping",
            Self::SetLevel => "logging/setLevel",
            Self::ListTools => "tools/list",
            Self::CallTool => "tools/call",
            Self::ListPrompts => "prompts/list",
            Self::GetPrompt => "prompts/get",
            Self::ListResources => "resources/list",
            Self::ListTemplates => "resources/templates/list",
            Self::ReadResource => "resources/read",
            Self::Subscribe => "resources/subscribe",
            Self::Unsubscribe => "resources/unsubscribe",
            Self::Complete => "completion/complete",
            Self::Listen => "subscriptions/listen",
            Self::GetTask => "tasks/get",
            Self::UpdateTask => "tasks/update",
            Self::CancelTask => "tasks/cancel",
            Self::Cancelled => "notifications/cancelled",
            Self::Initialized => "notifications/initialized",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It comes from the client and goes into errors: short, and as text.
        self.as_str().chars().take(ECHO).try_for_each(|character| write!(f, "{character}"))
    }
}
