use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::*;

const PLACEHOLDER: &str = "[the secret]";

fn scrubbed(secret: &str, text: &str) -> String {
    let scrubber = Scrubber::new(secret, PLACEHOLDER);
    String::from_utf8(scrubber.scrub(text.as_bytes(), usize::MAX).unwrap().into_owned()).unwrap()
}

/// Fails without the form that the case is named for.
#[test]
fn eg_07_a_secret_is_found_in_every_form_that_echoes_have() {
    let secret = "cA\"n/a&r<y>\\09+é".replace('é', "=");
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let some_percent = secret.replace('"', "%22").replace('/', "%2F").replace('&', "%26").replace('+', "%2b");
    let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
    let json_slash = json.replace('/', "\\/");
    let json_unicode: String = secret.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
    let json_html = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let html_number: String = secret.bytes().map(|byte| format!("&#{byte};")).collect();
    let html_hex: String = secret.bytes().map(|byte| format!("&#x{byte:02X};")).collect();
    let c: String = secret.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mixed_hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect::<String>().replace('A', "a");
    for form in [
        secret.clone(),
        percent.clone(),
        percent.to_ascii_uppercase(),
        some_percent,
        json,
        json_slash,
        json_unicode,
        json_html,
        html,
        html_number,
        html_hex,
        c,
        hex.clone(),
        hex.to_ascii_uppercase(),
        mixed_hex,
    ] {
        assert_eq!(scrubbed(&secret, &form), PLACEHOLDER, "{form}");
        assert_eq!(scrubbed(&secret, &format!("<{form}|{form}>")), format!("<{PLACEHOLDER}|{PLACEHOLDER}>"), "{form}");
    }
}

/// Fails without any of the three alignments, or without either alphabet.
#[test]
fn eg_07_a_secret_is_found_in_base64_at_every_alignment() {
    for secret in ["canary-0123456789", "????>>>>~~~~", "abcdefgh", "abcdefghi", "abcdefghij"] {
        for before in ["", "B", "Be", "Bea", "Bearer ", "user:"] {
            for after in ["", "a", "ab", "abc", "\n"] {
                let whole = format!("{before}{secret}{after}");
                for encoded in [STANDARD.encode(&whole), URL_SAFE.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                    let text = scrubbed(secret, &format!("{{\"echo\": \"{encoded}\"}}"));
                    assert!(text.contains(PLACEHOLDER), "{whole} {text}");
                    let left = text.replace(PLACEHOLDER, "").len();
                    let most = "{\"echo\": \"\"}".len() + (before.len() + after.len()).div_ceil(3) * 4 + 4;
                    assert!(left <= most, "{whole}: {text}");
                }
            }
        }
    }
}

#[test]
fn what_holds_no_secret_is_not_copied() {
    let scrubber = Scrubber::new("canary-0123456789", PLACEHOLDER);
    for text in
        ["", "canary-012345678", "%", "\\", "\\u", "\\u00", "&", "&#", "&#x", "&#x;", "&#99", "%6", "canary-%30"]
    {
        assert!(matches!(scrubber.scrub(text.as_bytes(), usize::MAX), Some(Cow::Borrowed(_))), "{text}");
    }
}

#[test]
fn eg_29_a_scrubbed_text_has_room_or_is_not_given() {
    let scrubber = Scrubber::new("canary78", PLACEHOLDER);
    let text = "canary78canary78";
    assert_eq!(scrubber.scrub(text.as_bytes(), 2 * PLACEHOLDER.len()).unwrap().len(), 2 * PLACEHOLDER.len());
    assert!(scrubber.scrub(text.as_bytes(), 2 * PLACEHOLDER.len() - 1).is_none());
}

/// Fails without the runs of backslashes, and without `percent`: what was escaped is put into another text and escaped again.
#[test]
fn eg_07_a_secret_that_was_escaped_twice_is_found() {
    for text in [r"glpat\\/9xQ7\\/abc", r"glpat\\/9xQ7\\/abc", "glpat%252F9xQ7%25252Fabc", "glpat%2F9xQ7/abc"] {
        assert_eq!(scrubbed("glpat/9xQ7/abc", text), PLACEHOLDER, "{text}");
    }
}

#[test]
fn eg_07_a_header_name_with_the_secret_in_it_is_seen() {
    let scrubber = Scrubber::new("Canary-0123456789", PLACEHOLDER);
    assert!(scrubber.is_in_name("x-canary-0123456789"));
    assert!(!scrubber.is_in_name("x-canary-012345678"));
}

proptest! {
    /// Fails without the merging of spans that overlap.
    #[test]
    fn eg_07_nothing_of_a_secret_is_left_wherever_it_stands(
        secret in "[!-~]{8,40}", parts in prop::collection::vec("[ -~]{0,12}", 1..6), overlap in 0_usize..8,
    ) {
        let text = parts.join(&secret) + &secret + &secret[overlap..];
        let clean = Scrubber::new(&secret, "\u{1}").scrub(text.as_bytes(), usize::MAX).unwrap().into_owned();
        prop_assert!(memmem::find(&clean, secret.as_bytes()).is_none());
    }

    #[test]
    fn any_bytes_are_scrubbed_without_a_panic(secret in "[!-~]{8,20}", bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Scrubber::new(&secret, PLACEHOLDER).scrub(&bytes, usize::MAX);
    }

    #[test]
    fn eg_07_any_secret_is_found_in_base64(secret in "[!-~]{8,40}", before in "[ -~]{0,9}", after in "[ -~]{0,9}") {
        let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
        prop_assert!(scrubbed(&secret, &encoded).contains(PLACEHOLDER));
    }
}
