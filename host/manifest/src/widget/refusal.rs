//! What is refused in a page, and what would allow it.

use crate::{Finding, Findings, text::quoted};

/// Everything that is wrong with the pages of a release.
pub type WidgetErrors = Findings<WidgetRefusal>;

/// One thing that is wrong with one of them.
pub type WidgetError = Finding<WidgetRefusal>;

/// Why a page is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WidgetRefusal {
    /// Longer than a page is read.
    #[error("the page has {found} bytes and at most {maximum} are read; write a smaller one")]
    Long {
        /// Its bytes.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// No UTF-8.
    #[error("the page is not UTF-8 text; write it as UTF-8")]
    NotText,
    /// Two readers could read it in two ways.
    #[error("{0}, which readers of HTML do not all read alike; write {1}")]
    Unclear(&'static str, &'static str),
    /// `onclick=`.
    #[error("{} runs script out of an attribute; write `addEventListener` in a `<script>`", quoted(.0))]
    Handler(String),
    /// `javascript:`.
    #[error("an address of the scheme {} runs script; write a script that listens for the event", quoted(.0))]
    ScriptAddress(String),
    /// An element that no page may have.
    #[error("`<{0}>` is not allowed: {1}")]
    Element(String, &'static str),
    /// An attribute that no page may have.
    #[error("the attribute {} is not allowed: {}", quoted(.0), .1)]
    Attribute(String, &'static str),
    /// Script from elsewhere.
    #[error("{} loads script from elsewhere, which nobody has approved; write the script into the page", quoted(.0))]
    RemoteScript(String),
    /// A frame without its address.
    #[error(
        "a frame that does not say what it shows; write `src`, and list its origin under `frame` of the [[widget]]"
    )]
    EmptyFrame,
    /// A frame that the manifest does not have.
    #[error("{} is a frame that is not declared; list it under `frame` of the [[widget]], or take it out", quoted(.0))]
    Frame(String),
    /// Something that is loaded from where the manifest does not say.
    #[error(
        "{} is not declared as something to load from; list it under `load` of the [[widget]], which then may load script from \
         there too, or write what it holds into the page",
        quoted(.0)
    )]
    Load(String),
    /// Something beside the page.
    #[error("{} would be beside the page, where nothing is; write it into the page, or as `data:`", quoted(.0))]
    Beside(String),
    /// A scheme that no page opens.
    #[error("an address of the scheme {} is not allowed, nor one without `//`; write `https://`, host and all", quoted(.0))]
    Scheme(String),
    /// No element.
    #[error("the page has no element, so it shows nothing to anybody; write a page of HTML")]
    Empty,
    /// An origin that is not in the manifest.
    #[error(
        "{} is not declared; list it under `connect` (requests), `load` (script, styles, pictures, fonts), `frame` or `redirect` \
         (links) of the [[widget]], or take it out",
        quoted(.0)
    )]
    Origin(String),
    /// An address that no manifest can allow.
    #[error("{} is no origin that a page may reach: {}; write another one, or take it out", quoted(.0), .1)]
    BadOrigin(String, String),
    /// A function that makes script out of text.
    #[error("`{0}` makes script out of text, which the page's policy forbids; write the script itself")]
    Eval(&'static str),
    /// Something that a page in a frame has no business with.
    #[error("`{0}` reaches {1}; no key of a manifest allows it: take it out")]
    Privileged(&'static str, &'static str),
    /// A connection without `connect`.
    #[error("`{0}` connects, and the [[widget]] declares nothing to connect to; list the origin under `connect`")]
    Connects(&'static str),
    /// `@import`.
    #[error("`@import` loads styles from elsewhere; write them into the page")]
    Import,
}
