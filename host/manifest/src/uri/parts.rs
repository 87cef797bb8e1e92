//! Templates taken apart: text, and variables between braces.

use super::{MAX_TEMPLATE, MAX_VARIABLES};
use crate::text::quoted;

/// How the value of a variable stands in a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expansion {
    /// `{name}`: whatever is not a letter, a digit, `-`, `.`, `_` or `~` is written with percent signs.
    Simple,
    /// `{+name}`: what has a meaning in URIs, such as `/`, stays as it is.
    Reserved,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Text(String),
    Variable(String, Expansion),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// Nothing, or over its length.
    #[error("it has {0} bytes; write 1 to {MAX_TEMPLATE}")]
    Length(usize),
    /// It does not begin with a scheme.
    #[error("{} does not begin with a scheme of its own; write one such as `docs://`", quoted(.0))]
    NoScheme(String),
    /// A scheme that means something else to whoever reads it.
    #[error(
        "the scheme `{0}` is not for resources of plugins: clients open such addresses themselves; write one of your own, \
         such as `docs://`"
    )]
    Scheme(String),
    /// `ui://`, which hosts of MCP Apps give to a frame.
    #[error("the scheme `ui` is for widgets; write a [[widget]], or a scheme of your own")]
    Widget,
    /// A character that no URI has.
    #[error("it holds {}, which no URI has; write it with percent signs, or leave it out", quoted(&.0.to_string()))]
    Character(char),
    /// `%` without two hexadecimal digits.
    #[error("a percent sign stands before two hexadecimal digits; write `%25` for the sign itself")]
    Percent,
    /// `.` or `..` between slashes.
    #[error("it holds a part that is `.` or `..`; write where it leads")]
    Dots,
    /// `{` without `}`, or the other way round.
    #[error("a brace has no partner; write variables as `{{name}}` or `{{+name}}`")]
    Brace,
    /// `{?q}`, `{a,b}`, `{a*}`, `{}`.
    #[error(
        "{} is no variable that this host reads; write `{{name}}` or `{{+name}}`, with a name of 1 to 64 of a-z, 0-9 and _ \
         that begins with a letter",
        quoted(&format!("{{{}}}", .0))
    )]
    Expression(String),
    /// Too many variables.
    #[error("it has {0} variables and at most {MAX_VARIABLES} are allowed; write fewer")]
    Variables(usize),
    /// One variable twice.
    #[error("the variable `{0}` stands in it twice; write another name")]
    Twice(String),
    /// `{a}{b}`.
    #[error("`{0}` and `{1}` stand side by side, and nobody could tell where one ends; write a `/` between them")]
    Adjacent(String, String),
    /// `{+a}/{+b}`.
    #[error("`{{+{0}}}` and `{{+{1}}}` may both hold slashes, and nobody could tell where one ends; write `{{{1}}}`")]
    Reserved(String, String),
    /// `{a}.json`: a value may hold a dot.
    #[error(
        "what stands after `{{{0}}}` has to begin with a character that its value is never written with, such as `/`, `?` \
         or `:`; write one"
    )]
    After(String),
    /// `{+path}/v{a}`: a value may hold a `v`.
    #[error(
        "what stands before `{{{0}}}` has to end with a character that its value is never written with, such as `/`, `?` \
         or `:`, because `{{+{1}}}` may hold anything; write one"
    )]
    Before(String, String),
}

/// The pieces of `text`, names of variables checked, texts not.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, InvalidTemplate> {
    if text.is_empty() || text.len() > MAX_TEMPLATE {
        return Err(InvalidTemplate::Length(text.len()));
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['{', '}']).unwrap_or(rest.len());
        if end > 0 {
            parts.push(Part::Text(rest[..end].to_owned()));
            rest = &rest[end..];
            continue;
        }
        let inner = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let (expression, after) = inner.ok_or(InvalidTemplate::Brace)?;
        let (name, expansion) = match expression.strip_prefix('+') {
            Some(name) => (name, Expansion::Reserved),
            None => (expression, Expansion::Simple),
        };
        if name.parse::<crate::ToolName>().is_err() {
            return Err(InvalidTemplate::Expression(expression.to_owned()));
        }
        match parts.last() {
            Some(Part::Variable(before, _)) => {
                return Err(InvalidTemplate::Adjacent(before.clone(), name.to_owned()));
            }
            _ if parts.iter().any(|part| matches!(part, Part::Variable(known, _) if known == name)) => {
                return Err(InvalidTemplate::Twice(name.to_owned()));
            }
            _ => parts.push(Part::Variable(name.to_owned(), expansion)),
        }
        rest = after;
    }
    match parts.iter().filter(|part| matches!(part, Part::Variable(..))).count() {
        found if found > MAX_VARIABLES => Err(InvalidTemplate::Variables(found)),
        _ => Ok(parts),
    }
}
