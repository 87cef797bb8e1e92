//! What a plugin offers beside tools: prompts, resources and widgets. Prompts and resources are answered by the plugin, with
//! grants of their own that only read; widgets, and resources that name an asset, by the host.

use std::fmt;

use crate::{
    ArgumentName, AskKind, Scope, ToolName, Use,
    http::OriginPattern,
    uri::{AssetName, AssetPattern, UriTemplate},
};

/// `[[prompt]]`: text for a model that a person chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Unique in the plugin; on the wire it has the tools' prefix.
    pub name: ToolName,
    /// For people.
    pub title: String,
    /// For people who choose.
    pub description: String,
    /// Kinds of question it may put through needs-input.
    pub ask: Vec<AskKind>,
    /// The capabilities it holds, to read.
    pub uses: Vec<Use>,
    /// Scopes a principal needs, all of them.
    pub scopes: Vec<Scope>,
    /// `[[prompt.argument]]`, in the order of the file.
    pub arguments: Vec<PromptArgument>,
}

/// `[[prompt.argument]]`: what a person fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptArgument {
    /// Unique in the prompt.
    pub name: ArgumentName,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Without it there is no prompt.
    pub required: bool,
    /// The plugin completes it.
    pub complete: bool,
}

/// `[[resource]]`: what clients read under a URI, or under each URI of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Unique in the plugin; on the wire it has the tools' prefix.
    pub name: ToolName,
    /// For people.
    pub title: String,
    /// For the model.
    pub description: String,
    /// The media type of what is read, where it is always the same.
    pub mime: Option<String>,
    /// Kinds of question it may put through needs-input.
    pub ask: Vec<AskKind>,
    /// The capabilities it holds, to read.
    pub uses: Vec<Use>,
    /// Scopes a principal needs, all of them.
    pub scopes: Vec<Scope>,
    /// Where it is.
    pub uri: UriTemplate,
    /// The variables of the URI that the plugin completes.
    pub complete: Vec<ToolName>,
    /// The assets that the host answers with. None: the plugin answers.
    pub asset: Option<AssetPattern>,
}

/// `[[widget]]`: a page that clients show in a frame of their own (MCP Apps).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widget {
    /// Unique in the plugin.
    pub name: ToolName,
    /// For people.
    pub title: String,
    /// For the model: what the person sees.
    pub description: String,
    /// The page.
    pub asset: AssetName,
    /// Part of the URI, for clients that keep what they have read under one.
    pub version: Option<u32>,
    /// Where it may send requests.
    pub connect: Vec<OriginPattern>,
    /// From where it may load pictures, styles, fonts and media, and script: MCP Apps knows one list for all.
    pub load: Vec<OriginPattern>,
    /// What it may put into frames.
    pub frame: Vec<OriginPattern>,
    /// Where its links may lead out of the client without a question.
    pub redirect: Vec<OriginPattern>,
    /// Whether it wants a border. None: the client decides.
    pub border: Option<bool>,
    /// The origin that it wants for itself.
    pub domain: Option<OriginPattern>,
}

/// Who is to call a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Visibility {
    /// The model.
    pub model: bool,
    /// Widgets.
    pub app: bool,
}

/// Whether a tool may run as a task, which a client comes back for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TaskSupport {
    /// Never.
    #[default]
    Never,
    /// If the client can.
    Optional,
    /// Clients that can't are refused.
    Required,
}

impl Prompt {
    /// The argument of that name.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&PromptArgument> {
        self.arguments.iter().find(|argument| argument.name.as_str() == name)
    }
}

impl Widget {
    /// Its URI, as clients read it.
    #[must_use]
    pub fn uri(&self, plugin: &crate::PluginName) -> String {
        match self.version {
            Some(version) => format!("ui://{plugin}/{}-v{version}.html", self.name),
            None => format!("ui://{plugin}/{}.html", self.name),
        }
    }
}

impl Visibility {
    /// Model and widgets: what a manifest says that says nothing.
    pub const ALL: Self = Self { model: true, app: true };

    /// The words used in manifests and on the wire.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        [("model", self.model), ("app", self.app)].into_iter().filter(|(_, is)| *is).map(|(word, _)| word)
    }
}

impl TaskSupport {
    /// The word used in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

impl fmt::Display for TaskSupport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_calls_a_tool_and_how_are_said_in_the_words_of_manifests() {
        let words = |model, app| Visibility { model, app }.words().collect::<Vec<_>>();
        assert_eq!(words(true, true), ["model", "app"]);
        assert_eq!((words(true, false), words(false, true)), (vec!["model"], vec!["app"]));
        let tasks = [TaskSupport::Never, TaskSupport::Optional, TaskSupport::Required].map(|task| task.to_string());
        assert_eq!(tasks, ["never", "optional", "required"]);
    }
}
