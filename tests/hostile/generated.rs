//! Hostile components that are too large, or too broken, to be kept as text. A module without dependencies: a suite
//! takes it in with `#[path]`. Expectations stand in `README.md`.

/// A component, or something that claims to be one.
#[derive(Clone, Debug)]
pub(crate) struct Plant {
    /// For messages.
    pub(crate) name: &'static str,
    /// What it has too much of, or what is wrong with it.
    pub(crate) rule: &'static str,
    /// What is published.
    pub(crate) bytes: Vec<u8>,
}

/// The text of a whole plugin, from the text of an attack in `wat/`.
pub(crate) fn plugin_text(attack: &str) -> String {
    include_str!("wat/around.wat").replace(";; HERE", attack)
}

/// The honest plugin with `guest` nested in it. A component that is no plugin is refused for that before anything else in it
/// is looked at; like this it is refused for what it is.
pub(crate) fn inside(honest: &[u8], guest: &[u8]) -> Vec<u8> {
    [honest, &section(4, guest)].concat()
}

/// The same, and `guest` is instantiated: what it needs when it begins, the plugin needs.
pub(crate) fn started_inside(honest: &[u8], guest: &[u8]) -> Vec<u8> {
    // One instance, of the first component, with no arguments.
    [inside(honest, guest), section(5, b"\x01\0\0\0")].concat()
}

/// Each is valid WebAssembly, and more of it than any plugin needs: refused before a compiler sees it (WX-30).
pub(crate) fn too_much() -> Vec<Plant> {
    let plant = |name, rule, bytes| Plant { name, rule, bytes };
    vec![
        plant("huge_custom_section", "bytes in custom sections", custom_section(31 << 20)),
        plant("many_functions", "functions", functions(1_000_000)),
        plant("huge_function", "bytes in one function", huge_function(7_600_000)),
        plant("many_types", "types", types(100_000)),
        plant("many_imports", "imports", imports(100_000)),
        plant("many_exports", "exports", exports(100_000)),
        plant("many_globals", "globals", globals(100_000)),
        plant("many_data_segments", "data segments", data_segments(99_999)),
        plant("many_element_segments", "element segments", element_segments(20_000)),
        plant("many_tables", "tables", tables(2, 99)),
        plant("many_modules", "core modules", modules(900)),
        plant("many_instances", "core instances", instances(300)),
        plant("deep_nesting", "levels of nesting", nested(90)),
        plant("very_deep_nesting", "levels of nesting", nested(1_000)),
    ]
}

/// Each is valid and within every count, and takes a compiler long: published or refused, but the host that serves
/// must not feel it (WX-07). None is a plugin: see [`inside`].
pub(crate) fn slow_to_compile() -> Vec<Plant> {
    let plant = |name, bytes| Plant { name, rule: "compile limits", bytes };
    vec![
        plant("many_locals", in_component(&one_function(&locals(50_000)))),
        plant("large_br_table", in_component(&one_function(&br_table(65_000)))),
        plant("large_function", huge_function(3_500_000)),
        plant("long_live_ranges", in_component(&one_function(&live_ranges(2_000, 100)))),
        plant("quite_many_functions", functions(190_000)),
    ]
}

/// Each is within every count that is taken before a compiler, and no WebAssembly at all: a worker has to say so, and to live or
/// to die of it alone (WX-07, WX-30). `rule` is what the refusal says. None is a plugin: see [`inside`].
pub(crate) fn not_valid() -> Vec<Plant> {
    let plant = |name, rule, bytes| Plant { name, rule, bytes };
    vec![
        plant(
            "br_table_of_a_million",
            "`br_table` has 1000000 targets",
            in_component(&one_function(&br_table(1_000_000))),
        ),
        plant("list_type_100_deep", "type nesting is too deep", list_types(100)),
        plant("component_type_a_million_deep", "or crashed the compiler", component_types(1_000_000)),
    ]
}

/// As deep a type as is allowed: one more is one of [`not_valid`].
pub(crate) fn deep_type() -> Vec<u8> {
    list_types(99)
}

/// No components at all, and broken ones. `component` is a good one.
pub(crate) fn not_a_component(component: &[u8]) -> Vec<Plant> {
    let plant = |name, rule, bytes: &[u8]| Plant { name, rule, bytes: bytes.to_vec() };
    let mut flipped = component.to_vec();
    // Inside the module that the component holds, where a byte can't be mere data.
    let module = (8..flipped.len()).find(|at| flipped[*at..].starts_with(b"\0asm")).expect("it holds a module");
    flipped[module + 1] ^= 0xff;
    let mut twice = component.to_vec();
    twice.extend_from_slice(component);
    let no_kind = [component, b"\x7f\x01\0"].concat();
    vec![
        plant("empty", "not a component", b""),
        plant("four_bytes", "not a component", b"\0asm"),
        plant("text", "not a component", b"(component)"),
        plant("elf", "not a component (WX-06)", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0"),
        plant("script", "not a component", b"#!/bin/sh\nid\n"),
        plant("truncated_in_the_header", "not a component", &component[..6]),
        plant("truncated_early", "damaged", &component[..component.len() / 3]),
        plant("truncated_by_one", "damaged", &component[..component.len() - 1]),
        plant("flipped", "damaged, or not a plugin", &flipped),
        plant("twice", "damaged", &twice),
        plant("section_longer_than_file", "damaged", b"\0asm\x0d\0\x01\0\x00\xff\xff\xff\xff\x0f"),
        plant("section_of_no_kind", "damaged", &no_kind),
        plant("future_version", "not a component, or damaged", b"\0asm\x0e\0\x01\0"),
    ]
}

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// An unsigned number in LEB128.
fn number(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (n & 0x7f) as u8;
        n >>= 7;
        bytes.push(if n == 0 { low } else { low | 0x80 });
        if n == 0 {
            return bytes;
        }
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &number(content.len())[..], content].concat()
}

/// A section that holds `count` equal things.
fn repeated(id: u8, count: usize, thing: &[u8]) -> Vec<u8> {
    section(id, &[number(count), thing.repeat(count)].concat())
}

fn in_component(module: &[u8]) -> Vec<u8> {
    [COMPONENT, &section(1, module)].concat()
}

fn name(text: &str) -> Vec<u8> {
    [&number(text.len())[..], text.as_bytes()].concat()
}

fn custom_section(bytes: usize) -> Vec<u8> {
    [COMPONENT, &section(0, &[name("ballast"), vec![0; bytes]].concat())].concat()
}

/// A type section with `func()`.
const NOTHING: &[u8] = b"\x01\x04\x01\x60\0\0";

fn functions(count: usize) -> Vec<u8> {
    in_component(&[MODULE, NOTHING, &repeated(3, count, b"\0"), &repeated(10, count, b"\x02\0\x0b")].concat())
}

/// A module of one function, with this body.
fn one_function(body: &[u8]) -> Vec<u8> {
    let code = [number(1), number(body.len()), body.to_vec()].concat();
    [MODULE, NOTHING, &repeated(3, 1, b"\0"), &section(10, &code)].concat()
}

/// `i32.const 0`, `drop`, and so on.
fn huge_function(bytes: usize) -> Vec<u8> {
    let body = [b"\0".as_slice(), &b"\x41\0\x1a".repeat(bytes / 3), b"\x0b"].concat();
    in_component(&one_function(&body))
}

/// One group of locals, all alive to the end.
fn locals(count: usize) -> Vec<u8> {
    [&number(1)[..], &number(count), b"\x7f", b"\x0b"].concat()
}

fn br_table(count: usize) -> Vec<u8> {
    [b"\0\x41\0\x0e".as_slice(), &number(count), &vec![0; count], b"\0\x0b"].concat()
}

/// `values` locals that are changed in turn, in `rounds` loops inside each other: all of them live everywhere.
fn live_ranges(values: usize, rounds: usize) -> Vec<u8> {
    let mut body = [&number(1)[..], &number(values), b"\x7f"].concat();
    body.extend(b"\x03\x40".repeat(rounds));
    for n in 0..values {
        // local[n] = local[n] + local[(n * 7 + 1) % values]
        body.extend(
            [b"\x20", &number(n)[..], b"\x20", &number((n * 7 + 1) % values), b"\x6a\x21", &number(n)].concat(),
        );
    }
    for _ in 0..rounds {
        // if local[0] != 0, again
        body.extend(b"\x20\0\x0d\0\x0b");
    }
    body.extend(b"\x0b");
    body
}

fn types(count: usize) -> Vec<u8> {
    in_component(&[MODULE, &repeated(1, count, b"\x60\0\0")].concat())
}

/// A component type section with `func()`, and an import of one.
const IMPORTED: &[u8] = b"\x07\x05\x01\x40\0\x01\0\x0a\x06\x01\0\x01f\x01\0";

fn imports(count: usize) -> Vec<u8> {
    let mut content = number(count);
    for n in 0..count {
        content.extend([b"\0", &name(&format!("f{n}"))[..], b"\x01\0"].concat());
    }
    [COMPONENT, IMPORTED, &section(10, &content)].concat()
}

/// One function under many names.
fn exports(count: usize) -> Vec<u8> {
    let mut content = number(count);
    for n in 0..count {
        content.extend([b"\0", &name(&format!("f{n}"))[..], b"\x01\0\0"].concat());
    }
    [COMPONENT, IMPORTED, &section(11, &content)].concat()
}

fn globals(count: usize) -> Vec<u8> {
    in_component(&[MODULE, &repeated(6, count, b"\x7f\0\x41\0\x0b")].concat())
}

fn data_segments(count: usize) -> Vec<u8> {
    in_component(&[MODULE, &section(5, b"\x01\0\x01"), &repeated(11, count, b"\0\x41\0\x0b\0")].concat())
}

/// Passive ones, of no functions.
fn element_segments(count: usize) -> Vec<u8> {
    in_component(&[MODULE, &repeated(9, count, b"\x01\0\0")].concat())
}

fn tables(modules: usize, each: usize) -> Vec<u8> {
    let module = [MODULE, &repeated(4, each, b"\x70\0\0")].concat();
    [COMPONENT, &section(1, &module).repeat(modules)].concat()
}

/// Of one empty module.
fn instances(count: usize) -> Vec<u8> {
    [COMPONENT, &section(1, MODULE), &repeated(2, count, b"\0\0\0")].concat()
}

/// `list<list<...<u8>>>`, each a type of its own.
fn list_types(depth: usize) -> Vec<u8> {
    let mut content = [&number(depth)[..], b"\x70\x7d"].concat();
    for below in 0..depth - 1 {
        // An index is a signed number: from 64 on it takes a second byte.
        let index = if below < 64 { vec![below as u8] } else { vec![below as u8 | 0x80, 0] };
        content.extend([b"\x70", &index[..]].concat());
    }
    [COMPONENT, &section(7, &content)].concat()
}

/// The type of a component that holds the type of a component that holds...
fn component_types(depth: usize) -> Vec<u8> {
    [COMPONENT, &section(7, &[b"\x01", &b"\x41\x01\x01".repeat(depth)[..], b"\x41\0"].concat())].concat()
}

fn modules(count: usize) -> Vec<u8> {
    [COMPONENT, &section(1, MODULE).repeat(count)].concat()
}

fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(COMPONENT.to_vec(), |inner, _| [COMPONENT, &section(4, &inner)].concat())
}
