//! Everything a schema file can be refused for. Each says what is wrong, and after the semicolon what to write instead.

use crate::{
    TextFault,
    text::{quoted, visible},
};

/// Why a schema file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaRefusal {
    /// The manifest names a file that is not there.
    #[error("the package holds no file {}; write the name of a file beside the manifest, or add it", quoted(.0))]
    NoFile(String),
    /// The manifest names an asset that is not there.
    #[error("the release has no asset {}; write the name of a file under the folder of [assets], or add it", quoted(.0))]
    NoAsset(String),
    /// Assets without `[assets]`.
    #[error(
        "{0} assets are handed in and the manifest has none; write [assets] with their `folder`, or leave them out"
    )]
    NoAssets(usize),
    /// An argument that is no file.
    #[error(
        "{} {}; write it as an object (or a list of objects) with `download_url`, `file_id`, `mime_type` and `file_name`, all of \
         them text, of which exactly the first two are required",
        quoted(.name), if *.there { "is no argument that clients fill with a file" } else { "is no argument of this tool" }
    )]
    FileParam {
        /// Its name.
        name: String,
        /// The schema has it.
        there: bool,
    },
    /// MC-06: bytes.
    #[error("the schemas have {found} bytes together and at most {maximum} are read; write smaller schemas")]
    TooLarge {
        /// The bytes of all files.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// What clients are sent, and models read.
    #[error(
        "with this tool, the tools of this plugin have {found} bytes in a client's list and at most {maximum} are allowed: a \
         schema counts once for each tool that names it; write smaller schemas, or fewer tools"
    )]
    Served {
        /// The bytes of this tool and those before it.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// JSON is UTF-8.
    #[error("the file is not UTF-8 text; write it as UTF-8")]
    NotText,
    /// Strict JSON only.
    #[error("this is not JSON: {0}; write what RFC 8259 allows")]
    NotJson(&'static str),
    /// MC-06: depth.
    #[error("it is nested more than 64 deep; write it flatter")]
    TooDeep,
    /// A member written twice: two readers would read two schemas.
    #[error("the member {} is written twice; write it once", quoted(.0))]
    Duplicate(String),
    /// MC-05.
    #[error(transparent)]
    Text(#[from] TextFault),
    /// MC-06: the dialect.
    #[error("the dialect {} is not read; write \"https://json-schema.org/draft/2020-12/schema\", or delete it", quoted(.0))]
    Dialect(String),
    /// Arguments and structured results are objects.
    #[error("the root of a tool's schema describes an object; write `\"type\": \"object\"` here")]
    Root,
    /// A schema is an object or a boolean.
    #[error("a schema is an object, or true or false; write one")]
    NotSchema,
    /// A keyword's value of the wrong type.
    #[error("`{keyword}` holds {expected}; write that")]
    Value {
        /// The keyword.
        keyword: &'static str,
        /// What it holds, in words.
        expected: &'static str,
    },
    /// Not a keyword of the dialect.
    #[error("there is no keyword {} in JSON Schema 2020-12; {instead}", quoted(.written))]
    Keyword {
        /// What the author wrote.
        written: String,
        /// What to write.
        instead: String,
    },
    /// A keyword of the dialect that this host refuses, with the reason and the way out.
    #[error("`{keyword}` is not read by this host: {reason}; write {instead}")]
    Refused {
        /// The keyword.
        keyword: &'static str,
        /// Why.
        reason: &'static str,
        /// What to write.
        instead: &'static str,
    },
    /// A keyword that belongs at the root.
    #[error("`{0}` belongs at the root of the file only; delete it here")]
    RootOnly(&'static str),
    /// MC-06: references stay in the file.
    #[error("the reference {} leaves this file, and none is ever fetched; write one that begins with #", quoted(.0))]
    Remote(String),
    /// A reference to nothing, or to something that is no schema.
    #[error("the reference {} names no schema in this file; write the pointer of one, such as `#/$defs/name`", quoted(.0))]
    Dangling(String),
    /// Two anchors of one name, or one that is no name.
    #[error("the anchor {} is not allowed; write a name of letters, digits, _, - and . that no other anchor has", quoted(.0))]
    Anchor(String),
    /// A schema that applies itself to the same value for ever.
    #[error(
        "this schema refers to itself without going into the value; write the reference below `properties` or `items`"
    )]
    Endless,
    /// MC-06: how many schemas.
    #[error("it holds {found} schemas and at most {maximum} are allowed; write fewer")]
    TooMany {
        /// How many.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// MC-06: how deep schemas stand in schemas.
    #[error("schemas stand more than {0} deep in each other; write the inner ones under `$defs`")]
    Nested(usize),
    /// MC-06: the expanded cost.
    #[error(
        "checking one part of a value can take {} steps and at most {maximum} are allowed: references and combinations \
         inside each other multiply, and so do long lists under `enum` in them; write fewer of them",
        steps(.found)
    )]
    TooCostly {
        /// The steps; none when they are beyond counting.
        found: Option<u64>,
        /// The most.
        maximum: u64,
    },
    /// MC-06: the recursion of the validator.
    #[error(
        "checking a value can apply {found} schemas inside each other along one way through it and at most {maximum} are \
         allowed; write shorter chains of references and combinations"
    )]
    TooLongChain {
        /// The longest chain.
        found: u64,
        /// The most.
        maximum: u64,
    },
    /// MC-06: `enum`.
    #[error("the list has {found} values and at most {maximum} are allowed; write fewer, or a `pattern`")]
    LongList {
        /// How many.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// MC-06: patterns.
    #[error("the pattern has {found} bytes and at most {maximum} are allowed; write a shorter one")]
    LongPattern {
        /// Its bytes.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// MC-06: patterns.
    #[error("there are {found} patterns and at most {maximum} are allowed; write fewer")]
    ManyPatterns {
        /// How many.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// MC-07: what all patterns of a package take.
    #[error(
        "with this pattern, the compiled patterns of this plugin have more than {maximum} bytes, the most that is allowed; \
         write fewer or smaller ones: a class of Unicode such as \\p{{L}} that is repeated by a number is large, so write \
         lengths as `maxLength`; a file that is both input and output counts twice"
    )]
    LargePatterns {
        /// The most bytes.
        maximum: usize,
    },
    /// MC-07.
    #[error(
        "the pattern {} is not read by the linear-time engine: it has look-around, a back-reference, a mistake, or grows \
         too large; write it without, and lengths as `maxLength`",
        quoted(.0)
    )]
    Pattern(String),
    /// DESIGN section 6a.
    #[error("the argument `confirmation` belongs to the host, which adds it where it asks for one; write another name")]
    Reserved,
    /// MC-08 for schemas that combine others at the root: the host can't close them for the author.
    #[error(
        "the root combines schemas and does not say whether other members are allowed; write `\"additionalProperties\": false` \
         here and name every member under `properties`"
    )]
    Open,
    /// MC-15.
    #[error("`x-mcp-header` {0}; write it on a string, integer or boolean argument that is no secret, or delete it")]
    Header(HeaderFault),
    /// The validator itself refuses it.
    #[error("the validator refuses it: {}; write what JSON Schema 2020-12 allows", visible(.0))]
    Invalid(String),
}

/// Why an `x-mcp-header` is refused: conforming clients drop a tool whose headers break these rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Only arguments are sent as headers.
    #[error("stands in the schema of a result")]
    Output,
    /// Not reached through `properties` alone.
    #[error("stands where clients do not look: they go through `properties` only")]
    Place,
    /// Not of a type that a header can carry.
    #[error("stands on a value that is no string, integer or boolean")]
    Type,
    /// Not a header name.
    #[error("is {}, which is no header name of at most 64 characters", quoted(.0))]
    Name(String),
    /// Two arguments in one header.
    #[error("names the header {} twice", quoted(.0))]
    Twice(String),
    /// Headers are logged by everything between client and host.
    #[error("stands on {}, which sounds like a secret, and headers are seen by everything on the way", quoted(.0))]
    Secret(String),
}

fn steps(found: &Option<u64>) -> String {
    found.map_or_else(|| "countless".to_owned(), |found| found.to_string())
}
