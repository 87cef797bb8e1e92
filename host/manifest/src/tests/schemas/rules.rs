//! What a schema may say.

use serde_json::json;

use super::{lines, notes, package, refused, refused_text, taken};
use crate::{Digest, Package, tests::notes_file};

#[test]
fn mc_06_only_strict_json_is_read() {
    refused_text(
        "{\"type\":\"object\"",
        &[
            "in.json:1:17: #: this is not JSON: neither a comma nor the end of the object here; write what RFC 8259 allows",
        ],
    );
    refused_text(
        "{\"type\":\"object\",\n \"type\":\"array\"}",
        &["in.json:2:2: #: the member `type` is written twice; write it once"],
    );
    refused_text("", &["in.json:1:1: #: this is not JSON: no value here; write what RFC 8259 allows"]);
    refused_text(&"[".repeat(100), &["in.json:1:65: #: it is nested more than 64 deep; write it flatter"]);
}

#[test]
fn mc_06_the_root_describes_an_object() {
    refused(
        json!({}),
        &["in.json:1:1: #: the root of a tool's schema describes an object; write `\"type\": \"object\"` here"],
    );
    refused(
        json!({ "type": ["object"] }),
        &["in.json:1:1: #: the root of a tool's schema describes an object; write `\"type\": \"object\"` here"],
    );
    refused(
        json!(true),
        &["in.json:1:1: #: the root of a tool's schema describes an object; write `\"type\": \"object\"` here"],
    );
}

#[test]
fn mc_06_the_dialect_is_2020_12() {
    taken(json!({ "type": "object", "$schema": "https://json-schema.org/draft/2020-12/schema" }));
    refused(
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "type": "object" }),
        &[
            "in.json:1:12: #/$schema: the dialect `http://json-schema.org/draft-07/schema#` is not read; write \"https://json-schema.org/draft/2020-12/schema\", or delete it",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "$schema": "x" } } }),
        &["in.json:1:37: #/properties/a/$schema: `$schema` belongs at the root of the file only; delete it here"],
    );
}

#[test]
fn mc_06_references_stay_in_the_file_and_name_a_schema() {
    taken(json!({ "type": "object", "properties": { "a": { "$ref": "#b" }, "b": { "$anchor": "b" } } }));
    refused(
        json!({ "type": "object", "properties": { "a": { "$ref": "https://example.com/a" } } }),
        &[
            "in.json:1:44: #/properties/a/$ref: the reference `https://example.com/a` leaves this file, and none is ever fetched; write one that begins with #",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/b" } } }),
        &[
            "in.json:1:44: #/properties/a/$ref: the reference `#/$defs/b` names no schema in this file; write the pointer of one, such as `#/$defs/name`",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "$ref": "#/properties" } } }),
        &[
            "in.json:1:44: #/properties/a/$ref: the reference `#/properties` names no schema in this file; write the pointer of one, such as `#/$defs/name`",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "$anchor": "b" }, "b": { "$anchor": "b" } } }),
        &[
            "in.json:1:67: #/properties/b/$anchor: the anchor `b` is not allowed; write a name of letters, digits, _, - and . that no other anchor has",
        ],
    );
}

#[test]
fn mc_06_unknown_keywords_are_refused() {
    refused(
        json!({ "type": "object", "propertys": {} }),
        &[
            "in.json:1:18: #/propertys: there is no keyword `propertys` in JSON Schema 2020-12; did you mean `properties`? write that, or delete it",
        ],
    );
    refused(
        json!({ "type": "object", "banana": {} }),
        &[
            "in.json:1:18: #/banana: there is no keyword `banana` in JSON Schema 2020-12; write one that there is, or delete it",
        ],
    );
    taken(json!({ "type": "object", "x-order": ["a"] }));
}

#[test]
fn mc_06_keywords_hold_what_the_dialect_says() {
    refused(
        json!({ "type": "object", "properties": { "a": 7, "b": { "allOf": {} }, "c": { "properties": [] }, "d": { "title": 7 }, "e": { "enum": 7 } } }),
        &[
            "in.json:1:36: #/properties/a: a schema is an object, or true or false; write one",
            "in.json:1:51: #/properties/b/allOf: `allOf` holds a list of schemas; write that",
            "in.json:1:73: #/properties/c/properties: `properties` holds schemas under names; write that",
            "in.json:1:90: #/properties/d/title: `title` holds text; write that",
            "in.json:1:105: #/properties/e/enum: `enum` holds a list; write that",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "type": "strnig" } } }),
        &[
            "in.json:1:44: #/properties/a/type: the validator refuses it: \"strnig\" is not valid under any of the schemas listed in the 'anyOf' keyword; write what JSON Schema 2020-12 allows",
        ],
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "minLength": -1 } } }),
        &[
            "in.json:1:49: #/properties/a/minLength: the validator refuses it: -1 is less than the minimum of 0; write what JSON Schema 2020-12 allows",
        ],
    );
}

#[test]
fn the_argument_confirmation_belongs_to_the_host() {
    refused(
        json!({ "type": "object", "properties": { "confirmation": {} }, "required": ["confirmation"] }),
        &[
            "in.json:1:32: #/properties/confirmation: the argument `confirmation` belongs to the host, which adds it where it asks for one; write another name",
            "in.json:1:63: #/required/0: the argument `confirmation` belongs to the host, which adds it where it asks for one; write another name",
        ],
    );
    refused(
        json!({ "type": "object", "additionalProperties": false, "allOf": [{ "$ref": "#/$defs/x" }], "$defs": { "x": { "properties": { "confirmation": {} } } } }),
        &[
            "in.json:1:106: #/$defs/x/properties/confirmation: the argument `confirmation` belongs to the host, which adds it where it asks for one; write another name",
        ],
    );
    taken(json!({ "type": "object", "properties": { "order": { "properties": { "confirmation": {} } } } }));
}

#[test]
fn mc_08_a_root_that_combines_says_itself_whether_it_is_closed() {
    refused(
        json!({ "type": "object", "allOf": [{}] }),
        &[
            "in.json:1:1: #: the root combines schemas and does not say whether other members are allowed; write `\"additionalProperties\": false` here and name every member under `properties`",
        ],
    );
    taken(json!({ "type": "object", "allOf": [{}], "additionalProperties": true }));
}

#[test]
fn mc_05_no_text_in_a_schema_hides_anything() {
    refused(
        json!({ "type": "object", "properties": { "a": { "description": "a\u{200b}" }, "b\u{202e}": {}, "c": { "enum": ["\u{e0041}"] }, "d": { "default": { "x": "\u{1b}[31m" } }, "e": { "$comment": "\u{feff}" }, "f": { "x-note": ["\u{2066}"] }, "g": { "title": "a\nb" } } }),
        &[
            "in.json:1:51: #/properties/a/description: it holds U+200B, which nobody sees; write it without",
            "in.json:1:57: #/properties/b\\u{202e}: it holds U+202E, which changes the direction of text; write it without",
            "in.json:1:78: #/properties/c/enum/0: it holds the Unicode tag U+E0041, which hides text from people; write it without",
            "in.json:1:104: #/properties/d/default/x: it holds the control character U+001B; write it without",
            "in.json:1:135: #/properties/e/$comment: it holds U+FEFF, which nobody sees; write it without",
            "in.json:1:155: #/properties/f/x-note/0: it holds U+2066, which changes the direction of text; write it without",
            "in.json:1:174: #/properties/g/title: it has a line break; write it on one line",
        ],
    );
}

#[test]
fn mc_15_headers_are_for_plain_arguments_that_are_no_secrets() {
    taken(
        json!({ "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" }, "at": { "type": "object", "properties": { "n": { "type": "integer", "x-mcp-header": "At-N" } } } } }),
    );
    refused(
        json!({ "type": "object", "properties": { "a": { "x-mcp-header": "A" }, "b": { "type": "array", "items": { "type": "string", "x-mcp-header": "B" } }, "c": { "type": "string", "x-mcp-header": "b" }, "api_key": { "type": "string", "x-mcp-header": "C" }, "d": { "type": "string", "x-mcp-header": "D D" }, "e": { "type": "number", "x-mcp-header": "E" } } }),
        &[
            "in.json:1:52: #/properties/a/x-mcp-header: `x-mcp-header` stands on a value that is no string, integer or boolean; write it on a string, integer or boolean argument that is no secret, or delete it",
            "in.json:1:117: #/properties/b/items/x-mcp-header: `x-mcp-header` stands where clients do not look: they go through `properties` only; write it on a string, integer or boolean argument that is no secret, or delete it",
            "in.json:1:159: #/properties/c/x-mcp-header: `x-mcp-header` names the header `b` twice; write it on a string, integer or boolean argument that is no secret, or delete it",
            "in.json:1:206: #/properties/api_key/x-mcp-header: `x-mcp-header` stands on `api_key`, which sounds like a secret, and headers are seen by everything on the way; write it on a string, integer or boolean argument that is no secret, or delete it",
            "in.json:1:247: #/properties/d/x-mcp-header: `x-mcp-header` is `D D`, which is no header name of at most 64 characters; write it on a string, integer or boolean argument that is no secret, or delete it",
            "in.json:1:290: #/properties/e/x-mcp-header: `x-mcp-header` stands on a value that is no string, integer or boolean; write it on a string, integer or boolean argument that is no secret, or delete it",
        ],
    );
}

#[test]
fn a_file_that_is_not_there_is_refused_with_the_key_that_names_it() {
    let files = |name: &str| notes_file(name).filter(|_| name != "schemas/note.json");
    let errors = Package::new(notes(), files, Digest::of(b"")).unwrap_err();
    let expected = "plugin.toml: tool.create.output: the package holds no file `schemas/note.json`; write the name of a file \
                    beside the manifest, or add it";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn a_file_that_is_not_utf_8_is_refused() {
    let errors = Package::new(notes(), |_| Some(vec![b'"', 0xff, b'"']), Digest::of(b"")).unwrap_err();
    let first = errors.as_slice()[0].to_string();
    assert_eq!(first, "schemas/create.json: #: the file is not UTF-8 text; write it as UTF-8");
}

#[test]
fn an_output_may_combine_and_name_confirmation_but_has_no_headers() {
    let output = json!({
        "type": "object", "oneOf": [{ "required": ["confirmation"] }], "properties": { "confirmation": {} }
    });
    assert_eq!(lines(package(None, Some(&output.to_string()))), [""; 0]);
    let output = json!({ "type": "object", "properties": { "a": { "type": "string", "x-mcp-header": "A" } } });
    let expected = "out.json:1:68: #/properties/a/x-mcp-header: `x-mcp-header` stands in the schema of a result; write it on a \
                    string, integer or boolean argument that is no secret, or delete it";
    assert_eq!(lines(package(None, Some(&output.to_string()))), [expected]);
}

#[test]
fn the_schema_of_the_conformance_suite_survives_unchanged() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": { "$anchor": "addressDef", "type": "object", "properties": {
            "street": { "type": "string" }, "city": { "type": "string" } } } },
        "properties": {
            "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" }, "email": { "type": "string" }
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false
    });
    let package = package(Some(&schema.to_string()), None).unwrap();
    let served = package.input_schema(&package.manifest.tools[0]);
    assert_eq!(served.to_string(), schema.to_string());
}

#[test]
fn mc_15_a_header_has_a_name_of_1_to_64_characters() {
    let with =
        |name: &str| json!({ "type": "object", "properties": { "a": { "type": "string", "x-mcp-header": name } } });
    taken(with(&"x".repeat(64)));
    taken(with("x"));
    for name in ["", &"x".repeat(65), &"x".repeat(66)] {
        assert!(
            lines(package(Some(&with(name).to_string()), None))[0].contains("which is no header name of at most 64")
        );
    }
}

#[test]
fn an_anchor_is_a_name_of_1_to_64_characters() {
    let with = |name: &str| json!({ "type": "object", "$defs": { "a": { "$anchor": name } } });
    for name in ["a", "_", "a1-_.B", &"x".repeat(64)] {
        taken(with(name));
    }
    for name in ["", "1", "-", ".a", "a b", "a/b", "é", &"x".repeat(65), &"x".repeat(66)] {
        let told = lines(package(Some(&with(name).to_string()), None));
        assert!(told.len() == 1 && told[0].contains("is not allowed; write a name of letters"), "{name}: {told:?}");
    }
}

#[test]
fn mc_06_what_the_validator_refuses_is_told_where_it_stands() {
    refused(
        json!({ "type": "object", "allOf": [true, { "maxLength": -1 }], "additionalProperties": true }),
        &[
            "in.json:1:45: #/allOf/1/maxLength: the validator refuses it: -1 is less than the minimum of 0; write what JSON Schema 2020-12 allows",
        ],
    );
}
