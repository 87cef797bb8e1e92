//! The types of what a component exports, held against the contract when a release is loaded: the engine itself looks at them only when a
//! function is called (catalogue RG-40).

use portcullis_admission::Callable;
use portcullis_manifest::CONTRACT_VERSION;
use wasmtime::{
    Engine,
    component::{
        Component,
        types::{ComponentFunc, ComponentItem, Type},
    },
};

use super::EXPORTS;

macro_rules! contents {
    () => {
        "record{uri: string, mime-type: string, body: variant{text: string, blob: list<u8>}}"
    };
}

macro_rules! content {
    () => {
        concat!(
            "variant{text: string, image: record{data: list<u8>, mime-type: string}, audio: record{data: list<u8>, ",
            "mime-type: string}, link: record{uri: string, name: string, mime-type: option<string>}, embedded: ",
            contents!(),
            "}"
        )
    };
}

macro_rules! messages {
    () => {
        concat!("list<record{role: enum{user, assistant}, content: ", content!(), "}>")
    };
}

macro_rules! needs_input {
    () => {
        concat!(
            "record{questions: list<record{key: string, message: string, schema: string}>, state: list<u8>, ",
            "samplings: list<record{key: string, messages: ",
            messages!(),
            ", system-prompt: option<string>, max-tokens: u32, temperature: option<f64>, stop-sequences: list<string>}>, ",
            "roots: list<string>}"
        )
    };
}

macro_rules! arguments {
    () => {
        "list<record{name: string, value: string}>"
    };
}

const CALL: &str = concat!(
    "func(string, string) -> variant{done: record{content: list<",
    content!(),
    ">, structured: option<string>, meta: option<string>}, failed: string, needs-input: ",
    needs_input!(),
    "}"
);

const READ: &str = concat!(
    "func(string, string, ",
    arguments!(),
    ") -> variant{done: list<",
    contents!(),
    ">, not-found, failed: string, needs-input: ",
    needs_input!(),
    "}"
);

const GET: &str = concat!(
    "func(string, ",
    arguments!(),
    ") -> variant{done: record{description: option<string>, messages: ",
    messages!(),
    "}, failed: string, needs-input: ",
    needs_input!(),
    "}"
);

const COMPLETE: &str = concat!(
    "func(variant{prompt: string, resource: string}, string, string, ",
    arguments!(),
    ") -> record{values: list<string>, total: option<u32>, has-more: bool}"
);

/// The contract's type, in the words of [`Words`]. A test reads `wit/` through components that were built for it.
fn contracts(kind: Callable) -> &'static str {
    match kind {
        Callable::Tool => CALL,
        Callable::Resource => READ,
        Callable::Prompt => GET,
        Callable::Completion => COMPLETE,
    }
}

/// An export whose type is not the contract's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Other {
    /// The function.
    pub(crate) function: String,
    /// Its type, as far as there was room for it.
    pub(crate) found: String,
}

/// The first of what the component exports under a name of the contract that has another type. What its manifest does not list
/// is held to it too: nothing else may stand there.
pub(crate) fn other_than_the_contracts(engine: &Engine, component: &Component) -> Option<Other> {
    let of_component = component.component_type();
    EXPORTS.into_iter().find_map(|(kind, interface, name)| {
        let interface = format!("portcullis:plugin/{interface}@{CONTRACT_VERSION}");
        let exported = of_component.get_export(engine, &interface)?;
        let found = match function(engine, exported.ty, name) {
            None => format!("no function `{name}`"),
            Some(function) => differs(&function, contracts(kind))?,
        };
        Some(Other { function: format!("`{name}` of `{interface}`"), found })
    })
}

fn function(engine: &Engine, interface: ComponentItem, name: &str) -> Option<ComponentFunc> {
    let ComponentItem::ComponentInstance(interface) = interface else { return None };
    match interface.get_export(engine, name)?.ty {
        ComponentItem::ComponentFunc(function) => Some(function),
        _ => None,
    }
}

/// The function's type, where it is not `contract`.
fn differs(function: &ComponentFunc, contract: &str) -> Option<String> {
    // One byte more than the contract's own has, so that no other can pass for it.
    let room = contract.len() + 1;
    let mut words = Words { said: String::with_capacity(room), room };
    let cut = words.function(function).is_err();
    let Words { said: mut found, .. } = words;
    if cut {
        found.push_str("...");
    }
    (found != contract).then_some(found)
}

/// A type in words.
///
/// A component's types share their parts, so that a few kilobytes of them can be gigabytes when they are written out. So
/// the first word for which there is no room ends the walk; and because every type writes a word before it is gone into,
/// the room bounds the steps and the depth too.
struct Words {
    said: String,
    /// Bytes that may be said.
    room: usize,
}

/// There is no room for more.
struct Full;

impl Words {
    fn say(&mut self, word: &str) -> Result<(), Full> {
        let room = self.room - self.said.len();
        self.said.push_str(&word[..word.floor_char_boundary(room)]);
        if word.len() > room { Err(Full) } else { Ok(()) }
    }

    fn function(&mut self, call: &ComponentFunc) -> Result<(), Full> {
        self.say("func(")?;
        self.list(call.params(), |words, (_, given)| words.describe(&given))?;
        self.say(") -> ")?;
        self.list(call.results(), |words, given| words.describe(&given))
    }

    /// What the contract does not use is named by its kind alone, which is enough to differ.
    fn describe(&mut self, given: &Type) -> Result<(), Full> {
        match given {
            Type::String => self.say("string"),
            Type::U8 => self.say("u8"),
            Type::U32 => self.say("u32"),
            Type::Float64 => self.say("f64"),
            Type::Bool => self.say("bool"),
            Type::List(items) => {
                self.say("list<")?;
                self.describe(&items.ty())?;
                self.say(">")
            }
            Type::Option(inner) => {
                self.say("option<")?;
                self.describe(&inner.ty())?;
                self.say(">")
            }
            Type::Record(record) => {
                self.say("record{")?;
                self.list(record.fields(), |words, field| {
                    words.say(field.name)?;
                    words.say(": ")?;
                    words.describe(&field.ty)
                })?;
                self.say("}")
            }
            Type::Variant(variant) => {
                self.say("variant{")?;
                self.list(variant.cases(), |words, case| {
                    words.say(case.name)?;
                    let Some(payload) = &case.ty else { return Ok(()) };
                    words.say(": ")?;
                    words.describe(payload)
                })?;
                self.say("}")
            }
            Type::Enum(choice) => {
                self.say("enum{")?;
                self.list(choice.names(), |words, name| words.say(name))?;
                self.say("}")
            }
            _ => self.say("another kind of type"),
        }
    }

    fn list<T>(
        &mut self,
        parts: impl Iterator<Item = T>,
        mut say: impl FnMut(&mut Self, T) -> Result<(), Full>,
    ) -> Result<(), Full> {
        for (at, part) in parts.enumerate() {
            if at > 0 {
                self.say(", ")?;
            }
            say(self, part)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fmt::Write as _,
        time::{Duration, Instant},
    };

    use super::*;
    use crate::EngineProfile;

    /// The types of the contract, and an export of the component function `$call` that stands in the place of HERE.
    const AROUND: &str = include_str!("../../../../tests/hostile/wat/around.wat");

    /// A component whose `call` takes arguments of the type `$arguments`, which `types` of the imported interface define; `flat`
    /// are the parameters of its core function.
    fn component(types: &str, flat: &str) -> (Engine, Component) {
        let end = "(export \"outcome\" (type $outcome (eq $outcome')))\n";
        let types = format!("{end}{types}))\n(alias export $types \"arguments\" (type $arguments))\n");
        let call = "(core module $module
            (memory (export \"memory\") 1)
            (func (export \"call\") (param FLAT) (result i32) unreachable)
            (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) unreachable))
            (core instance $guest (instantiate $module))
            (alias core export $guest \"call\" (core func $guest-call))
            (alias core export $guest \"memory\" (core memory $memory))
            (alias core export $guest \"realloc\" (core func $realloc))
            (func $call (param \"tool\" string) (param \"arguments\" $arguments) (result $outcome)
                (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))";
        let whole = AROUND.replace(&format!("{end}  ))\n"), &types).replace(";; HERE", &call.replace("FLAT", flat));
        assert!(whole.contains("$arguments"), "around.wat has another form");
        let engine = Engine::new(&EngineProfile::current().compiling()).unwrap();
        let component = Component::new(&engine, wat::parse_str(whole).unwrap()).unwrap();
        (engine, component)
    }

    /// Records of two fields, each the record before it: `levels` types that are 2^`levels` when they are written out.
    fn doubling(levels: usize, name: usize) -> String {
        let (a, b) = ("a".repeat(name), "b".repeat(name));
        let mut types = String::new();
        for level in 0..levels {
            let inner = if level == 0 { "u8".to_owned() } else { format!("$t{}", level - 1) };
            let outer = if level + 1 == levels { "arguments".to_owned() } else { format!("t{level}") };
            let fields = format!("(field \"{a}\" {inner}) (field \"{b}\" {inner})");
            write!(types, "(type $r{level} (record {fields})) (export \"{outer}\" (type $t{level} (eq $r{level})))")
                .unwrap();
        }
        types
    }

    #[test]
    fn rg_40_a_type_that_doubles_with_each_level_is_told_at_once_and_in_few_words() {
        // 137 KB of component. Written out, it is half a gigabyte of names, copied once for each level.
        let (engine, component) = component(&doubling(16, 4_000), "i32");
        let start = Instant::now();
        let found = other_than_the_contracts(&engine, &component).unwrap().found;
        let took = start.elapsed();
        assert!(found.starts_with("func(string, record{aaaa"), "{found}");
        assert!(found.len() < CALL.len() + 5, "{} bytes", found.len());
        assert!(took < Duration::from_millis(100), "{took:?}");
    }

    #[test]
    fn rg_40_a_type_that_is_nested_as_deep_as_types_may_be_is_told_in_few_words() {
        let mut types = String::from("(type $l0 (list u8))");
        for level in 1..90 {
            write!(types, "(type $l{level} (list $l{}))", level - 1).unwrap();
        }
        let (engine, component) =
            component(&format!("{types}(export \"arguments\" (type $x (eq $l89)))"), "i32 i32 i32 i32");
        let found = other_than_the_contracts(&engine, &component).unwrap().found;
        assert!(found.starts_with("func(string, list<list<list<") && found.len() < CALL.len() + 5, "{found}");
    }

    #[test]
    fn rg_40_the_contracts_type_is_taken_and_one_that_only_begins_like_it_is_not() {
        let (engine, same) = component("(type $s string) (export \"arguments\" (type $x (eq $s)))", "i32 i32 i32 i32");
        assert_eq!(other_than_the_contracts(&engine, &same), None);
        let (engine, other) =
            component("(type $o (option string)) (export \"arguments\" (type $x (eq $o)))", "i32 i32 i32 i32 i32");
        let found = other_than_the_contracts(&engine, &other).unwrap().found;
        let expected = CALL.replace("string, string", "string, option<string>");
        assert_eq!(found, format!("{}...", &expected[..=CALL.len()]));
    }
}
