use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::schema::validator;

fn ok(wide: Value, narrow: Value) {
    assert_eq!(included(&wide, &narrow), Ok(()), "{wide} takes all of {narrow}");
}

#[track_caller]
fn not(wide: Value, narrow: Value, pointer: &str, what: &str) {
    let unproven = included(&wide, &narrow).unwrap_err();
    assert_eq!((&*unproven.pointer, &*unproven.what), (pointer, what), "{wide} and {narrow}");
}

fn closed(properties: Value, required: Value) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

#[test]
fn wr_04_what_is_additive_is_taken() {
    let text = || json!({ "type": "string", "maxLength": 5 });
    let old = closed(json!({ "a": text() }), json!(["a"]));
    // One more that may be left out; one that may be left out now; more room.
    ok(closed(json!({ "a": text(), "b": text() }), json!(["a"])), old.clone());
    ok(closed(json!({ "a": text() }), json!([])), old.clone());
    ok(closed(json!({ "a": { "type": "string", "maxLength": 9 } }), json!(["a"])), old.clone());
    ok(closed(json!({ "a": { "type": ["string", "null"] } }), json!(["a"])), old.clone());
    ok(json!({ "type": "object", "properties": { "a": text() }, "description": "Other words" }), old.clone());
    ok(json!({ "anyOf": [old.clone(), { "type": "null" }] }), old.clone());
    ok(json!({ "enum": ["x", "y", "z"] }), json!({ "enum": ["x", "y"] }));
    ok(json!({ "type": "string", "maxLength": 1 }), json!({ "enum": ["x", "y"] }));
    ok(json!({ "type": "number", "minimum": 0 }), json!({ "type": "integer", "exclusiveMinimum": 0 }));
    ok(
        json!({ "type": ["string", "null"] }),
        json!({ "oneOf": [{ "type": "null" }, { "type": "string", "pattern": "^a" }] }),
    );
}

#[test]
fn wr_04_what_asks_for_more_is_refused_with_its_place() {
    let text = || json!({ "type": "string", "maxLength": 5 });
    let old = closed(json!({ "a": text(), "l": { "type": "array", "items": { "type": "integer" } } }), json!([]));
    let with = |name: &str, schema: Value| {
        let mut new = old.clone();
        new["properties"][name] = schema;
        new
    };
    let narrower = json!({ "type": "string", "maxLength": 4 });
    not(with("a", narrower), old.clone(), "#/properties/a", "`maxLength`");
    not(with("a", json!({ "type": "integer" })), old.clone(), "#/properties/a", "`type`");
    not(
        with("a", json!({ "type": "string", "maxLength": 5, "pattern": "^a" })),
        old.clone(),
        "#/properties/a",
        "`pattern`",
    );
    not(
        with("a", json!({ "type": "string", "maxLength": 5, "x-mcp-header": "A" })),
        old.clone(),
        "#/properties/a",
        "`x-mcp-header`",
    );
    not(
        with("l", json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } })),
        old.clone(),
        "#/properties/l/items",
        "`minimum`",
    );
    let mut needed = old.clone();
    needed["required"] = json!(["a"]);
    not(needed, old.clone(), "#", "`required`: `a`");
    let mut gone = old.clone();
    gone["properties"].as_object_mut().unwrap().remove("a");
    not(gone, old.clone(), "#/additionalProperties", "nothing is taken, of the member `a`");
    // An open object may hold anything under a new name.
    not(with("b", text()), json!({ "type": "object" }), "#/properties/a", "`type`");
    not(json!({ "enum": ["x"] }), json!({ "enum": ["x", "y"] }), "#", "`enum`");
    not(json!({ "oneOf": [{ "type": "string" }, { "type": "null" }] }), json!({ "type": "string" }), "#", "`oneOf`");
    not(
        json!({ "maximum": 9_007_199_254_740_992_u64 }),
        json!({ "maximum": 9_007_199_254_740_993.5 }),
        "#",
        "`maximum`",
    );
}

#[test]
fn references_mean_what_they_mean_in_their_own_schema() {
    let schema = |name: Value| json!({ "$ref": "#/$defs/n", "$defs": { "n": name } });
    ok(schema(json!({ "type": ["string", "null"] })), schema(json!({ "type": "string" })));
    not(schema(json!({ "type": "string" })), schema(json!({ "type": "integer" })), "#/$ref", "`type`");
    // A tree, which holds itself.
    let tree = |most: u32| {
        json!({ "$ref": "#/$defs/t", "$defs": { "t": { "type": "object", "properties": {
        "v": { "type": "integer", "maximum": most }, "next": { "$ref": "#/$defs/t" } }, "additionalProperties": false } } })
    };
    ok(tree(9), tree(8));
    not(tree(8), tree(9), "#/$ref/properties/v", "`maximum`");
    // What stands beside a reference holds too.
    let beside = json!({ "$ref": "#/$defs/n", "maxLength": 3, "$defs": { "n": { "type": "string" } } });
    ok(json!({ "type": "string", "maxLength": 4 }), beside.clone());
    not(beside, json!({ "type": "string", "maxLength": 4 }), "#", "`maxLength`");
}

/// Fails if a proof can be made to take long: its steps are counted, and what is not proven is refused.
#[test]
fn mc_06_a_proof_that_takes_too_long_ends() {
    let branch = |at: u32| json!({ "properties": { "a": { "enum": [at] }, "b": { "enum": [at] } } });
    let branches: Vec<Value> = (0..60).map(branch).collect();
    let narrow = json!({ "allOf": [{ "anyOf": branches }, { "anyOf": branches }, { "oneOf": branches }] });
    let mut wide = narrow.clone();
    wide["allOf"][2]["oneOf"][59] = json!({ "const": 1 });
    assert!(included(&wide, &narrow).is_err());
}

/// Schemas about a few names and small numbers, so that two of them have much to do with each other.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => Just(json!({ "type": "string" })),
        2 => (0..4_u32, 0..4_u32).prop_map(|(a, b)| json!({ "type": "string", "minLength": a, "maxLength": b })),
        2 => (-2..3_i32, -2..3_i32).prop_map(|(a, b)| json!({ "type": "integer", "minimum": a, "exclusiveMaximum": b })),
        1 => (-2..3_i32).prop_map(|a| json!({ "type": "number", "exclusiveMinimum": a })),
        1 => (1..4_u32).prop_map(|a| json!({ "type": "number", "multipleOf": a })),
        2 => prop::collection::vec(small(), 1..4).prop_map(|all| json!({ "enum": all })),
        1 => small().prop_map(|one| json!({ "const": one })),
        1 => Just(json!({ "type": ["string", "null"], "pattern": "^a" })),
        1 => Just(json!({ "minimum": 0, "maxLength": 2 })),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(json!({ "$ref": "#/$defs/d" })),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let named = || prop::collection::btree_map("[abc]", inner.clone(), 0..3);
        let names = prop::collection::btree_set("[abc]", 0..3);
        prop_oneof![
            4 => (named(), names.clone(), prop::option::of(inner.clone()), any::<bool>()).prop_map(|(properties, required, others, typed)| {
                let mut schema = json!({ "properties": properties, "required": required });
                if typed { schema["type"] = json!("object"); }
                if let Some(others) = others { schema["additionalProperties"] = others; }
                schema
            }),
            2 => named().prop_map(|properties| json!({ "type": "object", "properties": properties, "additionalProperties": false })),
            1 => (named(), inner.clone()).prop_map(|(properties, schema)| json!({ "properties": properties, "patternProperties": { "^a": schema }, "additionalProperties": false })),
            1 => names.clone().prop_map(|names| json!({ "dependentRequired": { "a": names } })),
            1 => names.prop_map(|names| json!({ "propertyNames": { "enum": names }, "minProperties": 1 })),
            2 => (prop::collection::vec(inner.clone(), 0..3), prop::option::of(inner.clone()), 0..3_u32).prop_map(|(first, items, most)| {
                let mut schema = json!({ "type": "array", "maxItems": most });
                if !first.is_empty() { schema["prefixItems"] = json!(first); }
                if let Some(items) = items { schema["items"] = items; }
                schema
            }),
            1 => inner.clone().prop_map(|inner| json!({ "contains": inner, "uniqueItems": true })),
            2 => prop::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({ "anyOf": all })),
            1 => prop::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({ "oneOf": all })),
            1 => prop::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({ "allOf": all })),
            1 => inner.clone().prop_map(|inner| json!({ "not": inner })),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| json!({ "if": a, "then": b, "else": c })),
        ]
    })
}

fn small() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3..4_i32).prop_map(|number| json!(number)),
        Just(json!(1.0)),
        Just(json!(0.5)),
        "[ab]{0,3}".prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    small().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[abcd]", inner, 0..4).prop_map(|all| json!(all)),
        ]
    })
}

/// Changes one thing, somewhere: so that much of what is asked can be proven.
fn changed(value: &Value, at: &mut usize, how: &Value) -> Value {
    if *at == 0 {
        *at = usize::MAX;
        return match (how, value) {
            (Value::Number(by), Value::Number(number)) if number.is_u64() => {
                json!(number.as_u64().unwrap_or(0).saturating_add_signed(by.as_i64().unwrap_or(1)))
            }
            (Value::Null, Value::Object(members)) => {
                members.iter().skip(1).map(|(key, value)| (key.clone(), value.clone())).collect()
            }
            (Value::Null, Value::Array(values)) if values.len() > 1 => values[1..].to_vec().into(),
            _ => value.clone(),
        };
    }
    if *at != usize::MAX {
        *at -= 1;
    }
    match value {
        Value::Object(all) => all.iter().map(|(key, value)| (key.clone(), changed(value, at, how))).collect(),
        Value::Array(all) => all.iter().map(|value| changed(value, at, how)).collect(),
        value => value.clone(),
    }
}

fn with_definition(mut schema: Value, definition: &Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.insert("$defs".to_owned(), json!({ "d": definition }));
    }
    schema
}

fn definitions() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({ "type": "integer" })),
        Just(
            json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/d" }, "b": { "type": "string" } }, "additionalProperties": false })
        ),
        Just(json!({ "type": ["object", "null"], "properties": { "a": { "$ref": "#/$defs/d" } }, "required": ["b"] })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    /// Fails if the check says yes to two schemas between which one value tells the difference.
    #[test]
    fn wr_04_what_is_said_to_be_included_is(
        narrow in schemas(), other in schemas(), at in 0..40_usize, how in prop_oneof![Just(json!(1)), Just(json!(-1)), Just(Value::Null)],
        definitions in (definitions(), definitions()), mutate in prop::bool::weighted(0.7), values in prop::collection::vec(values(), 40),
    ) {
        let (mut at, how) = (at, how);
        let wide = if mutate { changed(&narrow, &mut at, &how) } else { other };
        let (wide, narrow) = (with_definition(wide, &definitions.0), with_definition(narrow, &definitions.1));
        let (Ok(wide_takes), Ok(narrow_takes)) = (validator(&wide), validator(&narrow)) else { return Ok(()) };
        if included(&wide, &narrow).is_ok() {
            for value in &values {
                prop_assert!(!narrow_takes.is_valid(value) || wide_takes.is_valid(value), "{value} is in {narrow} and not in {wide}");
            }
        }
    }

    /// Fails if what did not change, or only became wider in one of the plain ways, is not found to be so.
    #[test]
    fn a_schema_includes_itself_and_what_only_allows_more_includes_it(schema in schemas(), definition in definitions()) {
        let schema = with_definition(schema, &definition);
        prop_assert_eq!(included(&schema, &schema), Ok(()));
        prop_assert_eq!(included(&Value::Bool(true), &schema), Ok(()));
        prop_assert_eq!(included(&schema, &Value::Bool(false)), Ok(()));
        let either = json!({ "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/all" }], "$defs": { "all": { "const": 1 }, "d": definition } });
        prop_assert_eq!(included(&either, &json!({ "const": 1 })), Ok(()));
    }
}

/// A demand that is only taken where both say the same: `what` under the reference, beside words that are no reference.
fn shut(most: u32, refers: &str, what: &[(&str, Value)]) -> Value {
    let mut schema =
        json!({ "type": "string", "description": "#/elsewhere", "maxLength": most, "not": { "$ref": refers } });
    for (key, value) in what {
        schema[*key] = value.clone();
    }
    schema
}

#[test]
fn wr_04_what_refers_to_the_same_is_the_same() {
    let one = || json!({ "x": { "enum": ["a"] } });
    ok(shut(5, "#/$defs/x", &[("$defs", one())]), shut(4, "#/$defs/x", &[("$defs", one())]));
    ok(shut(5, "#/definitions/x", &[("definitions", one())]), shut(4, "#/definitions/x", &[("definitions", one())]));
    // All of it is the same, so all that it refers to is.
    ok(shut(4, "#/properties/x", &[("properties", one())]), shut(4, "#/properties/x", &[("properties", one())]));
}

#[test]
fn wr_04_what_refers_to_something_else_is_not_the_same() {
    let (one, all) = (|| json!({ "x": { "enum": ["a"] } }), || json!({ "x": {} }));
    for (refers, key) in [("#/$defs/x", "$defs"), ("#/definitions/x", "definitions"), ("#/properties/x", "properties")]
    {
        let (wide, narrow) = (shut(5, refers, &[(key, all())]), shut(4, refers, &[(key, one())]));
        assert!(included(&wide, &narrow).is_err(), "{wide} takes nothing, and {narrow} does");
    }
    // The same definitions, and what is referred to stands elsewhere: there it differs.
    let defs = || ("$defs", one());
    for (wide, narrow) in [
        (shut(5, "#/properties/x", &[defs(), ("properties", all())]), shut(4, "#/properties/x", &[defs()])),
        (shut(5, "#", &[defs()]), shut(4, "#", &[defs()])),
        (shut(5, "#x", &[defs()]), shut(4, "#x", &[defs()])),
    ] {
        assert!(included(&wide, &narrow).is_err(), "{wide} and {narrow}");
    }
    // References deep inside, in one of the two only.
    let deep = |most: u32, refers: &str| json!({ "type": "object", "maxProperties": most, "not": { "allOf": [{ "items": [{ "$ref": refers }] }] } });
    assert!(included(&deep(5, "#/x"), &deep(4, "#/x")).is_err());
}

/// `inner` under so many members `a`, each inside the one before.
fn under(levels: usize, inner: Value, around: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(inner, |inner, _| json!({ "properties": { "a": around(inner) } }))
}

#[test]
fn mc_06_a_proof_goes_200_levels_down_and_no_further() {
    let text = |most: u32| json!({ "type": "string", "maxLength": most });
    let plain = |inner| inner;
    ok(under(200, text(5), plain), under(200, text(4), plain));
    let unproven = included(&under(201, text(5), plain), &under(201, text(4), plain)).unwrap_err();
    assert_eq!(unproven.what, "more than this check can follow");
    assert_eq!(unproven.pointer.matches("/a").count(), 201);
    // Going through branches is a level, too.
    let branches = |inner| json!({ "anyOf": [inner, false] });
    ok(under(100, text(5), plain), under(100, text(4), branches));
    assert!(included(&under(101, text(5), plain), &under(101, text(4), branches)).is_err());
}

#[test]
fn mc_06_a_proof_goes_through_branches_three_times_inside_one_value() {
    let wide = json!({ "required": ["a"] });
    let branches = |times: u32| {
        (0..times).fold(wide.clone(), |inner, _| json!({ "anyOf": [{ "required": ["a"], "title": "One" }, inner] }))
    };
    ok(wide.clone(), branches(3));
    not(wide.clone(), branches(4), "#", "`required`: `a`");
    // The count begins anew for each part of the value.
    ok(json!({ "properties": { "b": wide } }), json!({ "anyOf": [{ "properties": { "b": branches(3) } }, false] }));
}

#[test]
fn mc_06_of_what_holds_at_once_64_are_looked_at() {
    let wide = json!({ "required": ["a"] });
    let all = |number: usize| {
        let others = (1..number).map(|at| json!({ "title": at }));
        json!({ "allOf": std::iter::once(wide.clone()).chain(others).collect::<Vec<_>>() })
    };
    ok(wide.clone(), all(63));
    not(wide.clone(), all(64), "#", "`required`: `a`");
}

#[test]
fn wr_04_what_is_demanded_alike_beside_less_is_not_the_same() {
    // Here, what else may be there begins behind `a`, and there it does not.
    let narrow = json!({ "properties": { "a": {} }, "additionalProperties": false });
    not(
        json!({ "additionalProperties": false }),
        narrow,
        "#/additionalProperties",
        "nothing is taken, of the member `a`",
    );
}

/// What follows from what, keyword by keyword. A title keeps two schemas from being the same, which would be proof enough.
#[test]
fn wr_04_each_keyword_is_proven_from_what_it_follows_from() {
    let text = || json!({ "type": "string", "title": "T" });
    for (wide, narrow) in [
        // What is about values of another type holds of none of these.
        (json!({ "multipleOf": 3 }), text()),
        (json!({ "minimum": 3 }), text()),
        (json!({ "required": ["a"] }), text()),
        (json!({ "items": false }), text()),
        (json!({ "contains": { "const": 1 } }), text()),
        (json!({ "uniqueItems": true }), text()),
        (json!({ "dependentSchemas": { "a": false } }), text()),
        (json!({ "pattern": "^a", "format": "date", "minLength": 2 }), json!({ "type": "integer" })),
        // What nothing can be.
        (json!({ "const": 5 }), json!({ "type": "string", "enum": [1] })),
        (json!({ "type": ["string", "null"] }), json!({ "type": "null" })),
        (json!({ "type": ["integer", "number"] }), json!({ "type": "integer" })),
        (json!({ "type": "boolean" }), json!({ "enum": [true, false] })),
        (json!({ "const": 1 }), json!({ "enum": [1] })),
        (json!({ "multipleOf": 3 }), json!({ "multipleOf": 6 })),
        (json!({ "multipleOf": 0.5 }), json!({ "multipleOf": 0.5, "title": "T" })),
        (json!({ "maximum": 1 }), json!({ "maximum": 0.5 })),
        (json!({ "maximum": 9_007_199_254_740_992_u64 }), json!({ "maximum": 0.5 })),
        (json!({ "minimum": 0 }), json!({ "minimum": 0, "title": "T" })),
        (json!({ "exclusiveMinimum": 0 }), json!({ "exclusiveMinimum": 0, "title": "T" })),
        (json!({ "exclusiveMaximum": 5 }), json!({ "maximum": 4 })),
        (json!({ "minLength": 0 }), text()),
        (json!({ "minLength": 2 }), json!({ "type": "string", "minLength": 3 })),
        (json!({ "minLength": 1 }), json!({ "enum": ["a", "bb", 1] })),
        (json!({ "minItems": 1 }), json!({ "minItems": 2 })),
        (json!({ "maxItems": 5 }), json!({ "maxItems": 3 })),
        (json!({ "minItems": 1 }), json!({ "enum": [[1], [1, 2]] })),
        (json!({ "minProperties": 1 }), json!({ "minProperties": 2 })),
        (json!({ "maxProperties": 1 }), json!({ "enum": [{ "a": 1 }, {}] })),
        (json!({ "uniqueItems": false }), json!({ "type": "array" })),
        (json!({ "uniqueItems": true }), json!({ "type": "array", "uniqueItems": true, "title": "T" })),
        // These say nothing without what they belong to.
        (json!({ "then": false, "else": false, "minContains": 9, "maxContains": 0 }), json!({ "title": "T" })),
        (
            json!({ "if": true, "then": { "maxLength": 2 } }),
            json!({ "if": true, "then": { "maxLength": 2 }, "title": "T" }),
        ),
        (json!({ "contains": true, "minContains": 2 }), json!({ "contains": true, "minContains": 2, "title": "T" })),
        (json!({ "allOf": [{ "type": "string" }, { "maxLength": 5 }] }), json!({ "type": "string", "maxLength": 4 })),
        (json!({ "dependentRequired": { "a": ["b"] } }), json!({ "dependentRequired": { "a": ["b", "c"] } })),
        (json!({ "dependentRequired": { "a": ["b"] } }), json!({ "required": ["b"] })),
        (
            json!({ "patternProperties": { "^a": { "maxLength": 5 } } }),
            json!({ "patternProperties": { "^a": { "maxLength": 4 } } }),
        ),
        (json!({ "propertyNames": { "maxLength": 5 } }), json!({ "propertyNames": { "maxLength": 4 } })),
        (json!({ "x-order": 1 }), json!({ "title": "T" })),
        (
            json!({ "patternProperties": { "^a": true }, "additionalProperties": { "type": "string" } }),
            json!({ "patternProperties": { "^a": { "type": "integer" } }, "additionalProperties": { "type": "string" } }),
        ),
    ] {
        ok(wide, narrow);
    }
}

#[test]
fn wr_04_nothing_is_proven_from_what_it_does_not_follow_from() {
    let typed = |name: &str| json!({ "type": name });
    for (wide, narrow, pointer, what) in [
        (typed("string"), typed("null"), "#", "`type`"),
        (typed("string"), typed("boolean"), "#", "`type`"),
        (json!({ "const": 1 }), json!({ "enum": [1, 2] }), "#", "`const`"),
        (json!({ "multipleOf": 4 }), json!({ "multipleOf": 6 }), "#", "`multipleOf`"),
        (json!({ "multipleOf": 6 }), json!({ "multipleOf": 3 }), "#", "`multipleOf`"),
        (json!({ "multipleOf": 0.5 }), json!({ "multipleOf": 0.25 }), "#", "`multipleOf`"),
        (json!({ "multipleOf": 4 }), json!({ "multipleOf": 0.5 }), "#", "`multipleOf`"),
        (json!({ "exclusiveMinimum": 0 }), json!({ "minimum": 0 }), "#", "`exclusiveMinimum`"),
        (json!({ "exclusiveMaximum": 5 }), json!({ "maximum": 5 }), "#", "`exclusiveMaximum`"),
        (json!({ "minimum": 1 }), json!({ "exclusiveMinimum": 0.5 }), "#", "`minimum`"),
        // Beyond what a float holds exactly.
        (
            json!({ "maximum": 9_007_199_254_740_993_u64 }),
            json!({ "maximum": 9_007_199_254_740_992.0 }),
            "#",
            "`maximum`",
        ),
        (json!({ "minLength": 3 }), json!({ "minLength": 2 }), "#", "`minLength`"),
        (json!({ "minLength": 3 }), typed("string"), "#", "`minLength`"),
        (json!({ "maxLength": 0 }), typed("string"), "#", "`maxLength`"),
        (json!({ "minLength": 1 }), json!({ "enum": ["a", ""] }), "#", "`minLength`"),
        (json!({ "minItems": 1 }), json!({ "enum": [[]] }), "#", "`minItems`"),
        (json!({ "maxProperties": 0 }), json!({ "enum": [{ "a": 1 }] }), "#", "`maxProperties`"),
        (json!({ "uniqueItems": true }), typed("array"), "#", "`uniqueItems`"),
        (json!({ "uniqueItems": true }), json!({ "uniqueItems": false }), "#", "`uniqueItems`"),
        (
            json!({ "if": true, "then": { "maxLength": 2 } }),
            json!({ "if": true, "then": { "maxLength": 3 } }),
            "#",
            "`if`",
        ),
        (json!({ "if": true, "then": { "maxLength": 2 } }), json!({ "if": true }), "#", "`if`"),
        (json!({ "contains": true }), typed("array"), "#", "`contains`"),
        (json!({ "contains": true, "minContains": 2 }), json!({ "contains": true }), "#", "`contains`"),
        (json!({ "contains": true }), json!({ "contains": true, "minContains": 0 }), "#", "`contains`"),
        (json!({ "allOf": [true, { "maxLength": 5 }] }), json!({ "maxLength": 6 }), "#/allOf/1", "`maxLength`"),
        (json!({ "dependentSchemas": { "a": false } }), typed("object"), "#", "`dependentSchemas`"),
        (
            json!({ "dependentRequired": { "a": ["b"], "c": ["d"] } }),
            json!({ "dependentRequired": { "a": ["b"], "c": ["e"] } }),
            "#",
            "`dependentRequired`",
        ),
        (
            json!({ "patternProperties": { "^a": { "maxLength": 5 } } }),
            json!({ "patternProperties": { "^b": { "maxLength": 4 } } }),
            "#/patternProperties/^a",
            "`maxLength`",
        ),
        (
            json!({ "propertyNames": { "maxLength": 5 } }),
            json!({ "propertyNames": { "maxLength": 6 } }),
            "#/propertyNames",
            "`maxLength`",
        ),
        (
            json!({ "patternProperties": { "^a": true }, "additionalProperties": { "type": "string" } }),
            json!({ "patternProperties": { "^b": { "type": "integer" } }, "additionalProperties": { "type": "string" } }),
            "#/additionalProperties",
            "`type`",
        ),
        // The pattern may fit the name.
        (
            json!({ "properties": { "ab": { "type": "string" } } }),
            json!({ "patternProperties": { "^a": { "type": "integer" } }, "additionalProperties": { "type": "string" } }),
            "#/properties/ab",
            "`type`",
        ),
        (
            json!({ "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } }),
            json!({ "prefixItems": [{ "type": "integer" }], "items": { "type": "integer" } }),
            "#/prefixItems/0",
            "`type`",
        ),
        (
            json!({ "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } }),
            json!({ "prefixItems": [{ "type": "string" }], "items": { "type": "string" } }),
            "#/items",
            "`type`",
        ),
    ] {
        not(wide, narrow, pointer, what);
    }
}
