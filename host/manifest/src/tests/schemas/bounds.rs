//! How much a schema may cost.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::{lines, notes, package, refused, taken};
use crate::{Digest, MAX_SERVED, Meter, Package, Tool, validator};

fn many(count: usize, schema: &Value) -> Map<String, Value> {
    (0..count).map(|at| (format!("a{at}"), schema.clone())).collect()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({ "type": "array" }), |inner, _| json!({ "items": inner }))
}

/// Each rung refers to the next one twice.
fn ladder(rungs: usize) -> Value {
    let rung = |at: usize| {
        let next = json!({ "$ref": format!("#/$defs/l{}", at + 1) });
        (format!("l{at}"), json!({ "allOf": [next, next] }))
    };
    let mut rungs: Map<_, _> =
        (0..rungs).map(rung).chain([(format!("l{rungs}"), json!({ "type": "integer" }))]).collect();
    let first = rungs.shift_remove("l0").unwrap();
    json!({ "type": "object", "properties": { "a": first }, "$defs": rungs })
}

#[test]
fn mc_06_keywords_whose_cost_cannot_be_bounded_are_refused() {
    refused(
        json!({ "type": "object", "properties": { "a": { "$dynamicRef": "#b" } } }),
        &[
            "in.json:1:37: #/properties/a/$dynamicRef: `$dynamicRef` is not read by this host: what it means depends on who refers to it, so its cost cannot be bounded; write `$ref`",
        ],
    );
    refused(
        json!({ "type": "object", "$id": "https://a.example/" }),
        &[
            "in.json:1:18: #/$id: `$id` is not read by this host: a served schema has no address, and a second one would change what `$ref` means; write no `$id`",
        ],
    );
    refused(
        json!({ "type": "object", "unevaluatedProperties": false }),
        &[
            "in.json:1:18: #/unevaluatedProperties: `unevaluatedProperties` is not read by this host: checking it checks again what stands beside it, so that its cost doubles with each one inside another; write `additionalProperties` and name every member under `properties`",
        ],
    );
}

#[test]
fn mc_07_patterns_are_read_by_the_linear_time_engine() {
    refused(
        json!({ "type": "object", "properties": { "a": { "pattern": "(?=a)b" } } }),
        &[
            "in.json:1:47: #/properties/a/pattern: the pattern `(?=a)b` is not read by the linear-time engine: it has look-around, a back-reference, a mistake, or grows too large; write it without, and lengths as `maxLength`",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "pattern": "^(a|a)*\\1$" } } }),
        &[
            "in.json:1:47: #/properties/a/pattern: the pattern `^(a|a)*\\1$` is not read by the linear-time engine: it has look-around, a back-reference, a mistake, or grows too large; write it without, and lengths as `maxLength`",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "pattern": "(?:a{1,1000}){1,1000}" } } }),
        &[
            "in.json:1:47: #/properties/a/pattern: the pattern `(?:a{1,1000}){1,1000}` is not read by the linear-time engine: it has look-around, a back-reference, a mistake, or grows too large; write it without, and lengths as `maxLength`",
        ],
    );
    refused(
        json!({ "type": "object", "patternProperties": { "(": {} } }),
        &[
            "in.json:1:39: #/patternProperties/(: the pattern `(` is not read by the linear-time engine: it has look-around, a back-reference, a mistake, or grows too large; write it without, and lengths as `maxLength`",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "pattern": "a".repeat(513) } } }),
        &[
            "in.json:1:47: #/properties/a/pattern: the pattern has 513 bytes and at most 512 are allowed; write a shorter one",
        ],
    );
    taken(json!({ "type": "object", "properties": { "a": { "pattern": "a".repeat(512) } } }));
    taken(json!({ "type": "object", "properties": { "a": { "pattern": "^\\d{4}-\\d{2}-\\d{2}$" } } }));
}

#[test]
fn mc_06_how_much_there_is_is_bounded() {
    refused(
        json!({ "type": "object", "properties": { "a": { "enum": (0..501).collect::<Vec<_>>() } } }),
        &[
            "in.json:1:44: #/properties/a/enum: the list has 501 values and at most 500 are allowed; write fewer, or a `pattern`",
        ],
    );
    refused(
        json!({ "type": "object", "properties": many(70, &json!({ "pattern": "a" })) }),
        &["in.json:1:1: #: there are 70 patterns and at most 64 are allowed; write fewer"],
    );
    refused(
        json!({ "type": "object", "properties": many(1_000, &json!({})) }),
        &["in.json:1:1: #: it holds 1001 schemas and at most 1000 are allowed; write fewer"],
    );
    for (number, each, schemas) in [(1_001, json!({}), 1_002), (1_001, json!({ "items": {} }), 1_502)] {
        let told = format!("in.json:1:1: #: it holds {schemas} schemas and at most 1000 are allowed; write fewer");
        refused(json!({ "type": "object", "properties": many(number, &each) }), &[&told]);
    }
    taken(json!({ "type": "object", "properties": many(999, &json!({})) }));
    // The host closes it, with one more.
    let most =
        package(Some(&json!({ "type": "object", "properties": many(999, &json!({})) }).to_string()), None).unwrap();
    assert!(Meter::of(&most.input_schema(&most.manifest.tools[0])).is_ok());
    taken(json!({ "type": "object", "properties": { "a": { "enum": (0..500).collect::<Vec<_>>() } } }));
    taken(json!({ "type": "object", "properties": many(64, &json!({ "pattern": "a" })) }));
    taken(json!({ "type": "object", "properties": { "a": nested(31) } }));
    refused(
        json!({ "type": "object", "properties": { "a": nested(32) } }),
        &[
            "in.json:1:324: #/properties/a/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items/items: schemas stand more than 32 deep in each other; write the inner ones under `$defs`",
        ],
    );
}

#[test]
fn mc_06_recursion_must_go_into_the_value() {
    refused(
        json!({ "type": "object", "properties": { "a": { "allOf": [{ "$ref": "#/properties/a" }] } } }),
        &[
            "in.json:1:36: #/properties/a: this schema refers to itself without going into the value; write the reference below `properties` or `items`",
        ],
    );
    taken(json!({ "type": "object", "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } }));
    taken(json!({ "type": "object", "properties": { "all": { "type": "array", "items": { "$ref": "#" } } } }));
}

#[test]
fn mc_06_the_expanded_cost_is_bounded() {
    refused(
        ladder(13),
        &[
            "in.json:1:1: #: checking one part of a value can take 32765 steps and at most 2000 are allowed: references and combinations inside each other multiply, and so do long lists under `enum` in them; write fewer of them",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "anyOf": [{ "properties": { "a": { "$ref": "#/properties/a" } } }, { "properties": { "a": { "$ref": "#/properties/a" } } }] } } }),
        &[
            "in.json:1:1: #: checking one part of a value can take countless steps and at most 2000 are allowed: references and combinations inside each other multiply, and so do long lists under `enum` in them; write fewer of them",
        ],
    );
}

#[test]
fn mc_06_what_is_taken_is_checked_soon() {
    // The costliest schemas that are taken, and values that make them work: catalogue section 5b measured seconds.
    let tree = json!({ "type": "object", "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } });
    let deep = (0..60).fold(json!({}), |inner, _| json!({ "left": inner, "right": {} }));
    let branches: Vec<Value> = (0..900).map(|at| json!({ "const": at })).collect();
    let wide = json!({ "type": "object", "properties": { "a": { "type": "array", "items": { "anyOf": branches } } } });
    for (schema, value) in [(ladder(8), json!({ "a": "x" })), (tree, deep), (wide, json!({ "a": vec!["x"; 1_000] }))] {
        let package = package(Some(&schema.to_string()), None).unwrap();
        let validator = validator(&package.input_schema(&package.manifest.tools[0])).unwrap();
        let start = Instant::now();
        let _ = validator.is_valid(&value);
        let _ = validator.validate(&value).is_ok();
        assert!(start.elapsed().as_secs() < 2, "{:?} for {schema}", start.elapsed());
    }
}

#[test]
fn mc_06_the_bytes_of_all_schemas_are_bounded_together() {
    let half = format!("{{\"type\":\"object\"}}{}", " ".repeat((64 << 10) - 17));
    assert_eq!(lines(package(Some(&half), Some(&half))), [""; 0]);
    let more = format!("{half} ");
    let expected =
        "plugin.toml: tool: the schemas have 131073 bytes together and at most 131072 are read; write smaller schemas";
    assert_eq!(lines(package(Some(&half), Some(&more))), [expected]);
}

/// Schemas that come back to themselves for the member `a`, each time through `links` references of one kind.
fn circle(link: fn(Value) -> Value, links: usize) -> Value {
    let next = |at: usize| json!({ "$ref": format!("#/$defs/l{at}") });
    let last = json!({ "type": "object", "properties": { "a": next(0) } });
    let links: Map<_, _> =
        (0..links).map(|at| (format!("l{at}"), link(next(at + 1)))).chain([(format!("l{links}"), last)]).collect();
    json!({ "type": "object", "properties": { "a": next(0) }, "$defs": links })
}

#[test]
fn mc_06_the_recursion_of_the_validator_is_bounded() {
    let schema = circle(|next| json!({ "allOf": [next] }), 35);
    refused(
        schema,
        &[
            "in.json:1:1: #: checking a value can apply 9217 schemas inside each other along one way through it and at most \
           512 are allowed; write shorter chains of references and combinations",
        ],
    );
}

#[test]
fn mc_06_chains_and_costs_are_taken_up_to_their_bounds() {
    // Each link applies one schema more to the same value.
    let chain = |links: usize| {
        let link = |at: usize| (format!("l{at}"), json!({ "$ref": format!("#/$defs/l{}", at + 1) }));
        let all: Map<_, _> = (0..links).map(link).chain([(format!("l{links}"), json!({}))]).collect();
        let schema = json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/l0" } }, "$defs": all });
        lines(package(Some(&schema.to_string()), None))
    };
    let over = (500..520).find(|links| !chain(*links).is_empty()).unwrap();
    assert!(chain(over)[0].contains("can apply 513 schemas inside each other"), "{:?}", chain(over));
    // Each reference is a step, and so are what it refers to, and each four of a list.
    let cost = |listed: usize| {
        let references = vec![json!({ "$ref": "#/$defs/x" }); 990];
        let a = json!({ "allOf": references, "enum": (0..listed).collect::<Vec<_>>() });
        let schema = json!({ "type": "object", "properties": { "a": a }, "$defs": { "x": { "maxLength": 1 } } });
        lines(package(Some(&schema.to_string()), None))
    };
    let over = (4..200).find(|listed| !cost(*listed).is_empty()).unwrap();
    assert!(cost(over)[0].contains("can take 2001 steps"), "{:?}", cost(over));
}

#[test]
fn mc_06_the_longest_chain_that_is_taken_fits_into_half_of_a_default_stack() {
    // An overflow would end the process: nextest would report this test as aborted, and the host would be gone.
    let kinds: [fn(Value) -> Value; 7] = [
        |next| next,
        |next| json!({ "allOf": [next] }),
        |next| json!({ "anyOf": [next, false] }),
        |next| json!({ "oneOf": [next, false] }),
        |next| json!({ "not": next }),
        |next| json!({ "if": true, "then": next }),
        |next| json!({ "dependentSchemas": { "a": next } }),
    ];
    let value = (0..126).fold(json!("leaf"), |inner, _| json!({ "a": inner }));
    for kind in kinds {
        let links = (0..10).rev().find(|links| package(Some(&circle(kind, *links).to_string()), None).is_ok()).unwrap();
        let schema = circle(kind, links);
        let value = value.clone();
        let check = move || {
            let validator = validator(&schema).unwrap();
            (validator.is_valid(&value), validator.validate(&value).is_ok(), validator.iter_errors(&value).count())
        };
        let (valid, also, errors) =
            std::thread::Builder::new().stack_size(1 << 20).spawn(check).unwrap().join().unwrap();
        assert!(valid == also && valid == (errors == 0));
    }
}

/// The steps for a value, of the schema that is served.
fn steps(schema: &Value, value: &Value) -> Option<u64> {
    let package = package(Some(&schema.to_string()), None).unwrap();
    let meter = Meter::of(&package.input_schema(&package.manifest.tools[0])).unwrap();
    meter.read(value).map(|reading| reading.steps)
}

fn in_a(schema: Value) -> Value {
    json!({ "type": "object", "properties": { "a": schema } })
}

#[test]
fn mc_06_a_long_list_counts_wherever_it_is_applied() {
    // An attacker's: 500,000 ones, which a 3 KB schema kept the host busy with for half an hour.
    let list: Vec<Value> = (0..100).map(|at| json!({ "b": at })).chain((2..402).map(|at| json!(at))).collect();
    let applied = |times| {
        let mut schema =
            in_a(json!({ "type": "array", "items": { "allOf": vec![json!({ "$ref": "#/$defs/x" }); times] } }));
        schema["$defs"] = json!({ "x": { "not": { "enum": list } } });
        schema
    };
    refused(
        applied(900),
        &[
            "in.json:1:1: #: checking one part of a value can take 137701 steps and at most 2000 are allowed: references and combinations inside each other multiply, and so do long lists under `enum` in them; write fewer of them",
        ],
    );
    taken(applied(10));
    assert_eq!(steps(&applied(10), &json!({ "a": vec![1; 1_000] })), Some(1 + 1_000 * (1 + 10 * 153) + 1));
    assert_eq!(steps(&applied(10), &json!({ "a": vec![1; 500_000] })), None);
}

#[test]
fn mc_06_what_takes_longer_than_a_step_counts_as_more() {
    let words: Vec<String> = (0..500).map(|at| format!("word {at}")).collect();
    assert_eq!(steps(&in_a(json!({ "enum": words })), &json!({ "a": "word 7" })), Some(2));
    assert_eq!(steps(&in_a(json!({ "const": [1, 2, 3, 4] })), &json!({ "a": 1 })), Some(4));
    // Every part below a list without repetitions is compared.
    assert_eq!(steps(&in_a(json!({ "uniqueItems": true })), &json!({ "a": [[1, 2], { "b": 3 }] })), Some(2 + 5 * 2));
    // Text takes a step for each 64 bytes, and its pattern more.
    assert_eq!(steps(&in_a(json!({ "maxLength": 9 })), &json!({ "a": "x".repeat(640) })), Some(2 + 10));
    assert_eq!(steps(&in_a(json!({ "pattern": "^[a-z]{1,64}$" })), &json!({ "a": "x".repeat(16) })), Some(2 + 8));
    assert_eq!(steps(&in_a(json!({ "pattern": "[ab]*a[ab]{400}c" })), &json!({ "a": "a".repeat(1 << 20) })), None);
    // A name, too, is text that patterns are matched with.
    let named =
        json!({ "type": "object", "patternProperties": { "[ab]*a[ab]{400}c": {} }, "additionalProperties": false });
    let long = json!({ ("a".repeat(100_000)): 1 });
    assert_eq!(steps(&named, &long), None);
    // Members are looked at even where no schema is applied to them.
    let many: Map<String, Value> = (0..1_000).map(|at| (format!("m{at}"), json!(1))).collect();
    let open = json!({ "type": "object", "properties": { "a": {} }, "additionalProperties": true });
    assert_eq!(steps(&open, &Value::Object(many)), Some(1 + 500 + 1_000));
}

#[test]
fn mc_06_a_tree_takes_one_step_for_each_part() {
    let tree = json!({ "type": "object", "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } });
    let three = json!({ "left": { "left": {} }, "right": {} });
    // A reference is a schema of its own, and members are looked at.
    assert_eq!(steps(&tree, &three), Some(1 + 1 + 3 * 2));
}

#[test]
fn mc_07_the_patterns_of_a_package_are_bounded_together() {
    let large = |count: usize, from: usize| {
        let patterns: Map<String, Value> = (from..from + count)
            .map(|at| (format!("p{at}"), json!({ "pattern": format!("z{at}\\p{{L}}{{24}}") })))
            .collect();
        json!({ "type": "object", "properties": patterns }).to_string()
    };
    assert_eq!(lines(package(Some(&large(4, 0)), Some(&large(4, 0)))), [""; 0]);
    let found = lines(package(Some(&large(64, 0)), None));
    let [said] = &found[..] else { panic!("{found:?}") };
    assert!(said.contains("#/properties/p8/pattern: with this pattern, the compiled patterns of this plugin have more than 8388608 bytes"), "{said}");
    // Those of several files count together, and those of a file for each time that it is compiled.
    assert!(!lines(package(Some(&large(5, 0)), Some(&large(5, 5)))).is_empty());
    let small: Map<String, Value> =
        (0..64).map(|at| (format!("p{at}"), json!({ "pattern": format!("^{at}[a-z]{{1,8}}$") }))).collect();
    let small = json!({ "type": "object", "properties": small }).to_string();
    assert_eq!(lines(package(Some(&small), Some(&small))), [""; 0]);
}

#[test]
fn mc_06_what_clients_are_sent_is_bounded_however_often_a_file_is_named() {
    let members = many(118, &json!({ "type": "string", "description": "x".repeat(1_000) }));
    let file = json!({ "type": "object", "properties": members }).to_string();
    let mut manifest = notes();
    let tool = Tool { input: Some("in.json".into()), output: Some("in.json".into()), ..manifest.tools[0].clone() };
    manifest.tools = (0..64).map(|at| Tool { name: format!("t{at}").parse().unwrap(), ..tool.clone() }).collect();
    let errors = Package::new(manifest, |_| Some(file.clone().into_bytes()), Digest::of(b"")).unwrap_err();
    let said = errors.to_string();
    let served = (file.len() * 2 + tool.title.len() * 2 + tool.description.len() + 512) * 5;
    let expected = format!(
        "plugin.toml: tool.t4: with this tool, the tools of this plugin have {served} bytes in a client's list and at most \
         1048576 are allowed: a schema counts once for each tool that names it; write smaller schemas, or fewer tools"
    );
    assert_eq!(said, expected);

    let bare = |description: usize| {
        let mut manifest = notes();
        let text = "x".repeat(description);
        manifest.tools =
            vec![Tool { input: None, output: None, title: "T".into(), description: text, ..manifest.tools[0].clone() }];
        Package::new(manifest, |_| None, Digest::of(b""))
    };
    let most = MAX_SERVED - 512 - 2;
    assert!(bare(most).is_ok());
    assert!(bare(most + 1).is_err());
}

#[test]
fn mistakes_beyond_a_hundred_in_each_file_are_counted() {
    let file = json!({ "type": "object", "properties": many(150, &json!({ "nonsense": 1 })) }).to_string();
    let told = lines(package(Some(&file), Some(&file)));
    assert_eq!((told.len(), told[100].as_str()), (101, "and 200 more"));
}

#[test]
fn a_mistake_in_a_file_that_is_input_and_output_is_told_once_and_each_is_told() {
    let mut manifest = notes();
    let name = Some("both.json".to_owned());
    manifest.tools = vec![Tool { input: name.clone(), output: name, ..manifest.tools[0].clone() }];
    let told = |schema: Value| {
        lines(Package::new(manifest.clone(), |_| Some(schema.to_string().into_bytes()), Digest::of(b""))).len()
    };
    assert_eq!(told(json!({ "type": "string" })), 1);
    let header = json!({ "type": "string", "x-mcp-header": "A" });
    assert_eq!(told(json!({ "type": "object", "properties": { "a": header } })), 1);
    let other = json!({ "type": "string", "x-mcp-header": "B" });
    assert_eq!(told(json!({ "type": "object", "properties": { "a": header, "b": other } })), 2);
}

#[test]
fn mc_06_two_million_steps_are_taken_and_one_more_is_not() {
    // 17 for each element: one, and one for each four of 64 parts.
    let sixty_four: Vec<u8> = vec![0; 63];
    let meter = Meter::of(&json!({ "type": "array", "items": { "const": sixty_four } })).unwrap();
    let steps = |elements: usize| meter.read(&json!(vec![0; elements])).map(|reading| reading.steps);
    assert_eq!(steps(117_647), Some(2_000_000));
    assert_eq!(steps(117_648), None);
    let meter = Meter::of(&json!({ "type": "array", "items": { "const": sixty_four }, "uniqueItems": false })).unwrap();
    assert_eq!(meter.read(&json!([1])).unwrap().steps, 18);
}

#[test]
fn mc_06_what_is_compared_is_counted_with_all_that_is_in_it() {
    let steps = |schema: Value| Meter::of(&schema).unwrap().read(&json!({})).unwrap().steps;
    let (long, name) = ("x".repeat(256), "x".repeat(128));
    // One, and one for each four parts, of which the value itself is one; 64 bytes are another.
    assert_eq!(steps(json!({ "const": 1 })), 1 + 1);
    assert_eq!(steps(json!({ "const": long })), 1 + 2);
    assert_eq!(steps(json!({ "const": [long, long] })), 1 + 3);
    assert_eq!(steps(json!({ "const": { (name.clone()): long } })), 1 + 2);
    assert_eq!(steps(json!({ "const": { (name.clone()): 1, "a": [1, 2] } })), 1 + 2);
    assert_eq!(steps(json!({ "enum": [[1, 2, 3], long] })), 1 + 3);
    // What is needed by others is looked for by its name.
    assert_eq!(steps(json!({ "dependentRequired": { "a": ["b", "c"], "d": ["e"] } })), 1 + 3);
}

#[test]
fn mc_06_a_long_name_takes_more_and_so_does_matching_it() {
    let steps =
        |schema: &Value, name: usize| Meter::of(schema).unwrap().read(&json!({ "a".repeat(name): 1 })).unwrap().steps;
    let patterned = json!({ "patternProperties": { "^[a-z]*$": {} } });
    assert_eq!(steps(&patterned, 640) - steps(&patterned, 2), (10 + 320) - 1);
    let named = json!({ "properties": { "b": {} } });
    assert_eq!(steps(&named, 640) - steps(&named, 2), 10);
}

#[test]
fn mc_07_a_file_that_is_read_in_two_roles_counts_twice() {
    let large = |count: usize| {
        let patterns: Map<String, Value> =
            (0..count).map(|at| (format!("p{at}"), json!({ "pattern": format!("z{at}\\p{{L}}{{24}}") }))).collect();
        json!({ "type": "object", "properties": patterns }).to_string()
    };
    let mut manifest = notes();
    let name = Some("both.json".to_owned());
    manifest.tools = vec![Tool { input: name.clone(), output: name, ..manifest.tools[0].clone() }];
    let told = |count| lines(Package::new(manifest.clone(), |_| Some(large(count).into_bytes()), Digest::of(b"")));
    assert_eq!(told(4), [""; 0]);
    assert!(!told(5).is_empty());
}

mod mutations {
    use proptest::{prelude::*, sample::Index};

    use super::{lines, package};
    use crate::validator;

    const SCHEMA: &str = r##"{ "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "$defs": { "node": { "$anchor": "node", "anyOf": [{ "$ref": "#/$defs/leaf" }, { "type": "array", "items":
        { "$ref": "#node" } }] }, "leaf": { "type": ["string", "null"], "pattern": "^[a-z]{1,8}$", "maxLength": 8 } },
        "properties": { "tree": { "$ref": "#node" }, "region": { "type": "string", "x-mcp-header": "Region",
        "enum": ["a", "b"], "default": "a" } }, "required": ["tree"], "additionalProperties": false }"##;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn mc_06_a_mutated_schema_is_refused_or_can_be_compiled(
            edits in prop::collection::vec((any::<Index>(), 0..4_u8, any::<Index>(), any::<char>()), 0..5)
        ) {
            let mut text: Vec<char> = SCHEMA.chars().collect();
            for (at, edit, other, put) in edits {
                let (at, other) = (at.index(text.len()), other.index(text.len()));
                match edit {
                    0 => drop(text.remove(at)),
                    1 => text.insert(at, put),
                    2 => text.swap(at, other),
                    _ => text[at] = text[other],
                }
            }
            let text: String = text.into_iter().collect();
            match package(Some(&text), None) {
                Ok(package) => {
                    prop_assert!(validator(&package.input_schema(&package.manifest.tools[0])).is_ok());
                }
                Err(errors) => prop_assert!(!lines(Err(errors)).is_empty()),
            }
        }
    }
}

#[test]
fn mc_06_the_parts_of_a_value_are_counted_with_those_inside_and_long_texts_and_names_count_as_more() {
    let long = "x".repeat(64);
    assert_eq!(Meter::parts(&json!(null)), 1);
    assert_eq!(Meter::parts(&json!("x".repeat(63))), 1);
    assert_eq!(Meter::parts(&json!(long)), 2);
    assert_eq!(Meter::parts(&json!([1, true, [long.repeat(2)]])), 1 + 1 + 1 + (1 + (1 + 2)));
    assert_eq!(Meter::parts(&json!({ "a": 1, long: [2] })), 1 + 1 + (1 + 1 + 1));
}

#[test]
fn mc_06_explaining_counts_the_costliest_branches_and_branches_inside_them_again() {
    let explaining = |schema: &Value| Meter::of(schema).unwrap().read(&json!({ "a": 1 })).unwrap().explaining;
    let branch = || json!({ "properties": { "a": { "type": "string" } } });
    let flat = json!({ "anyOf": [branch(), branch()] });
    let once = explaining(&flat);
    assert!(once > 0);
    assert_eq!(explaining(&json!({ "allOf": [branch(), branch()] })), 0);
    // What comes after the branches is not one of them, and the next ones are collected for themselves.
    assert_eq!(explaining(&json!({ "allOf": [flat, branch()] })), once);
    assert_eq!(explaining(&json!({ "allOf": [flat, flat] })), once);
    let three = explaining(&json!({ "anyOf": [branch(), branch(), branch()] }));
    assert!(three > once);
    for order in [[0, 1], [1, 0]] {
        let both = [flat.clone(), json!({ "anyOf": [branch(), branch(), branch()] })];
        assert_eq!(explaining(&json!({ "allOf": order.map(|at: usize| both[at].clone()) })), three);
    }
    // Each of the inner branches is collected for the inner and for the outer.
    let inside = explaining(&json!({ "anyOf": [flat, { "type": "null" }] }));
    assert!(inside > 2 * once, "{inside} and {once}");
    assert!(inside < 3 * once, "{inside} and {once}");
}

#[test]
fn mc_06_a_long_chain_of_schemas_and_values_that_must_differ_take_more() {
    let steps = |schema: &Value, value: &Value| Meter::of(schema).unwrap().read(value).unwrap().steps;
    // Each refers to the next one.
    let chain = |links: usize| {
        let link = |at: usize| (format!("l{at}"), json!({ "$ref": format!("#/$defs/l{}", at + 1) }));
        let end = (format!("l{links}"), json!({ "type": "integer" }));
        json!({ "$ref": "#/$defs/l0", "$defs": (0..links).map(link).chain([end]).collect::<Map<_, _>>() })
    };
    let of = |links| steps(&chain(links), &json!(1));
    // One more for each 32 that it is inside of.
    assert_eq!(of(33) - of(32), of(2) - of(1) + 1);
    assert_eq!(of(30) - of(29), of(2) - of(1));
    let differ = json!({ "type": "array", "uniqueItems": true });
    let (short, long) = (json!(["a"]), json!(["a".repeat(640)]));
    assert_eq!(steps(&differ, &long) - steps(&differ, &short), 10);
    let (short, long) = (json!([{ "a": 1 }]), json!([{ "a".repeat(640): 1 }]));
    assert_eq!(steps(&differ, &long) - steps(&differ, &short), 10);
}
