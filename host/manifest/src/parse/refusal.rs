//! Everything a manifest can be refused for. Each says what is wrong, and after the semicolon what to write instead.

use crate::{
    CapabilityName, Confirm, Label, TextFault, Unit,
    http::{InvalidHttpCapability, InvalidOrigin, InvalidRule, InvalidSecret},
    text::quoted,
    uri::{InvalidAsset, InvalidTemplate},
};

/// Why a key of a manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// RG-40: size.
    #[error("the manifest has {0} bytes and at most 65536 are read; write less, or move text into schema files")]
    TooLarge(usize),
    /// It is not TOML.
    #[error("this is not TOML: {message}; write {instead}")]
    Syntax {
        /// What the TOML parser says.
        message: String,
        /// What would be TOML.
        instead: String,
    },
    /// RG-40: duplicate keys.
    #[error("the key {} is written twice; write it once", quoted(.0))]
    Duplicate(String),
    /// RG-40: unknown keys, one of which is near a known one.
    #[error("there is no key {} here; did you mean {}? write that, or delete it", quoted(.written), quoted(.near))]
    Misspelt {
        /// The key.
        written: String,
        /// The known one.
        near: &'static str,
    },
    /// RG-40: unknown keys.
    #[error("there is no key {} here; write one of {}, or delete it", quoted(.written), list(.offered))]
    Unknown {
        /// The key.
        written: String,
        /// The known ones.
        offered: Vec<&'static str>,
    },
    /// A key that has to be there.
    #[error("it is missing; write {0}")]
    Missing(String),
    /// A value of another type.
    #[error("this is {found}; write {expected}")]
    Type {
        /// What stands there.
        found: &'static str,
        /// What should.
        expected: String,
    },
    /// A text that is not of its form.
    #[error("{} is not allowed; write {}", quoted(.written), .form)]
    Form {
        /// The text.
        written: String,
        /// Its form, in words.
        form: String,
    },
    /// One of a few words is expected.
    #[error("{} is not known; write one of {}", quoted(.written), list(.offered))]
    Word {
        /// The text.
        written: String,
        /// The words.
        offered: Vec<&'static str>,
    },
    /// Text that hides something, or is too long.
    #[error(transparent)]
    Text(#[from] TextFault),
    /// The format is newer than this host, or no format at all.
    #[error("this host reads manifests of format 1, not {}; write `manifest = 1`", quoted(.0))]
    Format(String),
    /// The manifest asks for a kind of capability that this host does not have.
    #[error("this host offers no capability of kind {}; write one of {}", quoted(.written), list(.offered))]
    Kind {
        /// The kind.
        written: String,
        /// What there is.
        offered: Vec<&'static str>,
    },
    /// Over the most.
    #[error("`{limit}` is {} and its maximum is {}; write at most that", .unit.print(*.value), .unit.print(*.maximum))]
    TooMuch {
        /// The limit.
        limit: &'static str,
        /// What it counts.
        unit: Unit,
        /// What was asked for.
        value: u64,
        /// The most.
        maximum: u64,
    },
    /// Under the least.
    #[error("`{limit}` is {} and its minimum is {}; write at least that", .unit.print(*.value), .unit.print(*.minimum))]
    TooLittle {
        /// The limit.
        limit: &'static str,
        /// What it counts.
        unit: Unit,
        /// What was asked for.
        value: u64,
        /// The least.
        minimum: u64,
    },
    /// A number that no limit reaches.
    #[error("the number {} is not one this host can hold; write {}", quoted(.written), .form)]
    Number {
        /// The number.
        written: String,
        /// What is expected.
        form: &'static str,
    },
    /// A list or table that is too long.
    #[error("there are {found} and at most {maximum} are allowed; write fewer")]
    TooMany {
        /// How many.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// A list that says nothing.
    #[error("nothing is listed here, so nothing would be allowed; write {0}")]
    Empty(String),
    /// An origin that is none, or one that no manifest may have.
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
    /// A line of `allow`.
    #[error(transparent)]
    Rule(#[from] InvalidRule),
    /// A key of `secret`.
    #[error(transparent)]
    Secret(#[from] InvalidSecret),
    /// What the keys of a capability of kind `http` are to each other. EG-11.
    #[error(transparent)]
    Http(#[from] InvalidHttpCapability),
    /// A manifest without tools describes nothing.
    #[error("there is no tool; write at least one [[tool]]")]
    NoTool,
    /// Two tools, prompts, resources, widgets or arguments of one name.
    #[error("the {kind} {} is on line {line} already; write another name", quoted(.name))]
    NameTwice {
        /// What has the name already.
        kind: &'static str,
        /// The name.
        name: String,
        /// The line of the first.
        line: usize,
    },
    /// `uses` names nothing.
    #[error("there is no capability {}; write {}", quoted(.name), offer(.offered, .name))]
    NoCapability {
        /// The name.
        name: String,
        /// The ones there are.
        offered: Vec<String>,
    },
    /// One capability twice in `uses`.
    #[error("{} is used twice by this tool; write it once, as {}", quoted(.name), quoted(.keep))]
    UsedTwice {
        /// The capability.
        name: String,
        /// The entry that includes the other.
        keep: String,
    },
    /// The same scope twice.
    #[error("{} is listed twice; write it once", quoted(.0))]
    ListedTwice(String),
    /// DESIGN rule 4: an author may only raise a label.
    #[error(
        "the label `{}` is lower than what the tool can do: {} has the effect `write`; write `label = \"{}\"`, or `{}:read` if it only reads",
        .written.as_str(), quoted(.because), .computed.as_str(), because.split(':').next().unwrap_or_default()
    )]
    LabelTooLow {
        /// What the author wrote.
        written: Label,
        /// What it has to be at least.
        computed: Label,
        /// The entry of `uses` that makes it so.
        because: String,
    },
    /// `confirm` where there is nothing to confirm.
    #[error(
        "this tool only reads, so a confirmation with `confirm = \"{}\"` would be of nothing; delete it, or write \
         `label = \"write\"` if it is more than it seems",
        .0.as_str()
    )]
    ConfirmsNothing(Confirm),
    /// `preview` where nothing is previewed for a confirmation.
    #[error(
        "`preview` says how much a confirmation shows, and this tool has none; write `confirm = \"preview\"` or \
         `confirm = \"person\"` too, or delete it"
    )]
    PreviewOfNothing,
    /// `preview = "partial"` where no answer comes from outside.
    #[error(
        "this tool holds no capability of kind `http` with `write`, so what it does depends on no answer from outside and \
         its preview is whole; delete it"
    )]
    PreviewIsWhole,
    /// `instead` of what is retired names nothing.
    #[error("there is no tool or prompt {} in this manifest; write one that there is, or delete it", quoted(.0))]
    NoSuccessor(String),
    /// A URI of a resource.
    #[error(transparent)]
    Template(#[from] InvalidTemplate),
    /// A name of an asset.
    #[error(transparent)]
    Asset(#[from] InvalidAsset),
    /// A page that loads over HTTP.
    #[error("{} is in the clear, and whoever is on the way could change it; write `https://`", quoted(.0))]
    InTheClear(String),
    /// A pattern where one origin is meant.
    #[error("{} is many origins, and a page has one; write it without `*`", quoted(.0))]
    OneOrigin(String),
    /// Prompts and resources never write.
    #[error("prompts and resources only read; write `{0}:read`")]
    OnlyReads(CapabilityName),
    /// `asset` without `[assets]`.
    #[error("there are no assets; write [assets] with the `folder` that they are in")]
    NoAssets,
    /// The plugin is not run for it.
    #[error(
        "the host answers with the asset and the plugin is not run, so this says nothing; delete it, or delete `asset`"
    )]
    NotRun,
    /// A resource that clients would show as a page.
    #[error("clients show {} as a page, and only the pages of a [[widget]] are read before; write one, or another type", quoted(.0))]
    Page(String),
    /// `complete` names no variable of the URI.
    #[error("the URI has no variable {}; write {}", quoted(.name), variables(.offered))]
    NoVariable {
        /// The name.
        name: String,
        /// The ones there are.
        offered: Vec<String>,
    },
    /// Two resources under one URI.
    #[error("{} has this URI already, or another template for the same URIs; write another one", quoted(.0))]
    UriTwice(String),
    /// A tool names a widget that is not there.
    #[error("there is no widget {}; write {}", quoted(.name), widgets(.offered))]
    NoWidget {
        /// The name.
        name: String,
        /// The ones there are.
        offered: Vec<String>,
    },
}

fn variables(offered: &[String]) -> String {
    if offered.is_empty() {
        return "it into the URI, or delete the entry".to_owned();
    }
    let words: Vec<&str> = offered.iter().map(String::as_str).collect();
    format!("one of {}, or delete the entry", list(&words))
}

fn widgets(offered: &[String]) -> String {
    if offered.is_empty() {
        return "a [[widget]] of that name, or delete it".to_owned();
    }
    let words: Vec<&str> = offered.iter().map(String::as_str).collect();
    format!("one of {}, or declare it", list(&words))
}

/// `` `a`, `b` ``
fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn offer(offered: &[String], name: &str) -> String {
    if offered.is_empty() {
        return format!("[capability.{}], or delete the entry", crate::text::visible(name));
    }
    let words: Vec<&str> = offered.iter().map(String::as_str).collect();
    format!("one of {}, or declare it", list(&words))
}
