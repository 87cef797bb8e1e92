//! The type of `tools.call`, held against the contract when a release is loaded: the engine itself looks at it only when the
//! function is called (catalogue RG-40).

use portcullis_manifest::CONTRACT_VERSION;
use wasmtime::{
    Engine,
    component::{
        Component,
        types::{ComponentFunc, ComponentItem, Type},
    },
};

/// The contract's type, in the words of [`describe`]. A test reads `wit/` through a component that was built for it.
const CALL: &str = "func(string, string) -> variant{done: record{content: list<variant{text: string, \
    image: record{data: list<u8>, mime-type: string}, audio: record{data: list<u8>, mime-type: string}, \
    link: record{uri: string, name: string, mime-type: option<string>}}>, structured: option<string>, meta: option<string>}, \
    failed: string, needs-input: record{questions: list<record{key: string, message: string, schema: string}>, \
    state: list<u8>}}";

/// The type that the component gives `call`, where it is not the contract's.
pub(crate) fn other_than_the_contracts(engine: &Engine, component: &Component) -> Option<String> {
    let found = call(engine, component).map_or_else(|| "no function `call`".to_owned(), |call| function(&call));
    (found != CALL).then(|| found.chars().take(400).collect())
}

fn call(engine: &Engine, component: &Component) -> Option<ComponentFunc> {
    let of_component = component.component_type();
    let tools = of_component.get_export(engine, &format!("portcullis:plugin/tools@{CONTRACT_VERSION}"))?;
    let ComponentItem::ComponentInstance(tools) = tools.ty else { return None };
    match tools.get_export(engine, "call")?.ty {
        ComponentItem::ComponentFunc(call) => Some(call),
        _ => None,
    }
}

fn function(call: &ComponentFunc) -> String {
    let parameters: Vec<String> = call.params().map(|(_, given)| describe(&given)).collect();
    let results: Vec<String> = call.results().map(|given| describe(&given)).collect();
    format!("func({}) -> {}", parameters.join(", "), results.join(", "))
}

/// A type in words. What the contract does not use is named by its kind alone, which is enough to differ.
fn describe(given: &Type) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match given {
        Type::String => "string".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::List(items) => format!("list<{}>", describe(&items.ty())),
        Type::Option(inner) => format!("option<{}>", describe(&inner.ty())),
        Type::Record(record) => {
            let fields = record.fields().map(|field| format!("{}: {}", field.name, describe(&field.ty)));
            format!("record{{{}}}", list(fields.collect()))
        }
        Type::Variant(variant) => {
            let cases = variant.cases().map(|case| {
                let payload = case.ty.as_ref().map(|payload| format!(": {}", describe(payload)));
                format!("{}{}", case.name, payload.unwrap_or_default())
            });
            format!("variant{{{}}}", list(cases.collect()))
        }
        _ => "another kind of type".to_owned(),
    }
}
