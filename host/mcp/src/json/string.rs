//! Strings.

use std::borrow::Cow;

use super::{JsonError, JsonFault, Reader};

impl<'a> Reader<'a> {
    /// A string; the caller has seen its quote. Borrowed from the text where nothing is escaped.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let plain = self.plain()?;
        if self.text.as_bytes()[self.at] == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut decoded = String::with_capacity(plain.len() + 16);
        decoded.push_str(plain);
        loop {
            if self.text.as_bytes()[self.at] == b'"' {
                self.at += 1;
                return Ok(Cow::Owned(decoded));
            }
            decoded.push(self.escape()?);
            decoded.push_str(self.plain()?);
        }
    }

    /// Everything up to the next quote or backslash, which is there when this returns.
    fn plain(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let Some(length) = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20) else {
            self.at = self.text.len();
            return Err(self.fault(JsonFault::End));
        };
        self.at += length;
        if rest[length] < 0x20 {
            return Err(self.fault(JsonFault::Control));
        }
        // The text was checked as UTF-8 and is cut at ASCII bytes.
        Ok(&self.text[start..self.at])
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let Some(&kind) = self.text.as_bytes().get(self.at + 1) else {
            self.at = self.text.len();
            return Err(self.fault(JsonFault::End));
        };
        let character = match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(self.fault(JsonFault::Escape)),
        };
        self.at += 2;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.hex4(self.at + 2)?;
        let (code, length) = match first {
            0xd800..=0xdbff => {
                let low = match self.text.as_bytes().get(self.at + 6..self.at + 8) {
                    Some(b"\\u") => self.hex4(self.at + 8)?,
                    _ => return Err(self.fault(JsonFault::Surrogate)),
                };
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(self.fault(JsonFault::Surrogate));
                }
                (0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00), 12)
            }
            _ => (first, 6),
        };
        // A low surrogate that stands alone is what is left over here.
        let character = char::from_u32(code).ok_or_else(|| self.fault(JsonFault::Surrogate))?;
        self.at += length;
        Ok(character)
    }

    fn hex4(&self, at: usize) -> Result<u32, JsonError> {
        let wrong = || JsonError { at: self.at, fault: JsonFault::Escape };
        let digits = self.text.as_bytes().get(at..at + 4).ok_or_else(wrong)?;
        digits.iter().try_fold(0, |code, &digit| {
            let nibble = char::from(digit).to_digit(16).ok_or_else(wrong)?;
            Ok(code << 4 | nibble)
        })
    }
}
