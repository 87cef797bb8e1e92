//! The keywords of JSON Schema 2020-12 that this host reads. Whatever is not in this table is refused: a validator that
//! read a keyword which the bounds below did not count would be outside them.

use super::SchemaRefusal;

/// What a keyword holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// One schema; how it applies.
    Schema(Applies),
    /// A list of schemas.
    Schemas(Applies),
    /// Schemas under names.
    Named(Applies),
    /// Schemas under patterns.
    Patterned,
    /// `$ref`.
    Ref,
    /// `$anchor`.
    Anchor,
    /// `$schema`.
    Dialect,
    /// Text of one line.
    Line,
    /// Text.
    Text,
    /// Any value; its strings are read by people.
    Any,
    /// A list of any values.
    List,
    /// `pattern`.
    Pattern,
    /// A number, a name or a list of names: the validator checks which.
    Plain,
    /// `x-mcp-header`.
    Header,
}

/// To what a schema in a schema applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applies {
    /// To the same value: what costs most, because it multiplies.
    Here,
    /// To the same value, as one of several.
    Branch,
    /// To one member of an object.
    Member,
    /// To members that no other keyword names.
    OtherMembers,
    /// To the names of members.
    Names,
    /// To one element of a list.
    Element,
    /// To elements that no other keyword names.
    OtherElements,
    /// To every element, whatever else does.
    EveryElement,
    /// To nothing, unless a reference names it.
    Nowhere,
}

const KEYWORDS: &[(&str, Keyword)] = &[
    ("$anchor", Keyword::Anchor),
    ("$comment", Keyword::Text),
    ("$defs", Keyword::Named(Applies::Nowhere)),
    ("$ref", Keyword::Ref),
    ("$schema", Keyword::Dialect),
    ("additionalProperties", Keyword::Schema(Applies::OtherMembers)),
    ("allOf", Keyword::Schemas(Applies::Here)),
    ("anyOf", Keyword::Schemas(Applies::Branch)),
    ("const", Keyword::Any),
    ("contains", Keyword::Schema(Applies::EveryElement)),
    ("contentEncoding", Keyword::Plain),
    ("contentMediaType", Keyword::Plain),
    ("default", Keyword::Any),
    ("definitions", Keyword::Named(Applies::Nowhere)),
    ("dependentRequired", Keyword::Plain),
    ("dependentSchemas", Keyword::Named(Applies::Here)),
    ("deprecated", Keyword::Plain),
    ("description", Keyword::Text),
    ("else", Keyword::Schema(Applies::Here)),
    ("enum", Keyword::List),
    ("examples", Keyword::List),
    ("exclusiveMaximum", Keyword::Plain),
    ("exclusiveMinimum", Keyword::Plain),
    ("format", Keyword::Plain),
    ("if", Keyword::Schema(Applies::Here)),
    ("items", Keyword::Schema(Applies::OtherElements)),
    ("maxContains", Keyword::Plain),
    ("maxItems", Keyword::Plain),
    ("maxLength", Keyword::Plain),
    ("maxProperties", Keyword::Plain),
    ("maximum", Keyword::Plain),
    ("minContains", Keyword::Plain),
    ("minItems", Keyword::Plain),
    ("minLength", Keyword::Plain),
    ("minProperties", Keyword::Plain),
    ("minimum", Keyword::Plain),
    ("multipleOf", Keyword::Plain),
    ("not", Keyword::Schema(Applies::Here)),
    ("oneOf", Keyword::Schemas(Applies::Branch)),
    ("pattern", Keyword::Pattern),
    ("patternProperties", Keyword::Patterned),
    ("prefixItems", Keyword::Schemas(Applies::Element)),
    ("properties", Keyword::Named(Applies::Member)),
    ("propertyNames", Keyword::Schema(Applies::Names)),
    ("readOnly", Keyword::Plain),
    ("required", Keyword::Plain),
    ("then", Keyword::Schema(Applies::Here)),
    ("title", Keyword::Line),
    ("type", Keyword::Plain),
    ("uniqueItems", Keyword::Plain),
    ("writeOnly", Keyword::Plain),
    ("x-mcp-header", Keyword::Header),
];

/// Keyword, reason, what to write instead.
const REFUSED: &[(&str, &str, &str)] = &[
    ("$id", "a served schema has no address, and a second one would change what `$ref` means", "no `$id`"),
    ("$dynamicRef", "what it means depends on who refers to it, so its cost cannot be bounded", "`$ref`"),
    ("$dynamicAnchor", "it is for `$dynamicRef`, whose cost cannot be bounded", "`$anchor`"),
    ("$recursiveRef", "it is of an older dialect, and its cost cannot be bounded", "`$ref`"),
    ("$recursiveAnchor", "it is of an older dialect, and its cost cannot be bounded", "`$anchor`"),
    ("$vocabulary", "it is for dialects, not for schemas", "no `$vocabulary`"),
    (
        "unevaluatedProperties",
        "checking it checks again what stands beside it, so that its cost doubles with each one inside another",
        "`additionalProperties` and name every member under `properties`",
    ),
    (
        "unevaluatedItems",
        "checking it checks again what stands beside it, so that its cost doubles with each one inside another",
        "`items` after `prefixItems`",
    ),
    ("contentSchema", "nothing checks it", "what the content is into `description`"),
    ("dependencies", "it is of an older dialect", "`dependentSchemas` or `dependentRequired`"),
    ("additionalItems", "it is of an older dialect", "`items` after `prefixItems`"),
    ("discriminator", "it is of another language, OpenAPI", "`oneOf` whose branches have a `const`"),
    ("nullable", "it is of another language, OpenAPI", "`\"type\": [..., \"null\"]`"),
    ("id", "it is of an older dialect", "no `id`"),
];

/// What `written` holds. Annotations (`x-…`) are read as any value: their strings reach the model like all others.
pub(super) fn keyword(written: &str) -> Result<(&'static str, Keyword), SchemaRefusal> {
    if let Some(known) = KEYWORDS.iter().find(|(name, _)| *name == written) {
        return Ok(*known);
    }
    if let Some((keyword, reason, instead)) = REFUSED.iter().find(|(name, ..)| *name == written) {
        return Err(SchemaRefusal::Refused { keyword, reason, instead });
    }
    if written.strip_prefix("x-").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        && written.len() <= 64
        && !written.eq_ignore_ascii_case("x-mcp-header")
    {
        return Ok(("x-…", Keyword::Any));
    }
    let instead = match crate::finding::nearest(written, KEYWORDS.iter().map(|(name, _)| *name)) {
        Some(near) => format!("did you mean `{near}`? write that, or delete it"),
        None => "write one that there is, or delete it".to_owned(),
    };
    Err(SchemaRefusal::Keyword { written: written.to_owned(), instead })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_have_nothing_in_common() {
        assert!(KEYWORDS.is_sorted_by_key(|(name, _)| *name));
        assert!(REFUSED.iter().all(|(name, ..)| KEYWORDS.iter().all(|(known, _)| known != name)));
    }

    #[test]
    fn annotations_are_known_by_their_prefix() {
        assert_eq!(keyword("x-order").unwrap().1, Keyword::Any);
        assert_eq!(keyword("x-mcp-header").unwrap().1, Keyword::Header);
        for wrong in ["x-Mcp-Header", "x-with space", "X-order", "extra"] {
            assert!(matches!(keyword(wrong), Err(SchemaRefusal::Keyword { .. })), "{wrong}");
        }
    }
}
