//! Numbers. What is kept has to be what was written: an integer of 64 bits, or a double that prints as the same digits.

use serde_json::Number;

use super::{JsonError, JsonFault, Reader};

/// A double holds at most this many significant decimal digits: more can't be exact in another reader either.
const DOUBLE_DIGITS: usize = 17;

/// Any decimal of at most this many digits comes back unchanged from a normal double.
const ALWAYS_EXACT_DIGITS: usize = 15;

impl Reader<'_> {
    pub(super) fn number(&mut self) -> Result<Number, JsonError> {
        let token = token(&self.text.as_bytes()[self.at..]);
        let Some(length) = token else { return Err(self.fault(JsonFault::Expected("a JSON number"))) };
        let number = read(&self.text[self.at..self.at + length]).ok_or_else(|| self.fault(JsonFault::Number))?;
        self.at += length;
        Ok(number)
    }
}

/// `text` as a JSON number, if it is one, whole, with an exact form.
pub(crate) fn exact(text: &str) -> Option<Number> {
    (token(text.as_bytes())? == text.len()).then(|| read(text))?
}

/// The length of the JSON number that `bytes` begin with.
fn token(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

/// The value of a token, if it has an exact form.
fn read(token: &str) -> Option<Number> {
    if token.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && token != "-0" {
        return token.parse::<i64>().map(Number::from).or_else(|_| token.parse::<u64>().map(Number::from)).ok();
    }
    let value: f64 = token.parse().ok()?;
    let mantissa = token.split(['e', 'E']).next().unwrap_or(token);
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|&digit| digit == b'0').collect();
    let significant = digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
    let exact = if significant == 0 {
        true
    } else if value == 0.0 || !value.is_finite() || significant > DOUBLE_DIGITS {
        false
    } else if significant <= ALWAYS_EXACT_DIGITS && value.is_normal() {
        true
    } else {
        let again = format!("{value:.*e}", significant - 1);
        let printed = again.bytes().take_while(|&byte| byte != b'e').filter(u8::is_ascii_digit);
        printed.eq(digits[..significant].iter().copied())
    };
    if exact { Number::from_f64(value) } else { None }
}
