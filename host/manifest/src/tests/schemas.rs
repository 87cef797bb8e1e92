//! Every refusal of a schema file, with its exact text.

use serde_json::json;

use super::notes;
use crate::{Digest, Package, Tool, validator};

/// What is wrong with `schema` as the input schema of a tool.
fn errors(schema: &str) -> Vec<String> {
    match package(schema) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
    }
}

fn package(schema: &str) -> Result<Package, crate::PackageErrors> {
    let mut manifest = notes();
    let tool = Tool { input: Some("in.json".into()), output: None, ..manifest.tools[0].clone() };
    manifest.tools = vec![tool];
    Package::new(manifest, |_| Some(schema.into()), Digest::of(b""))
}

#[track_caller]
fn refused(schema: &str, expected: &[&str]) {
    assert_eq!(errors(schema), expected);
}
#[test]
fn placeholder() {
    let ladder = |n: usize| {
        let mut defs = serde_json::Map::new();
        for i in 0..n { let r = format!("#/$defs/l{}", i+1); defs.insert(format!("l{i}"), json!({"allOf":[{"$ref":r},{"$ref":r}]})); }
        defs.insert(format!("l{n}"), json!(true));
        json!({"type":"object","properties":{"a":{"$ref":"#/$defs/l0"}},"$defs":defs}).to_string()
    };
    for s in [
        "{}".to_owned(), "[]".into(), "true".into(), "{\"type\":\"object\"".into(), "{\"type\":\"object\",\n \"type\":\"array\"}".into(),
        json!({"type":["object"]}).to_string(),
        json!({"type":"object","$schema":"http://json-schema.org/draft-07/schema#"}).to_string(),
        json!({"type":"object","$schema":"https://json-schema.org/draft/2020-12/schema#"}).to_string(),
        json!({"type":"object","properties":{"a":{"$ref":"https://example.com/a"}}}).to_string(),
        json!({"type":"object","properties":{"a":{"$ref":"#/$defs/b"}}}).to_string(),
        json!({"type":"object","properties":{"a":{"$ref":"#b"},"b":{"$anchor":"b"}}}).to_string(),
        json!({"type":"object","properties":{"a":{"$anchor":"b"},"b":{"$anchor":"b"}}}).to_string(),
        json!({"type":"object","properties":{"a":{"$dynamicRef":"#b"}}}).to_string(),
        json!({"type":"object","$id":"https://a.example/"}).to_string(),
        json!({"type":"object","unevaluatedProperties":false}).to_string(),
        json!({"type":"object","propertys":{}}).to_string(),
        json!({"type":"object","banana":{}}).to_string(),
        json!({"type":"object","properties":{"a":{"pattern":"(?=a)b"},"b":{"pattern":"(a)\\1"},"c":{"pattern":"(?:a{1,1000}){1,1000}"},"d":{"pattern":"a".repeat(600)}}}).to_string(),
        json!({"type":"object","patternProperties":{"(":{}}}).to_string(),
        json!({"type":"object","properties":{"a":{"enum":(0..501).collect::<Vec<_>>()}}}).to_string(),
        json!({"type":"object","properties":{"a":{"allOf":[{"$ref":"#/properties/a"}]}}}).to_string(),
        json!({"type":"object","properties":{"a":{"$ref":"#"}}}).to_string(),
        json!({"type":"object","properties":{"a":{"anyOf":[{"properties":{"a":{"$ref":"#/properties/a"}}},{"properties":{"a":{"$ref":"#/properties/a"}}}]}}}).to_string(),
        ladder(10), ladder(13), ladder(30),
        json!({"type":"object","properties":{"confirmation":{}},"required":["confirmation"]}).to_string(),
        json!({"type":"object","additionalProperties":false,"allOf":[{"$ref":"#/$defs/x"}],"$defs":{"x":{"properties":{"confirmation":{}}}}}).to_string(),
        json!({"type":"object","allOf":[{}]}).to_string(),
        json!({"type":"object","properties":{"a":{"type":"strnig"}}}).to_string(),
        json!({"type":"object","properties":{"a":{"minLength":-1}}}).to_string(),
        json!({"type":"object","required":"a"}).to_string(),
        json!({"type":"object","properties":{"a":{"description":"a\u{200b}"},"b\u{202e}":{},"c":{"enum":["\u{e0041}"]},"d":{"default":{"x":"\u{1b}[31m"}}}}).to_string(),
        json!({"type":"object","properties":{"a":{"x-mcp-header":"A"},"b":{"type":"array","items":{"type":"string","x-mcp-header":"B"}},"c":{"type":"string","x-mcp-header":"b"},"api_key":{"type":"string","x-mcp-header":"C"},"d":{"type":"string","x-mcp-header":"D D"}}}).to_string(),
        json!({"type":"object","properties":{"a":7,"b":{"allOf":{}},"c":{"properties":[]},"d":{"title":7},"e":{"enum":7}}}).to_string(),
        json!({"type":"object","properties":{"a":{"$schema":"x"}}}).to_string(),
        json!({"type":"object","properties":(0..70).map(|i|(format!("a{i}"),json!({"pattern":"a"}))).collect::<serde_json::Map<_,_>>()}).to_string(),
        json!({"type":"object","properties":(0..1100).map(|i|(format!("a{i}"),json!({}))).collect::<serde_json::Map<_,_>>()}).to_string(),
        (0..40).fold(json!({}), |s,_| json!({"items":s})).to_string().replacen("{","{\"type\":\"object\",",1),
        "[".repeat(100),
        format!("{{\"type\":\"object\",\"description\":\"{}\"}}", "x".repeat(131072)),
    ] {
        println!("{}", s.chars().take(150).collect::<String>());
        let t = std::time::Instant::now();
        for e in errors(&s) { println!("    {}", e.chars().take(400).collect::<String>()); }
        println!("    {:?}", t.elapsed());
    }
    refused("", &[]);
    let _ = validator(&json!({}));
}
