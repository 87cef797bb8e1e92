//! Takes a secret out of what an origin answers. An origin that repeats its request's headers, as many do when they report
//! an error, would otherwise hand the guest what only the host may hold. Catalogue EG-07, EG-08.
//!
//! The value is found as it is, in base64 (either alphabet, wherever it stands in a longer text), in hexadecimal (either
//! case), and with any of its characters written as a percent-escape, a JSON escape or an HTML reference. It is not found
//! where the origin hides it on purpose: compressed, encrypted, reversed or in pieces. An origin that wants to give a secret
//! away can; it has been given it.

use crate::secret::MIN_SECRET;
use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use secrecy::zeroize::Zeroizing;

/// The forms of one secret, and what is put in their place.
pub(crate) struct Scrubber {
    value: Zeroizing<Vec<u8>>,
    hex: Zeroizing<Vec<u8>>,
    base64: Vec<Form>,
    /// Which bytes a form can begin with, so that most of an ordinary text is only looked at.
    first: [bool; 256],
    placeholder: String,
}

/// What takes several secrets out, one after the other.
pub(crate) struct Scrubbers(Vec<Scrubber>);

impl Scrubbers {
    /// Of secrets, each with what is put in its place. None where there is none.
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut scrubbers = Vec::new();
        for (secret, placeholder) in secrets {
            scrubbers.push(Scrubber::new(secret, placeholder));
            // Basic authentication carries name and password in base64, and what reads it may repeat them plain.
            let plain = STANDARD.decode(secret).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let plain = plain.filter(|plain| plain.bytes().all(|byte| byte.is_ascii_graphic())).map(Zeroizing::new);
            if let Some(plain) = plain {
                let password = plain.split_once(':').map(|(_, password)| password);
                let parts = std::iter::once(plain.as_str()).chain(password).filter(|part| part.len() >= MIN_SECRET);
                scrubbers.extend(parts.map(|part| Scrubber::new(part, placeholder)));
            }
        }
        (!scrubbers.is_empty()).then_some(Self(scrubbers))
    }

    /// As [`Scrubber::scrub`], for all of them.
    pub(crate) fn scrub<'a>(&self, bytes: &'a [u8], most: usize) -> Option<Cow<'a, [u8]>> {
        let mut clean = Cow::Borrowed(bytes);
        for scrubber in &self.0 {
            let found = match scrubber.scrub(&clean, most)? {
                Cow::Owned(changed) => Some(changed),
                Cow::Borrowed(_) => None,
            };
            if let Some(changed) = found {
                clean = Cow::Owned(changed);
            }
        }
        Some(clean)
    }

    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|scrubber| scrubber.is_in(bytes))
    }

    pub(crate) fn is_in_name(&self, name: &str) -> bool {
        self.0.iter().any(|scrubber| scrubber.is_in_name(name))
    }
}

/// The characters of a base64 text that the secret alone decides, and whether the characters beside them hold bits of it.
struct Form {
    text: Zeroizing<Vec<u8>>,
    before: bool,
    after: bool,
}

impl Scrubber {
    /// A scrubber that puts `placeholder` where `secret` was. `secret` is visible ASCII and at least 8 long.
    pub(crate) fn new(secret: &str, placeholder: &str) -> Self {
        let value = Zeroizing::new(secret.as_bytes().to_vec());
        let hex: Zeroizing<Vec<u8>> =
            Zeroizing::new(value.iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]).collect());
        let mut base64 = Vec::new();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            for offset in 0..3 {
                let form = form(&engine, &value, offset);
                if !base64.iter().any(|other: &Form| other.text == form.text) {
                    base64.push(form);
                }
            }
        }
        let mut first = [false; 256];
        let forms = base64.iter().map(|form| form.text[0]).chain([value[0]]);
        for byte in forms.chain([hex[0], hex[0].to_ascii_uppercase()]).chain(*b"%\\&") {
            first[usize::from(byte)] = true;
        }
        Self { value, hex, base64, first, placeholder: placeholder.to_owned() }
    }

    /// `bytes` without the secret, or nothing where that would be more than `most` bytes.
    pub(crate) fn scrub<'a>(&self, bytes: &'a [u8], most: usize) -> Option<Cow<'a, [u8]>> {
        let found = self.found(bytes);
        if found.is_empty() {
            return Some(Cow::Borrowed(bytes));
        }
        let removed: usize = found.iter().map(ExactSizeIterator::len).sum();
        let length = bytes.len() - removed + found.len().saturating_mul(self.placeholder.len());
        if length > most {
            return None;
        }
        let mut clean = Vec::with_capacity(length);
        let mut rest = 0;
        for span in found {
            clean.extend_from_slice(&bytes[rest..span.start]);
            clean.extend_from_slice(self.placeholder.as_bytes());
            rest = span.end;
        }
        clean.extend_from_slice(&bytes[rest..]);
        Some(Cow::Owned(clean))
    }

    /// Whether the secret is in `bytes`.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        !self.found(bytes).is_empty()
    }

    /// Whether a header's name holds the secret. Names come in lower case, whatever was sent.
    pub(crate) fn is_in_name(&self, name: &str) -> bool {
        let lower = Zeroizing::new(self.value.to_ascii_lowercase());
        memmem::find(name.as_bytes(), &lower).is_some() || self.is_in(name.as_bytes())
    }

    /// Where the secret stands, in order and without overlaps.
    fn found(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        // By itself, because what is plain may look like an escape: a secret may have two backslashes, or `&amp;`.
        spans.extend(memmem::find_iter(bytes, self.value.as_slice()).map(|start| start..start + self.value.len()));
        for at in (0..bytes.len()).filter(|&at| self.first[usize::from(bytes[at])]) {
            let rest = &bytes[at..];
            spans.extend(written(rest, &self.value).or_else(|| self.hex_at(rest)).map(|length| at..at + length));
            for form in &self.base64 {
                let Some(length) = written(rest, &form.text) else { continue };
                let end = at + length;
                let before = usize::from(form.before && at > 0 && is_base64(bytes[at - 1]));
                let after = usize::from(form.after && bytes.get(end).copied().is_some_and(is_base64));
                spans.push(at - before..end + after);
            }
        }
        spans.sort_unstable_by_key(|span| (span.start, span.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        merged
    }

    fn hex_at(&self, bytes: &[u8]) -> Option<usize> {
        let hex = bytes.get(..self.hex.len())?;
        hex.eq_ignore_ascii_case(&self.hex).then_some(hex.len())
    }
}

fn form(engine: &impl Engine, value: &[u8], offset: usize) -> Form {
    let mut text = Zeroizing::new(vec![0; offset]);
    text.extend_from_slice(value);
    let encoded = Zeroizing::new(engine.encode(&*text).into_bytes());
    // Six bits a character: those between the first and the last whole one are the secret's alone.
    let (first, last) = ((offset * 8).div_ceil(6), (offset + value.len()) * 8 / 6);
    Form {
        text: Zeroizing::new(encoded[first..last].to_vec()),
        before: !(offset * 8).is_multiple_of(6),
        after: !((offset + value.len()) * 8).is_multiple_of(6),
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn hex_digit(nibble: u8) -> u8 {
    b"0123456789abcdef"[usize::from(nibble)]
}

/// The length of `text` at the beginning of `bytes`, each of its characters plain or escaped in some way.
fn written(bytes: &[u8], text: &[u8]) -> Option<usize> {
    let mut length = 0;
    for &wanted in text {
        length += character(&bytes[length..], wanted)?;
    }
    Some(length)
}

/// How many bytes at the beginning of `bytes` write the character `wanted`, however they do.
fn character(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (&first, rest) = bytes.split_first()?;
    let escaped = match first {
        b'%' => percent(rest, wanted),
        // What was escaped once and put into another text has more of them.
        b'\\' if wanted != b'\\' && rest.first() == Some(&b'\\') => {
            let run = rest.iter().take_while(|byte| **byte == b'\\').count();
            return character(&rest[run - 1..], wanted).filter(|&length| length > 1).map(|length| run + length);
        }
        b'\\' => match rest.first()? {
            b'u' => {
                number(&rest[1..], 4, 16).filter(|&(code, digits)| digits == 4 && code == u32::from(wanted)).map(|_| 6)
            }
            b'x' => {
                number(&rest[1..], 2, 16).filter(|&(code, digits)| digits == 2 && code == u32::from(wanted)).map(|_| 4)
            }
            &plain => (plain == wanted && !plain.is_ascii_alphanumeric()).then_some(2),
        },
        b'&' => reference(rest, wanted),
        _ => None,
    };
    escaped.or((first == wanted).then_some(1))
}

/// A percent-escape without its first `%`, however often that was escaped itself: `2F`, `252F`, `25252F`.
fn percent(bytes: &[u8], wanted: u8) -> Option<usize> {
    let mut skipped = 0;
    loop {
        let rest = &bytes[skipped..];
        let (code, digits) = number(rest, 2, 16)?;
        if digits == 2 && code == u32::from(wanted) {
            return Some(1 + skipped + 2);
        }
        if !rest.starts_with(b"25") {
            return None;
        }
        skipped += 2;
    }
}

/// An HTML reference without its `&`.
fn reference(bytes: &[u8], wanted: u8) -> Option<usize> {
    const NAMED: [(&[u8], u8); 5] =
        [(b"amp;", b'&'), (b"lt;", b'<'), (b"gt;", b'>'), (b"quot;", b'"'), (b"apos;", b'\'')];
    if let Some((name, _)) = NAMED.iter().find(|(name, code)| *code == wanted && bytes.starts_with(name)) {
        return Some(1 + name.len());
    }
    let digits = bytes.strip_prefix(b"#")?;
    let (skipped, (code, length)) = match digits.strip_prefix(b"x").or_else(|| digits.strip_prefix(b"X")) {
        Some(hex) => (3, number(hex, 8, 16)?),
        None => (2, number(digits, 8, 10)?),
    };
    let closed = bytes.get(skipped - 1 + length) == Some(&b';');
    (closed && code == u32::from(wanted)).then_some(skipped + length + 1)
}

/// The number that `bytes` begin with, of at most `most` digits, and how many there are.
fn number(bytes: &[u8], most: usize, radix: u32) -> Option<(u32, usize)> {
    let digits = bytes.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let text = std::str::from_utf8(&bytes[..digits]).ok()?;
    Some((u32::from_str_radix(text, radix).ok()?, digits))
}

#[cfg(test)]
mod tests;
