use proptest::prelude::*;
use serde_json::{Value, json};

use super::{JsonError, JsonFault, Reader, exact_number};

fn read(text: impl AsRef<[u8]>) -> Result<Value, JsonError> {
    let mut reader = Reader::new(text.as_ref())?;
    let value = reader.value()?;
    reader.end()?;
    Ok(value)
}

fn fault(text: impl AsRef<[u8]>) -> JsonFault {
    read(text).expect_err("it should be refused").fault
}

#[test]
fn values_of_every_kind_are_read() {
    let text = r#" { "a" : [ 1 , -2, 0.5, 1e2, true, false, null, "x", {} , [] ], "ü\n\u00fc\ud83d\ude00" : "\"\\\/\b\f\r\t" } "#;
    let expected = json!({
        "a": [1, -2, 0.5, 100.0, true, false, null, "x", {}, []],
        "ü\nü😀": "\"\\/\u{8}\u{c}\r\t",
    });
    assert_eq!(read(text), Ok(expected));
}

/// Fails without the look for a key that an object has already, after its escapes were read.
#[test]
fn mc_09_a_duplicate_key_is_refused_at_any_depth_and_however_it_is_spelt() {
    let twice = |key: &str| JsonFault::DuplicateKey(key.into());
    assert_eq!(read(r#"{"a":1,"b":2,"a":1}"#), Err(JsonError { at: 13, fault: twice("a") }));
    assert_eq!(fault(r#"[{"x":[{"k":{},"\u006b":{}}]}]"#), twice("k"));
    let mut reader = Reader::new(br#"{"a":1,"a":1}"#).unwrap();
    let typed = reader.object(|reader, _| reader.value().map(drop));
    assert_eq!(typed, Err(JsonError { at: 7, fault: twice("a") }));
}

/// Fails without a set beside long objects: each key would be compared with all before it.
#[test]
fn mc_09_a_duplicate_key_is_found_among_many_in_linear_time() {
    let mut text = String::from("{");
    for key in 0..200_000 {
        text.push_str(&format!("\"k{key}\":0,"));
    }
    text.push_str("\"k199999\":0}");
    let start = std::time::Instant::now();
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    let typed = reader.object(|reader, _| reader.value().map(drop)).unwrap_err().fault;
    assert_eq!(typed, JsonFault::DuplicateKey("k199999".into()));
    assert_eq!(fault(&text), JsonFault::DuplicateKey("k199999".into()));
    assert!(start.elapsed().as_secs() < 5, "quadratic work would take minutes");
}

/// Fails without the limit of depth.
#[test]
fn mc_09_sixty_four_levels_are_read_and_one_more_is_refused() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(nested(64)).is_ok());
    assert_eq!(fault(nested(65)), JsonFault::Depth);
    assert_eq!(fault("[".repeat(1_000_000)), JsonFault::Depth);
    let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert!(read(objects(64)).is_ok());
    assert_eq!(fault(objects(65)), JsonFault::Depth);
    // Side by side is not deep.
    assert!(read(format!("[{}1]", "[],{},".repeat(100))).is_ok());
}

/// Fails without the comparison of a number with what it is read as.
#[test]
fn mc_09_numbers_without_an_exact_form_are_refused() {
    let exact = [
        "0",
        "-0",
        "-0.0",
        "1",
        "-9223372036854775808",
        "18446744073709551615",
        "0.1",
        "1.0",
        "1.50",
        "1e2",
        "1E+2",
        "1e-2",
        "0.30000000000000004",
        "0.10000000000000001",
        "1.7976931348623157e308",
        "5e-324",
        "0e999999",
        "9007199254740992.0",
        "100000000000000000000.0",
        "2.2250738585072014e-308",
    ];
    for text in exact {
        let value = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value.as_f64(), text.parse::<f64>().ok(), "{text}");
    }
    let inexact = [
        "18446744073709551616",
        "-9223372036854775809",
        "1e400",
        "-1e400",
        "1e-400",
        "4e-324",
        "9007199254740993.0",
        "0.1000000000000000055511151231257827",
        "123456789012345678.5",
    ];
    for text in inexact {
        assert_eq!(fault(text), JsonFault::Number, "{text}");
    }
}

/// Fails without the grammar of numbers.
#[test]
fn mc_09_what_is_no_json_number_is_refused() {
    for text in ["01", "-", "+1", ".5", "1.", "1e", "1e+", "0x10", "NaN", "Infinity", "-Infinity", "1_000", "--1"] {
        assert!(read(text).is_err(), "{text}");
        assert_eq!(exact_number(text), None, "{text}");
    }
    assert_eq!(exact_number("42.0"), serde_json::Number::from_f64(42.0));
    assert_eq!(exact_number("42 "), None);
}

/// Fails without the checks of UTF-8, surrogates and control characters in strings.
#[test]
fn mc_09_invalid_text_is_refused() {
    assert_eq!(fault(b"\"\xff\""), JsonFault::Utf8);
    assert_eq!(fault(b"\"\xed\xa0\x80\""), JsonFault::Utf8);
    for lone in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud800x""#, r#""\ud800\n""#] {
        assert_eq!(fault(lone), JsonFault::Surrogate, "{lone}");
    }
    for escape in [r#""\x""#, r#""\u12""#, r#""\u12g4""#, r#""\u+123""#, r#""\U0041""#] {
        assert_eq!(fault(escape), JsonFault::Escape, "{escape}");
    }
    assert_eq!(fault("\"a\nb\""), JsonFault::Control);
    assert_eq!(fault("\"\u{0}\""), JsonFault::Control);
}

#[test]
fn what_only_other_dialects_allow_is_refused() {
    let texts = [
        "",
        " ",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{\"a\":}",
        "[",
        "{",
        "\"",
        "\"\\",
        "\"\\u",
        "tru",
        "nul",
        "True",
        "// c\n1",
        "\u{feff}1",
        "1 1",
        "{}{}",
        "]",
        "{\"a\":1",
        "\u{a0}1",
    ];
    for text in texts {
        assert!(read(text).is_err(), "{text:?}");
    }
}

/// Every JSON value that has an exact form.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..8).prop_map(|pairs| pairs.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(value in any_json()) {
        prop_assert_eq!(read(value.to_string()), Ok(value.clone()));
        prop_assert_eq!(read(serde_json::to_string_pretty(&value).unwrap()), Ok(value));
    }

    #[test]
    fn arbitrary_bytes_are_read_only_if_another_reader_reads_the_same(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(value) = read(&bytes) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }

    /// Texts close to JSON find more than bytes at random.
    #[test]
    fn near_json_is_read_only_if_another_reader_reads_the_same(
        text in r#"[\[\]{}:, ]{0,4}("(a|b|\\u00(61|e9)|\\ud83d\\ude00|\\ud83d|é)?"|-?[0-9]{1,20}(\.[0-9]{1,3})?(e[+-]?[0-9]{1,3})?|true|null|[\[\]{}:,]){0,12}"#
    ) {
        if let Ok(value) = read(&text) {
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn a_changed_byte_never_panics(value in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(value) = read(&bytes) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }
}
