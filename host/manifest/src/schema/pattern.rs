//! What patterns cost: the memory of their compiled form, which is bounded for a package as a whole, and the time to match
//! a string, which is counted in steps.
//!
//! The engine is linear in the string, but the factor is the size of the pattern: it follows every way through it at once,
//! and a pattern such as `[ab]*a[ab]{400}c` has 400 ways that are open at the same time. Measured, at 80 ns a step: 11 ns for
//! each open place and byte, 40 ns where a place is a class of Unicode, and 250 ns a byte for states that are built and
//! thrown away again. A pattern with few places, or with only one way through it, costs 40 ns a byte at most.

use std::collections::HashMap;

use serde_json::json;

use super::{MAX_COMPILED_PATTERN, MAX_COMPILED_PATTERNS};

/// What a pattern counts as at least, for the states that it builds while it runs.
const LEAST: usize = 32 << 10;
/// What a pattern counts as that does not compile: finding that out has cost as much.
const REFUSED: usize = 256 << 10;

/// The patterns of a package.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    /// The bytes that each takes when it is compiled, at most twice too much; none: it does not compile.
    sizes: HashMap<String, Option<usize>>,
    total: usize,
}

/// What became of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It fits.
    Fits,
    /// The linear-time engine does not take it.
    NotLinear,
    /// With it, the package's patterns are too large. Said once; those that follow are not looked at.
    TooMuch,
    /// Not looked at, because there was too much before.
    Unread,
}

impl Patterns {
    /// Takes in a pattern of one file, which is compiled `times` times.
    pub(super) fn take(&mut self, pattern: &str, times: usize) -> Verdict {
        if self.total > MAX_COMPILED_PATTERNS {
            return Verdict::Unread;
        }
        let size = match self.sizes.get(pattern) {
            Some(size) => *size,
            None => {
                let size = size(pattern);
                self.sizes.insert(pattern.to_owned(), size);
                size
            }
        };
        self.total += size.map_or(REFUSED, |size| size.max(LEAST) * times);
        match size {
            None => Verdict::NotLinear,
            Some(_) if self.total > MAX_COMPILED_PATTERNS => Verdict::TooMuch,
            Some(_) => Verdict::Fits,
        }
    }
}

/// The least power of two that the compiled pattern fits into, measured in exactly the way in which the validator will
/// compile it. None: it does not compile.
fn size(pattern: &str) -> Option<usize> {
    let schema = json!({ "pattern": pattern });
    let fits = |limit: &usize| super::options(*limit).build(&schema).is_ok();
    // The largest first: most that are refused are refused for what they say, at any size.
    if !fits(&MAX_COMPILED_PATTERN) {
        return None;
    }
    let smaller = std::iter::successors(Some(4 << 10), |limit: &usize| Some(limit * 2));
    smaller.take_while(|limit| *limit < MAX_COMPILED_PATTERN).find(fits).or(Some(MAX_COMPILED_PATTERN))
}

/// The most eighths of a step that matching takes for each byte of the string.
pub(super) fn effort(pattern: &str) -> u64 {
    let Shape { places, straight } = shape(pattern);
    // With one way through it, or ten places and so at most a thousand sets of them, all states are built once and kept.
    if straight || places <= 10 { 4 } else { places.saturating_add(24) }
}

/// How a pattern is made, as far as its cost goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    /// The most places in it that can be open at once, repetitions written out; a place of Unicode counts as four.
    places: u64,
    /// Whether there is only one way through it: it begins at the beginning, nothing in it is an alternative, and nothing
    /// but its last part is repeated a varying number of times.
    straight: bool,
}

/// Reads the shape, never as less than it is: where two readers could disagree about what a repetition repeats, it is taken
/// to repeat everything.
fn shape(pattern: &str) -> Shape {
    Scan::of(pattern).unwrap_or_else(|| {
        let numbers = pattern.split(|c: char| !c.is_ascii_digit()).filter_map(|text| text.parse::<u64>().ok());
        let all = numbers.fold(pattern.len() as u64 * 4, |product, number| product.saturating_mul(number.max(1)));
        Shape { places: all, straight: false }
    })
}

struct Scan {
    /// The places of each group that is open, the whole pattern first.
    groups: Vec<u64>,
    /// The places of what a repetition would repeat.
    last: u64,
    straight: bool,
    /// Something has been repeated a varying number of times.
    varied: bool,
}

impl Scan {
    /// None where a group or a class may end somewhere else for another reader.
    fn of(pattern: &str) -> Option<Shape> {
        let mut scan = Self { groups: vec![0], last: 0, straight: pattern.starts_with('^'), varied: false };
        let mut rest = pattern.chars();
        while let Some(c) = rest.next() {
            match c {
                '\\' => {
                    let weight = escape(&mut rest);
                    scan.place(weight);
                }
                '[' => {
                    let weight = class(&mut rest)?;
                    scan.place(weight);
                }
                '(' => {
                    let after = rest.as_str();
                    if let Some(after) = after.strip_prefix("?:") {
                        rest = after.chars();
                    } else if let Some((_, after)) = after.strip_prefix("?<").and_then(|name| name.split_once('>')) {
                        rest = after.chars();
                    } else if after.starts_with('?') {
                        return None;
                    }
                    scan.straight = false;
                    scan.groups.push(1);
                }
                ')' if scan.groups.len() > 1 => {
                    let group = scan.groups.pop().expect("there are two");
                    scan.place(group);
                }
                '*' | '+' | '?' => scan.varies(1),
                '{' => {
                    let (inside, after) = rest.as_str().split_once('}')?;
                    rest = after.chars();
                    let number = |text: &str| match text.trim() {
                        "" => 0,
                        text => text.parse::<u64>().unwrap_or(u64::MAX),
                    };
                    let mut numbers = inside.split(',').map(number);
                    let least = numbers.next().unwrap_or(0);
                    match numbers.next() {
                        None => scan.repeat(least),
                        // Without an upper bound, what is repeated is there once more, in a circle.
                        Some(most) => scan.varies(most.max(least.saturating_add(1))),
                    }
                }
                '$' if rest.as_str().is_empty() => {}
                '|' => {
                    scan.straight = false;
                    scan.place(1);
                }
                '.' => scan.place(2),
                c => scan.place(if c.is_ascii() { 1 } else { 4 }),
            }
        }
        let places = scan.groups.iter().fold(0, |sum: u64, group| sum.saturating_add(*group));
        Some(Shape { places, straight: scan.straight })
    }

    fn place(&mut self, weight: u64) {
        self.straight &= !self.varied;
        self.last = weight;
        let group = self.groups.last_mut().expect("the whole pattern is never closed");
        *group = group.saturating_add(weight);
    }

    fn repeat(&mut self, times: u64) {
        // What is repeated no time still takes its place.
        let more = self.last.saturating_mul(times.max(1) - 1);
        self.last = self.last.saturating_add(more);
        let group = self.groups.last_mut().expect("the whole pattern is never closed");
        *group = group.saturating_add(more);
    }

    fn varies(&mut self, times: u64) {
        self.varied = true;
        // The choice whether to go on is a place of its own.
        self.last = self.last.saturating_add(1);
        let group = self.groups.last_mut().expect("the whole pattern is never closed");
        *group = group.saturating_add(1);
        self.repeat(times);
    }
}

/// What an escape weighs; leaves what comes after it.
fn escape(rest: &mut std::str::Chars<'_>) -> u64 {
    match rest.next() {
        Some('p' | 'P') => {
            if let Some((_, after)) = rest.as_str().strip_prefix('{').and_then(|name| name.split_once('}')) {
                *rest = after.chars();
            }
            4
        }
        Some('s' | 'S' | 'D' | 'W' | 'u' | 'x') => 4,
        _ => 1,
    }
}

/// What a class weighs; leaves what comes after it. None where its end is not beyond doubt.
fn class(rest: &mut std::str::Chars<'_>) -> Option<u64> {
    let mut weight = 1;
    if let Some(after) = rest.as_str().strip_prefix('^') {
        *rest = after.chars();
        weight = 2;
    }
    if rest.as_str().starts_with(']') {
        return None;
    }
    loop {
        match rest.next()? {
            ']' => return Some(weight),
            '[' => return None,
            '\\' => weight = weight.max(escape(rest)),
            c if !c.is_ascii() => weight = 4,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str) -> (u64, bool) {
        let Shape { places, straight } = shape(pattern);
        (places, straight)
    }

    #[test]
    fn mc_07_places_are_counted_with_their_repetitions() {
        for (pattern, places) in [
            ("abc", 3),
            ("a{400}", 400),
            ("(?:ab){3}", 9),
            ("(?<n>ab){3}", 9),
            ("(?:a{10}b){10}", 120),
            ("a{2}{3}", 6),
            ("a{2,}", 6),
            ("\\p{L}{20}", 80),
            ("\\d{4}-\\d{2}", 7),
            ("[^a]{10}", 20),
            ("[a\\p{L}]{10}", 40),
            ("[^\\]]", 2),
            ("é{3}", 12),
            ("a{0}", 1),
            ("a$b", 3),
            ("a$", 1),
            ("\\s{10}", 40),
            ("\\S\\D\\W\\d\\w", 14),
            ("[é]{3}", 12),
            ("(?:ab|cd)", 6),
        ] {
            assert_eq!(read(pattern).0, places, "{pattern}");
        }
    }

    #[test]
    fn mc_07_where_a_repetition_could_mean_more_it_is_taken_to_mean_more() {
        for pattern in ["(abcdef[](]gh){40}", "(?x)(a # )\nbcdef){40}", "(abcd[a[b](]c){40}", "(abcdef[^](]gh){40}"] {
            assert!(read(pattern).0 >= 40 * 8, "{pattern}: {}", read(pattern).0);
        }
        // Four for each byte, where it can't be read.
        assert_eq!(read("(?x)abc").0, 28);
        // What has no beginning ends nothing: an engine refuses it, after this has read it.
        assert_eq!([read(")").0, read("a)b").0], [1, 3]);
        // Nothing overflows, however it is nested.
        assert!(read(&"a{99999999999999999999}{9999999999}{9999999999}{999999999}".repeat(5)).0 > 1 << 40);
    }

    #[test]
    fn mc_07_a_pattern_with_one_way_through_it_is_cheap_whatever_its_length() {
        for pattern in
            ["^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", "^[a-z0-9-]{1,64}$", "^a{40}b+"]
        {
            assert!(read(pattern).1 && effort(pattern) == 4, "{pattern}");
        }
        for pattern in ["[a-z]{64}", "^[ab]*a[ab]{40}c", "^(?:a|b){40}$", "^a?[ab]{40}", "^a{40}|b{40}", "^a+$b{40}"] {
            assert!(!read(pattern).1 && effort(pattern) > 24, "{pattern}");
        }
    }

    #[test]
    fn mc_07_the_bytes_of_a_compiled_pattern_are_measured() {
        assert_eq!(size("^[a-z]{1,8}$"), Some(4 << 10));
        assert!(size("\\p{L}{24}").is_some_and(|size| size > 256 << 10));
        assert_eq!(size("(?=a)b"), None);
        assert_eq!(size("(?:a{1,1000}){1,1000}"), None);
    }
}
