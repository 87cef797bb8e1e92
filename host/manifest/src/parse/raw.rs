//! The tables of a manifest as they are written. From these types come the parser, the JSON Schema and the reference,
//! so that none of them can know a key that the others don't.

use serde_json::Value;
use toml::de::DeValue;

use super::{
    capability::RawCapability,
    list::{Entry, List},
    offer::{RawAssets, RawPrompt, RawResource, RawWidget, Seen},
    reader::{At, Form, Reader, Spot},
    table::{MAY, NEED, Row, join, object, table},
    tables::{Named, RawLimits, Tables, Tools},
    value::{Contact, Description, FileName, Format, Invocation, Property, Summary, Title, Version, WebPage},
};
use crate::{AskKind, Confirm, Hint, Label, PluginName, Preview, Scope, TaskSupport, ToolName};

table! {
    /// A whole `plugin.toml`. Source: DESIGN section 6, RG-40.
    RawManifest {
        /// The format of this file. Source: RG-40.
        NEED manifest: Format;
        /// Who made what. Source: DESIGN section 6.
        NEED plugin: RawPlugin;
        /// What the plugin may ask the host for, by a name of its own. What is not here is not there.
        /// Source: DESIGN rule 1.
        MAY capability: Named<RawCapability> = "none";
        /// Files that belong to the release. Source: DESIGN section 5.
        MAY assets: RawAssets = "none";
        /// What one call may take. Source: DESIGN rule 8.
        MAY limits: RawLimits = "each limit's own";
        /// The tools, at least one. Source: DESIGN section 6.
        NEED tool: Tools;
        /// Prompts: texts for a model that a person chooses. Source: DESIGN section 5.
        MAY prompt: Tables<RawPrompt, 64> = "none";
        /// Resources: what clients read under a URI. Source: DESIGN section 5.
        MAY resource: Tables<RawResource, 64> = "none";
        /// Widgets: pages that clients show in a frame of their own. Source: MCP Apps.
        MAY widget: Tables<RawWidget, 16> = "none";
        /// What older releases had and this one has not. Source: WR-04.
        MAY retired: Tables<RawRetired, 64> = "none";
    }
}

table! {
    /// A tool or prompt that an older release had: who still calls it is told what to call now. Source: WR-04.
    RawRetired {
        /// Its name then, without the prefix; nothing of this release has it. Source: WR-04.
        NEED name: ToolName;
        /// The tool or prompt of this release that took its place. Source: WR-04.
        MAY instead: ToolName;
        /// Why, for the model and the person. Source: MC-05.
        MAY why: Summary;
    }
}

table! {
    /// Who made what. Source: DESIGN section 6.
    RawPlugin {
        /// Unique on a host; with `_`, the prefix of its tools' names. Source: MC-04.
        NEED name: PluginName;
        /// Semantic Versioning 2.0. Source: RG-40.
        NEED version: Version;
        /// The file of the component, relative to the manifest. Source: DESIGN section 6.
        NEED component: FileName;
        /// Who answers for it. Source: DESIGN section 6a.
        NEED publisher: Title;
        /// One line for the admin who approves it. Source: MC-05.
        NEED summary: Summary;
        /// Where users get help. Source: DESIGN section 6.
        MAY support: Contact;
        /// What happens to what users enter. Source: DESIGN section 6.
        MAY privacy_policy: WebPage;
        /// What it is told of the person and their device, where the client says it. What is not listed it never sees.
        /// Nobody decides anything by it. Source: Apps SDK reference.
        MAY hints: List<Hint> = "`[]`";
    }
}

table! {
    /// One callable. Source: DESIGN section 6.
    RawTool {
        /// Unique in the plugin. Source: MC-04.
        NEED name: ToolName;
        /// The name people see. Source: MC-05.
        NEED title: Title;
        /// What the model reads to decide when to call it; line breaks are allowed. Source: MC-05.
        NEED description: Description;
        /// What clients are told. The host computes it from `uses`; it may be raised here, never lowered.
        /// Source: DESIGN rule 4, WR-01.
        MAY label: Label = "what `uses` can reach";
        /// What a call needs before it writes: `preview` asks that its effects were shown and confirmed, `person` that a
        /// person was asked. Only for tools that can write. An operator may ask for more.
        /// Source: DESIGN section 6a.
        MAY confirm: Confirm = "`preview` if the label is `destructive`, else nothing";
        /// How much of what it does its preview shows. `partial` is for tools whose effects depend on what is answered
        /// from outside: what comes after such an answer is not shown, and an admin who approves the tool approves that.
        /// Source: DESIGN section 3.
        MAY preview: Preview = "`whole`";
        /// Kinds of question it may put through needs-input. Source: DESIGN section 8, MC-11.
        MAY ask: List<AskKind> = "`[]`";
        /// The capabilities it holds, and how: `write` includes `read`. Source: DESIGN rule 2, WX-04.
        MAY uses: List<Entry> = "`[]`";
        /// Scopes a principal needs, all of them. Source: AU-05.
        MAY scopes: List<Scope> = "`[]`";
        /// The file of the schema of its arguments; without one it takes none. Source: MC-06, MC-08.
        MAY input: FileName;
        /// The file of the schema of its structured result. Source: MC-06, MC-08.
        MAY output: FileName;
        /// The widget that shows its results, by its name in this manifest. Source: MCP Apps.
        MAY widget: ToolName;
        /// Who is to call it: the model, widgets, or both. Clients hide what is only for widgets from the model.
        /// Source: MCP Apps.
        MAY visibility: List<Seen, 1, 2> = "`[\"model\", \"app\"]`";
        /// What clients show while it runs. Source: Apps SDK reference.
        MAY invoking: Invocation;
        /// What clients show when it is done. Source: Apps SDK reference.
        MAY invoked: Invocation;
        /// Arguments that are files of the person: properties of the input schema that are objects, or lists of objects,
        /// with `download_url`, `file_id`, `mime_type` and `file_name`. Source: Apps SDK reference.
        MAY file_params: List<Property> = "`[]`";
        /// Whether it may run as a task, which the client comes back for: `optional` if the client can, `required` if
        /// clients that can't are to be refused. Source: MCP tasks extension.
        MAY task: TaskSupport = "`never`";
    }
}
