use super::*;

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn wx_06_only_a_binary_component_is_looked_at() {
    for (bytes, what) in [
        (&b"\x7fELF\x02\x01\x01"[..], "an ELF file"),
        (b"(component)", "WebAssembly text"),
        (b"\n ;; text\n(module)", "WebAssembly text"),
        (b"", "an empty file"),
        (b"#!/bin/sh", "something else"),
        (&component("(module)"), "a core WebAssembly module"),
    ] {
        let error = check_structure(bytes).unwrap_err().to_string();
        assert!(error.starts_with(&format!("this is {what}")), "{error}");
    }
}

#[test]
fn wx_30_counts_have_limits_and_the_error_says_which() {
    let modules = |count| format!("(component {})", "(core module)".repeat(count));
    assert!(check_structure(&component(&modules(64))).is_ok());
    assert_eq!(
        check_structure(&component(&modules(65))).unwrap_err().to_string(),
        "the component has 65 core modules; this host takes 64"
    );
    let nested = |depth: usize| format!("{}{}", "(component ".repeat(depth), ")".repeat(depth));
    assert!(check_structure(&component(&nested(8))).is_ok());
    assert_eq!(
        check_structure(&component(&nested(9))).unwrap_err().to_string(),
        "the component has 9 levels of nesting; this host takes 8"
    );
    let functions = format!("(component (core module {}))", "(func)".repeat(200_001));
    assert_eq!(
        check_structure(&component(&functions)).unwrap_err().to_string(),
        "the component has 200001 functions; this host takes 200000"
    );
}

#[test]
fn a_component_cut_short_anywhere_is_refused_and_never_panics() {
    let whole =
        component(r#"(component (import "portcullis:plugin/log@0.1.0" (instance)) (core module (func (export "f"))))"#);
    assert_eq!(check_structure(&whole).unwrap().imports, ["portcullis:plugin/log@0.1.0"]);
    for end in 0..whole.len() {
        // A cut between sections is a shorter component; one inside a section is damage.
        let _ = check_structure(&whole[..end]);
    }
    assert!(check_structure(&whole[..whole.len() - 1]).is_err());
}

#[test]
fn the_worker_compiles_what_the_serving_engine_can_load_and_refuses_what_is_invalid() {
    let artefact = worker::compile(&component("(component)")).unwrap();
    assert!(artefact.starts_with(b"\x7fELF"));
    let error = worker::compile(&component("(component (core module (func (result i32))))")).unwrap_err();
    assert!(error.contains("type mismatch"), "{error}");
}

#[test]
fn frames_come_out_as_they_went_in() {
    let limits = CompileLimits::default();
    let mut pipe = Vec::new();
    frame::write_job(&mut pipe, &limits, b"abc").unwrap();
    let mut from = pipe.as_slice();
    assert_eq!(frame::read_job(&mut from).unwrap(), Some((limits, b"abc".to_vec())));
    assert_eq!(frame::read_job(&mut from).unwrap(), None);
    for (ended, wanted) in [
        (frame::Ended::Artefact(b"x".to_vec()), Ok(b"x".to_vec())),
        (frame::Ended::Invalid("why".to_owned()), Err(CompileRefused::Invalid("why".to_owned()))),
        (
            frame::Ended::Cpu,
            Err(CompileRefused::Limit { limit: "its CPU time", value: "120 s".to_owned(), key: "cpu" }),
        ),
    ] {
        let mut pipe = Vec::new();
        frame::write_answer(&mut pipe, &ended).unwrap();
        assert_eq!(frame::read_answer(&mut pipe.as_slice(), &limits).unwrap(), wanted);
    }
    let too_long = [&[0u8][..], &u64::MAX.to_le_bytes()].concat();
    assert!(frame::read_answer(&mut too_long.as_slice(), &limits).is_err());
}
