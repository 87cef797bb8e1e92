//! What is printed for people. Words of a manifest, a component or a guest can hold what a terminal obeys and what nobody sees:
//! nothing of it is printed but as its code point. And time, as people read it.

use portcullis_manifest::{hides, visible};

/// Text of several lines: line breaks and tabs stay.
pub(crate) fn lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(visible).collect::<Vec<_>>().join("\t");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// JSON that says the same: what hides stands in strings only, where it can be escaped. Line breaks are between values.
pub(crate) fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !hides(c) {
            escaped.push(c);
        } else {
            escaped.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    escaped
}

/// Milliseconds since 1970 as RFC 3339, in UTC.
pub(super) fn time(at: i64) -> String {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let (year, month, day) = date(at.div_euclid(DAY));
    let ms = at.rem_euclid(DAY);
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a day, counted from 1970-01-01 in the proleptic Gregorian calendar. Counted from a 1 March, so that
/// a leap day is the last of its year: then months are 153 days in every five, and 400 years are one period.
fn date(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HOSTILE: &str = "a\u{1b}[2J\r\u{9b}1m\u{202e}b\u{e0041}\u{7f}";

    #[test]
    fn wx_25_nothing_printed_is_obeyed_by_a_terminal() {
        assert_eq!(lines("one\n\ttwo\n"), "one\n\ttwo\n");
        assert_eq!(
            lines(&format!("{HOSTILE}\n\u{2028}c")),
            "a\\u{1b}[2J\\u{d}\\u{9b}1m\\u{202e}b\\u{e0041}\\u{7f}\n\\u{2028}c"
        );
    }

    #[test]
    fn wx_25_json_is_printed_without_it_and_says_the_same() {
        let value = json!({ HOSTILE: [HOSTILE, "plain\n\té漢😀", { "x": "\u{10ffff}" }] });
        for text in [value.to_string(), format!("{value:#}")] {
            let printed = super::json(&text);
            assert!(!printed.chars().any(|c| c != '\n' && hides(c)), "{printed:?}");
            assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), value);
        }
    }

    #[test]
    fn time_is_rfc_3339_in_utc_with_milliseconds() {
        for (at, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_329_512_209, "2026-11-22T06:38:32.209Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(time(at), expected);
        }
        // Whatever a damaged row holds is printed.
        for at in [i64::MIN, i64::MAX] {
            assert!(time(at).ends_with('Z'));
        }
    }

    #[test]
    fn dates_follow_each_other_for_eight_hundred_years() {
        let long = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut expected = (1600, 1, 1);
        for day in -135_140..157_054 {
            assert_eq!(date(day), expected);
            let (year, month, day) = expected;
            let last = match month {
                2 => 28 + i64::from(long(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, day) if day == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        assert_eq!(expected, (2400, 1, 1));
    }
}
