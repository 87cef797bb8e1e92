//! What text that an author writes may hold. A person approves it by reading it, and a model obeys it by reading it: so
//! what a model reads and a person cannot see is refused (catalogue MC-05), here and in schemas.

use std::fmt::Write as _;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Nothing visible in it.
    #[error("it is empty; write what a person should read here")]
    Empty,
    /// Over its length.
    #[error("it has {found} characters and at most {maximum} are allowed; write a shorter text")]
    TooLong {
        /// Its characters.
        found: usize,
        /// The most.
        maximum: usize,
    },
    /// A line break where there is one line.
    #[error("it has a line break; write it on one line")]
    LineBreak,
    /// C0 or C1, among them what terminals obey.
    #[error("it holds the control character {}; write it without", code(*.0))]
    Control(char),
    /// Makes text read otherwise than it is stored.
    #[error("it holds {}, which changes the direction of text; write it without", code(*.0))]
    Direction(char),
    /// Seen by a model and not by a person.
    #[error("it holds {}, which nobody sees; write it without", code(*.0))]
    Invisible(char),
    /// Unicode Tags: a whole hidden alphabet.
    #[error("it holds the Unicode tag {}, which hides text from people; write it without", code(*.0))]
    Tag(char),
    /// Variation selectors that select nothing: a way to hide bytes.
    #[error("it holds the variation selector {} where there is nothing to vary; write it without", code(*.0))]
    Variation(char),
    /// The same text in two spellings.
    #[error("it is not in Unicode normalisation form C; write {}", quoted(.0))]
    NotNormal(String),
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Most characters.
    pub(crate) maximum: usize,
    /// Whether it may have line breaks.
    pub(crate) lines: bool,
    /// Whether it must have something visible in it.
    pub(crate) filled: bool,
}

/// Everything that is wrong with `text`, and the byte where it is, when it is in one place.
pub(crate) fn faults(text: &str, form: Form) -> Vec<(Option<usize>, TextFault)> {
    let mut faults = Vec::new();
    if form.filled && text.trim().is_empty() {
        faults.push((None, TextFault::Empty));
    }
    let found = text.chars().count();
    if found > form.maximum {
        faults.push((None, TextFault::TooLong { found, maximum: form.maximum }));
    }
    let mut before = None;
    for (at, c) in text.char_indices() {
        let fault = match c {
            '\n' if form.lines => None,
            '\n' => Some(TextFault::LineBreak),
            _ => fault(c, before),
        };
        before = Some(c);
        if let Some(fault) = fault {
            // One is enough: an author who hides text does it by the hundred.
            faults.push((Some(at), fault));
            break;
        }
    }
    if !is_nfc(text) {
        faults.push((None, TextFault::NotNormal(text.nfc().take(80).collect())));
    }
    faults
}

/// Whether nobody sees `c`, or what stands around it is read otherwise because of it (catalogue MC-05, MC-10): controls,
/// what changes the direction of text, everything without width or shape, Unicode tags, variation selectors, separators
/// of lines and paragraphs, code points for private use and those that are no characters. The only list of them in the host.
///
/// Line breaks and tabs are controls: who allows them says so. So are selectors that [`hides_after`] allows hidden here.
#[must_use]
pub fn hides(c: char) -> bool {
    !matches!(c, ' '..='~') && fault(c, None).is_some()
}

/// [`hides`] for a character that follows `before`: a selector that chooses how the symbol before it looks is no secret.
#[must_use]
pub fn hides_after(c: char, before: Option<char>) -> bool {
    !matches!(c, ' '..='~') && fault(c, before).is_some()
}

fn fault(c: char, before: Option<char>) -> Option<TextFault> {
    Some(match c {
        _ if c.is_control() => TextFault::Control(c),
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            TextFault::Direction(c)
        }
        '\u{e0000}'..='\u{e007f}' => TextFault::Tag(c),
        _ if is_selector(c) && before.is_some_and(|before| selects(c, before)) => return None,
        _ if is_selector(c) => TextFault::Variation(c),
        _ if is_invisible(c) => TextFault::Invisible(c),
        _ => return None,
    })
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Where a selector has two or three forms to choose from. The others, one after each letter, would be an alphabet of
/// their own (256 of them: a byte behind every letter), so they are not allowed even where a font knows them.
fn selects(selector: char, before: char) -> bool {
    match selector {
        // A symbol or a keycap, as text or as a picture.
        '\u{fe0e}' | '\u{fe0f}' => matches!(before,
            '#' | '*' | '0'..='9' | '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{205e}' | '\u{2070}'..='\u{27ff}'
            | '\u{2900}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'),
        // Mongolian letters.
        '\u{180b}'..='\u{180d}' | '\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        _ => false,
    }
}

/// Unicode's Default_Ignorable_Code_Point (zero-width characters, fillers that show nothing, invisible operators) as far as
/// [`fault`] does not name it otherwise; besides, line and paragraph separators, blanks that are no spaces, controls of
/// hieroglyphs and annotations, code points for private use (each reader sees something else) and those that are no
/// characters at all.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0080}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}'
        | '\u{f0000}'..='\u{10ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// `U+202E`.
fn code(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// The text as a person can read it: whatever is refused above is written as its code point, and so is a line break.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        if fault(c, before).is_some() {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    shown
}

/// What an author wrote, visible, cut to a length an error can hold, between backquotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut cut: String = visible(&text.chars().take(80).collect::<String>());
    if text.chars().nth(80).is_some() {
        cut.push('…');
    }
    format!("`{cut}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Form = Form { maximum: 80, lines: false, filled: true };
    const LINES: Form = Form { maximum: 1024, lines: true, filled: true };

    #[test]
    fn mc_05_what_a_person_cannot_see_is_refused() {
        let hidden = [
            ('\u{e0041}', "it holds the Unicode tag U+E0041, which hides text from people; write it without"),
            ('\u{202e}', "it holds U+202E, which changes the direction of text; write it without"),
            ('\u{2066}', "it holds U+2066, which changes the direction of text; write it without"),
            ('\u{200b}', "it holds U+200B, which nobody sees; write it without"),
            ('\u{feff}', "it holds U+FEFF, which nobody sees; write it without"),
            ('\u{1b}', "it holds the control character U+001B; write it without"),
            ('\u{9b}', "it holds the control character U+009B; write it without"),
            ('\t', "it holds the control character U+0009; write it without"),
            ('\r', "it holds the control character U+000D; write it without"),
        ];
        for (c, expected) in hidden {
            let faults = faults(&format!("ab{c}c"), LINES);
            assert_eq!(faults.len(), 1, "{c:?}");
            assert_eq!((faults[0].0, faults[0].1.to_string().as_str()), (Some(2), expected));
        }
    }

    #[test]
    fn mc_05_one_variation_selector_is_allowed_and_a_run_is_not() {
        assert_eq!(faults("A heart \u{2764}\u{fe0f} and a name", LINE), []);
        let found = faults("\u{2764}\u{fe0f}\u{fe01}", LINE);
        assert_eq!(found, [(Some(6), TextFault::Variation('\u{fe01}'))]);
        assert_eq!(faults("\u{fe0f}a", LINE), [(Some(0), TextFault::Variation('\u{fe0f}'))]);
        assert_eq!(faults("Press 1\u{fe0f}\u{20e3}", LINE), []);
    }

    #[test]
    fn mc_05_a_selector_behind_every_letter_is_no_second_text() {
        for (text, at, c) in
            [("ab\u{fe01}", 2, '\u{fe01}'), ("a\u{e0141}b\u{e0142}", 1, '\u{e0141}'), ("a\u{fe0f}", 1, '\u{fe0f}')]
        {
            assert_eq!(faults(text, LINE), [(Some(at), TextFault::Variation(c))], "{text:?}");
        }
        assert_eq!(faults("\u{1820}\u{180b}", LINE), [], "a Mongolian letter has forms");
    }

    #[test]
    fn mc_10_what_unicode_lets_a_reader_ignore_hides() {
        // DerivedCoreProperties.txt of Unicode 16: Default_Ignorable_Code_Point.
        let ignorable = [
            0xad..=0xad,
            0x34f..=0x34f,
            0x61c..=0x61c,
            0x115f..=0x1160,
            0x17b4..=0x17b5,
            0x180b..=0x180f,
            0x200b..=0x200f,
            0x202a..=0x202e,
            0x2060..=0x206f,
            0x3164..=0x3164,
            0xfe00..=0xfe0f,
            0xfeff..=0xfeff,
            0xffa0..=0xffa0,
            0xfff0..=0xfff8,
            0x1bca0..=0x1bca3,
            0x1d173..=0x1d17a,
            0xe0000..=0xe0fff,
        ];
        let controls = [0..=0x1f, 0x7f..=0x9f, 0x2028..=0x2029];
        // The last two code points of every plane are no characters, and are for each reader to make something of.
        let none = (0..=0x10).map(|plane| (plane << 16 | 0xfffe)..=(plane << 16 | 0xffff));
        for code in ignorable.into_iter().chain(controls).chain(none).flatten() {
            let c = char::from_u32(code).unwrap();
            assert!(hides(c), "{c:?}");
        }
        for c in " ~aé漢日ע🧭❤\u{a0}\u{301}\u{3000}".chars() {
            assert!(!hides(c), "{c:?}");
        }
    }

    #[test]
    fn what_follows_decides_only_for_selectors() {
        let after = |before| (0..=0x0010_ffff).filter_map(char::from_u32).filter(move |c| hides_after(*c, before));
        assert!(after(None).eq((0..=0x0010_ffff).filter_map(char::from_u32).filter(|c| hides(*c))));
        let allowed: Vec<char> = after(None).filter(|c| !hides_after(*c, Some('\u{2764}'))).collect();
        assert_eq!(allowed, ['\u{fe0e}', '\u{fe0f}']);
    }

    #[test]
    fn mc_05_length_form_c_and_emptiness_are_checked() {
        assert_eq!(faults(" \n ", LINES), [(None, TextFault::Empty)]);
        assert_eq!(faults("a\nb", LINE), [(Some(1), TextFault::LineBreak)]);
        assert_eq!(faults(&"é".repeat(80), LINE), []);
        assert_eq!(faults(&"é".repeat(81), LINE), [(None, TextFault::TooLong { found: 81, maximum: 80 })]);
        let text = faults("cafe\u{301}", LINE)[0].1.to_string();
        assert_eq!(text, "it is not in Unicode normalisation form C; write `café`");
        assert_eq!(faults("Ordinary text, naïve façade, 日本語, עברית, 🧭.", LINE), []);
    }

    #[test]
    fn rg_20_invisible_characters_are_shown_escaped() {
        assert_eq!(
            visible("a\u{200b}b\u{e0041}\u{202e}\r\u{2764}\u{fe0f}"),
            "a\\u{200b}b\\u{e0041}\\u{202e}\\u{d}\u{2764}\u{fe0f}"
        );
        assert_eq!(visible(" plain text"), " plain text");
    }
}
