//! `[assets]`, `[[prompt]]`, `[[resource]]` and `[[widget]]` as they are written.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::{
    Refusal,
    list::{Entry, List},
    reader::{At, Form, Reader, Spot},
    table::{MAY, NEED, Row, join, object, table},
    tables::Tables,
    value::{Description, FileName, MediaType, Title, amount, amount_schema, parsed, words},
};
use crate::{
    ArgumentName, AskKind, Bounds, Scope, ToolName, Unit,
    http::{OriginPattern, Scheme},
    uri::{AssetName, AssetPattern, UriTemplate},
};

table! {
    /// Files that belong to the release: the plugin and the host read them, nobody writes them. Source: DESIGN section 5.
    RawAssets {
        /// Where they are, relative to the manifest. Every file in it and under it is part of the release.
        /// Source: DESIGN section 6.
        NEED folder: FileName;
    }
}

table! {
    /// A text for a model that a person chooses. Source: DESIGN section 5.
    RawPrompt {
        /// Unique in the plugin, also among tools, resources and widgets. Source: MC-04.
        NEED name: ToolName;
        /// The name people see. Source: MC-05.
        NEED title: Title;
        /// What people read who choose; line breaks are allowed. Source: MC-05.
        NEED description: Description;
        /// Kinds of question it may put through needs-input. Source: DESIGN section 8, MC-11.
        MAY ask: List<AskKind> = "`[]`";
        /// The capabilities it holds: only to read, and only what is inside. Source: DESIGN section 5, WX-04.
        MAY uses: List<Entry> = "`[]`";
        /// Scopes a principal needs, all of them. Source: AU-05.
        MAY scopes: List<Scope> = "`[]`";
        /// What a person fills in. Source: DESIGN section 5.
        MAY argument: Tables<RawArgument, 32> = "none";
    }
}

table! {
    /// What a person fills in. Source: DESIGN section 5.
    RawArgument {
        /// Unique in the prompt. Source: MC-04.
        NEED name: ArgumentName;
        /// The name people see. Source: MC-05.
        MAY title: Title;
        /// What people read who fill it in. Source: MC-05.
        MAY description: Description;
        /// Whether there is no prompt without it. Source: DESIGN section 5.
        MAY required: bool = "`false`";
        /// Whether the plugin completes what a person has begun to write. Source: DESIGN section 5.
        MAY complete: bool = "`false`";
    }
}

table! {
    /// What clients read under a URI, or under each URI of a template. Source: DESIGN section 5.
    RawResource {
        /// Unique in the plugin, also among tools, prompts and widgets. Source: MC-04.
        NEED name: ToolName;
        /// The name people see. Source: MC-05.
        NEED title: Title;
        /// What the model reads; line breaks are allowed. Source: MC-05.
        NEED description: Description;
        /// The media type of what is read. Source: DESIGN section 5.
        MAY mime: MediaType;
        /// Kinds of question it may put through needs-input. Source: DESIGN section 8, MC-11.
        MAY ask: List<AskKind> = "`[]`";
        /// The capabilities it holds: only to read, and only what is inside. Source: DESIGN section 5, WX-04.
        MAY uses: List<Entry> = "`[]`";
        /// Scopes a principal needs, all of them. Source: AU-05.
        MAY scopes: List<Scope> = "`[]`";
        /// Where it is. `{name}` is one part between two slashes, `{+name}` may hold slashes; without variables it is one
        /// resource. The scheme is one of its own. Source: DESIGN section 5.
        NEED uri: UriTemplate;
        /// The variables of its URI that the plugin completes. Source: DESIGN section 5.
        MAY complete: List<ToolName> = "`[]`";
        /// The asset that the host answers with; the plugin is not run. With the variable of the URI in it, every asset that
        /// fits is a resource. Source: DESIGN section 5.
        MAY asset: AssetPattern;
    }
}

table! {
    /// A page that clients show in a frame of their own: `ui://PLUGIN/NAME.html`. What is not listed it can't reach.
    /// Source: MCP Apps.
    RawWidget {
        /// Unique in the plugin, also among tools, prompts and resources. Source: MC-04.
        NEED name: ToolName;
        /// The name people see. Source: MC-05.
        NEED title: Title;
        /// What the model is told of what the person sees. Source: MCP Apps.
        NEED description: Description;
        /// The page: one asset, HTML with everything in it that is not under `load`. Source: MCP Apps.
        NEED asset: AssetName;
        /// Part of its URI (`NAME-vVERSION.html`): clients keep what they have read under one. Source: MCP Apps.
        MAY version: Number;
        /// Where it may send requests. Source: MCP Apps.
        MAY connect: List<PageOrigin> = "`[]`";
        /// From where it may load styles, pictures, fonts and media; clients let it load script from there too. Source: MCP Apps.
        MAY load: List<PageOrigin> = "`[]`";
        /// What it may put into frames. Source: MCP Apps.
        MAY frame: List<PageOrigin> = "`[]`";
        /// Where it may lead a person out of the client. Source: MCP Apps.
        MAY redirect: List<PageOrigin> = "`[]`";
        /// Whether it wants a border. Source: MCP Apps.
        MAY border: bool = "what the client does";
        /// The origin that it wants for itself. Source: MCP Apps.
        MAY domain: PageOrigin = "what the client gives it";
    }
}

/// Who is to call a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Model,
    App,
}

words! {
    Seen { "model" => Self::Model, "app" => Self::App }
}

impl Seen {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::App => "app",
        }
    }
}

/// The version of a widget.
#[derive(Debug)]
pub(super) struct Number(pub(super) u32);

impl Number {
    const BOUNDS: Bounds = Bounds { unit: Unit::Count, default: 1, minimum: 1, maximum: 999_999 };
}

impl Form for Number {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let number = amount(value, "version", Self::BOUNDS, spot, reader)?;
        // The bounds are those of the manifest, so that nothing is cut.
        Some(Self(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    fn schema() -> Value {
        let mut schema = amount_schema(Self::BOUNDS);
        // Without it there is no version at all.
        schema.as_object_mut().map(|schema| schema.remove("default"));
        schema
    }

    fn words() -> String {
        Self::BOUNDS.unit.form().to_owned()
    }
}

/// An origin in the policy of a page. What is in the clear anybody on the way could change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageOrigin(pub(super) OriginPattern);

impl Form for PageOrigin {
    fn read(value: &DeValue<'_>, spot: &Spot, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(value, spot, Self::words())?;
        match text.parse::<OriginPattern>() {
            Ok(origin) if origin.scheme() == Scheme::Https => Some(Self(origin)),
            Ok(_) => {
                reader.refuse(spot, Refusal::InTheClear(text.to_owned()));
                None
            }
            Err(error) => {
                reader.refuse(spot, error.into());
                None
            }
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^https://(\\*\\.)?[a-z0-9-]+(\\.[a-z0-9-]+)*(:[1-9][0-9]{0,4})?$" })
    }

    fn words() -> String {
        "an origin such as \"https://api.example.com\" or \"https://*.example.com\"".to_owned()
    }
}

parsed! {
    UriTemplate, json!({ "type": "string", "maxLength": 256, "pattern": "^[a-z][a-z0-9+.-]*:[!-~]+$" }),
    "a URI such as \"docs://pages/{+path}\"";
    AssetPattern, json!({ "type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[^\\\\:]+$" }),
    "the name of an asset, such as \"pages/{+path}\"";
    AssetName, json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^\\\\:{}]+$" }),
    "the name of an asset, relative to the folder of assets";
}
