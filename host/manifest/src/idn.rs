//! International names of hosts, as people read them. A manifest has them in ASCII only (`xn--`), which nobody can read; the
//! letters they stand for can look like another name. An admin is shown both, and is told (catalogue EG-24).

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::{MixedScript as _, skeleton};

use crate::{
    hides,
    http::{HostName, HostPattern, OriginPattern},
    visible,
};

/// A host whose name is international.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idn {
    /// The name in letters. A label that stands for no text stays as it is.
    pub letters: String,
    /// What should make an admin look twice.
    pub doubt: Option<IdnDoubt>,
}

/// What should make an admin look twice at an international name. Ordered: the last is told when there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdnDoubt {
    /// `xn--80ak6aa92e`: Cyrillic letters that look like `apple`.
    LooksLatin,
    /// Latin and Cyrillic letters in one label, and the like.
    MixedScripts,
    /// A label that no name can have: not the ASCII form of anything, or of what a name may not hold.
    Unreadable,
}

impl HostName {
    /// The name in letters. None where it is nothing but ASCII.
    #[must_use]
    pub fn idn(&self) -> Option<Idn> {
        let mut doubt = None;
        let label = |label: &str| {
            let Some(encoded) = label.strip_prefix("xn--") else { return label.to_owned() };
            let (letters, found) = match decode(encoded).filter(|letters| may_be_a_label(letters)) {
                None => (label.to_owned(), Some(IdnDoubt::Unreadable)),
                Some(letters) => {
                    let found = if !letters.as_str().is_single_script() {
                        Some(IdnDoubt::MixedScripts)
                    } else if skeleton(&letters).all(|c| c.is_ascii()) {
                        Some(IdnDoubt::LooksLatin)
                    } else {
                        None
                    };
                    (visible(&letters), found)
                }
            };
            doubt = doubt.max(found);
            letters
        };
        let international = self.as_str().split('.').any(|label| label.starts_with("xn--"));
        let letters: Vec<String> = self.as_str().split('.').map(label).collect();
        international.then(|| Idn { letters: letters.join("."), doubt })
    }
}

impl OriginPattern {
    /// The origin as an admin should see it: with an international host in letters too, and what is doubtful about it.
    #[must_use]
    pub fn shown(&self) -> String {
        let (HostPattern::Exact(host) | HostPattern::OneLabelUnder(host)) = self.host();
        match host.idn() {
            None => self.to_string(),
            Some(Idn { letters, doubt: None }) => format!("{self} (in letters: {letters})"),
            Some(Idn { letters, doubt: Some(doubt) }) => format!("{self} (in letters: {letters}; {doubt})"),
        }
    }
}

impl fmt::Display for IdnDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LooksLatin => "look twice: it can be taken for a name in Latin letters",
            Self::MixedScripts => "look twice: it mixes letters of several scripts",
            Self::Unreadable => "look twice: it stands for no name",
        })
    }
}

/// Whether a label in letters could be one: it needs its encoding, is in its one form, and all of it can be seen.
fn may_be_a_label(letters: &str) -> bool {
    !letters.is_ascii()
        && letters.nfkc().eq(letters.chars())
        && !letters.chars().any(|c| hides(c) || c.is_uppercase() || c.is_whitespace())
        && letters.chars().all(|c| c.is_alphanumeric() || c == '-' || !c.is_ascii())
}

/// Punycode (RFC 3492 section 6.2), for names that are lower-case ASCII already.
fn decode(encoded: &str) -> Option<String> {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    let (basic, extended) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    let mut letters: Vec<char> = basic.chars().collect();
    let (mut code, mut at, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let (start, mut weight, mut k) = (at, 1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            k += BASE;
        }
        let length = u32::try_from(letters.len()).ok()? + 1;
        let mut delta = if start == 0 { (at - start) / 700 } else { (at - start) / 2 };
        delta += delta / length;
        bias = 0;
        while delta > (BASE - T_MIN) * T_MAX / 2 {
            delta /= BASE - T_MIN;
            bias += BASE;
        }
        bias += (BASE - T_MIN + 1) * delta / (delta + 38);
        code = code.checked_add(at / length)?;
        at %= length;
        letters.insert(at as usize, char::from_u32(code)?);
        at += 1;
    }
    Some(letters.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn idn(host: &str) -> Option<(String, Option<IdnDoubt>)> {
        host.parse::<HostName>().unwrap().idn().map(|Idn { letters, doubt }| (letters, doubt))
    }

    #[test]
    fn eg_24_an_international_name_is_read_in_its_letters() {
        for (host, letters) in [
            ("xn--bcher-kva.example", "bücher.example"),
            ("xn--maana-pta.com", "mañana.com"),
            ("a.xn--fiqs8s", "a.中国"),
            ("xn--d1acpjx3f.xn--p1ai", "яндекс.рф"),
        ] {
            assert_eq!(idn(host), Some((letters.to_owned(), None)), "{host}");
        }
        for host in ["example.com", "xn.example", "a--b.example"] {
            assert_eq!(idn(host), None, "{host}");
        }
    }

    #[test]
    fn eg_24_names_that_mislead_are_doubtful() {
        assert_eq!(idn("xn--80ak6aa92e.com"), Some(("аррӏе.com".to_owned(), Some(IdnDoubt::LooksLatin))));
        // A Cyrillic а before Latin letters.
        assert_eq!(idn("xn--pple-43d.com"), Some(("аpple.com".to_owned(), Some(IdnDoubt::MixedScripts))));
        // RFC 3492 section 7.1 (L), in lower case: harmless, and told all the same.
        let mixed = Some(("3年b組金八先生.com".to_owned(), Some(IdnDoubt::MixedScripts)));
        assert_eq!(idn("xn--3b-ww4c5e180e575a65lsy2b.com"), mixed);
        // The last of several doubts is told, wherever its label stands.
        let both = Some(("аррӏе.аpple.com".to_owned(), Some(IdnDoubt::MixedScripts)));
        assert_eq!(idn("xn--80ak6aa92e.xn--pple-43d.com"), both);
    }

    #[test]
    fn eg_24_a_label_that_stands_for_no_name_is_doubtful() {
        // Not punycode, twice; a control character; upper case; a full-width letter; a zero-width joiner; not in form C.
        for label in ["xn--0", "xn--99999999", "xn--abc-a", "xn--wca", "xn--mi7c", "xn--ab-m1t", "xn--e-xbb"] {
            let expected = Some((format!("{label}.com"), Some(IdnDoubt::Unreadable)));
            assert_eq!(idn(&format!("{label}.com")), expected, "{label}");
        }
    }

    #[test]
    fn eg_24_the_samples_of_rfc_3492_are_read() {
        // Section 7.1, in lower case: long enough for the bias to adapt, in steps of every length.
        for (encoded, letters) in [
            ("egbpdaj6bu4bxfgehfvwxn", "ليهمابتكلموشعربي؟"),
            ("ihqwcrb4cv8a8dqg056pqjye", "他们为什么不说中文"),
            ("proprostnemluvesky-uyb24dma41a", "pročprostěnemluvíčesky"),
            ("4dbcagdahymbxekheh6e0a7fei0b", "למההםפשוטלאמדבריםעברית"),
            ("i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd", "यहलोगहिन्दीक्योंनहींबोलसकतेहैं"),
            ("n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa", "なぜみんな日本語を話してくれないのか"),
            (
                "989aomsvi5e83db1d2a355cv1e0vak1dwrv93d5xbh15a0dt30a5jpsd879ccm6fea98c",
                "세계의모든사람들이한국어를이해한다면얼마나좋을까",
            ),
            ("b1abfaaepdrnnbgefbadotcwatmq2g4l", "почемужеонинеговорятпорусски"),
            ("porqunopuedensimplementehablarenespaol-fmd56a", "porquénopuedensimplementehablarenespañol"),
            // Not of the RFC: steps of just the length at which the bias adapts once more.
            ("9fa8341bquagr5e", "Œ儃倔冹写"),
            ("ufa8dy170a7uaub51m", "乭Ń伤伯ţ傼"),
            ("wea4a9776b2uay6g", "Ģ乺估冔ı"),
        ] {
            assert_eq!(decode(encoded).as_deref(), Some(letters), "{encoded}");
        }
    }

    #[test]
    fn eg_24_a_hyphen_and_letters_that_are_marked_may_be_in_a_name() {
        assert_eq!(idn("xn--a--cja.example"), Some(("a-é.example".to_owned(), None)));
        // Vowel signs are no letters.
        assert_eq!(idn("xn--l2b7as1d.example"), Some(("हिन्.example".to_owned(), None)));
    }

    #[test]
    fn eg_24_an_origin_is_shown_in_both_forms() {
        let shown = |origin: &str| origin.parse::<OriginPattern>().unwrap().shown();
        assert_eq!(shown("https://example.com:8443"), "https://example.com:8443");
        assert_eq!(
            shown("https://*.xn--bcher-kva.example"),
            "https://*.xn--bcher-kva.example (in letters: bücher.example)"
        );
        assert_eq!(
            shown("https://xn--80ak6aa92e.com"),
            "https://xn--80ak6aa92e.com (in letters: аррӏе.com; look twice: it can be taken for a name in Latin letters)"
        );
    }

    proptest! {
        #[test]
        fn eg_24_no_label_makes_it_panic_or_shows_what_nobody_sees(label in "[a-z0-9-]{0,40}[a-z0-9]") {
            let Ok(host) = format!("xn--{label}.example").parse::<HostName>() else { return Ok(()) };
            let idn = host.idn().unwrap();
            prop_assert!(!idn.letters.chars().any(hides));
            let all_ascii = idn.letters.is_ascii();
            prop_assert!(!all_ascii || idn.doubt == Some(IdnDoubt::Unreadable));
        }
    }
}
