//! A script without its comments, which name much that is never opened: licences, documentation.

/// `script` with blanks for its comments, byte for byte. It knows texts, templates and patterns as far as it needs to see where a
/// comment begins; from where that can't be seen, everything is left as it is.
pub(super) fn blanked(script: &str) -> String {
    let mut reader = Reader {
        bytes: script.as_bytes(),
        at: 0,
        before: None,
        templates: Vec::new(),
        depth: 0,
        brackets: Vec::new(),
        condition: false,
    };
    let mut comments = Vec::new();
    while let Some(comment) = reader.next_comment() {
        comments.push(comment);
    }
    let mut plain = String::with_capacity(script.len());
    for (start, end) in comments {
        plain.push_str(&script[plain.len()..start]);
        plain.extend(script[start..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
    }
    plain.push_str(&script[plain.len()..]);
    plain
}

/// Words after which `/` begins a pattern.
const BEFORE_PATTERNS: [&[u8]; 12] =
    [b"return", b"typeof", b"case", b"in", b"of", b"delete", b"void", b"throw", b"new", b"else", b"do", b"yield"];

/// What ends a line, and with it a comment.
const NEW_LINES: [&[u8]; 4] = [b"\n", b"\r", "\u{2028}".as_bytes(), "\u{2029}".as_bytes()];

/// Words whose brackets hold a condition, after which a statement begins.
const CONDITIONS: [&[u8]; 4] = [b"if", b"while", b"for", b"with"];

struct Reader<'s> {
    bytes: &'s [u8],
    at: usize,
    /// The last byte of code that is no blank, and where its word begins.
    before: Option<(u8, usize)>,
    /// How many braces were open where each template that is open went into code.
    templates: Vec<usize>,
    depth: usize,
    /// Of each bracket that is open, whether it is that of a condition.
    brackets: Vec<bool>,
    /// Whether the last one that was closed is.
    condition: bool,
}

impl Reader<'_> {
    /// Where the next comment is. None: there is none that is certain.
    fn next_comment(&mut self) -> Option<(usize, usize)> {
        loop {
            let start = self.at;
            let byte = *self.bytes.get(start)?;
            match byte {
                b'/' if self.follows(b'/') => {
                    self.at = self.find(start, |rest| NEW_LINES.iter().any(|end| rest.starts_with(end)))?;
                    return Some((start, self.at));
                }
                b'/' if self.follows(b'*') => {
                    self.at = self.find(start + 2, |rest| rest.starts_with(b"*/"))? + 2;
                    return Some((start, self.at));
                }
                b'/' if self.begins_pattern()? => self.at = self.pattern_end(start + 1)?,
                b'"' | b'\'' => self.at = self.text_end(start + 1, byte)?,
                b'`' => self.template(start + 1)?,
                b'}' if self.templates.last() == Some(&self.depth) => {
                    self.templates.pop();
                    self.template(start + 1)?;
                }
                b'(' => {
                    self.brackets.push(self.word().is_some_and(|word| CONDITIONS.contains(&word)));
                    self.at += 1;
                }
                b')' => {
                    self.condition = self.brackets.pop()?;
                    self.at += 1;
                }
                b'{' => {
                    self.depth += 1;
                    self.at += 1;
                }
                b'}' => {
                    self.depth = self.depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            self.remember(start);
        }
    }

    fn follows(&self, byte: u8) -> bool {
        self.bytes.get(self.at + 1) == Some(&byte)
    }

    fn find(&self, from: usize, ends: impl Fn(&[u8]) -> bool) -> Option<usize> {
        (from..self.bytes.len()).find(|at| ends(&self.bytes[*at..]))
    }

    fn remember(&mut self, start: usize) {
        let last = self.bytes[self.at - 1];
        if last.is_ascii_whitespace() {
            return;
        }
        let goes_on = self.before.filter(|(byte, _)| is_word(*byte) && is_word(last) && is_word(self.bytes[start - 1]));
        self.before = Some((last, goes_on.map_or(start, |(_, begun)| begun)));
    }

    /// The word that was read last, unless it names a property.
    fn word(&self) -> Option<&[u8]> {
        let (_, begun) = self.before.filter(|(last, _)| is_word(*last))?;
        let word = &self.bytes[begun..];
        let length = word.iter().take_while(|byte| is_word(**byte)).count();
        (begun.checked_sub(1).is_none_or(|before| self.bytes[before] != b'.')).then_some(&word[..length])
    }

    /// None: both could be.
    fn begins_pattern(&self) -> Option<bool> {
        let Some((last, begun)) = self.before else { return Some(true) };
        match last {
            b'}' => None,
            b'+' | b'-' if self.bytes[..begun].ends_with(&[last]) => None,
            b')' => Some(self.condition),
            b']' | b'"' | b'\'' | b'`' | b'/' => Some(false),
            last if is_word(last) => Some(self.word().is_some_and(|word| BEFORE_PATTERNS.contains(&word))),
            _ => Some(true),
        }
    }

    fn pattern_end(&self, from: usize) -> Option<usize> {
        let (mut at, mut class) = (from, false);
        loop {
            match *self.bytes.get(at)? {
                b'\n' | b'\r' => return None,
                b'\\' => at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => return Some(at + 1),
                _ => {}
            }
            at += 1;
        }
    }

    fn text_end(&self, from: usize, quote: u8) -> Option<usize> {
        let mut at = from;
        loop {
            match *self.bytes.get(at)? {
                byte if byte == quote => return Some(at + 1),
                b'\\' => at += 1,
                b'\n' | b'\r' => return None,
                _ => {}
            }
            at += 1;
        }
    }

    /// Up to its end, or to where it goes into code.
    fn template(&mut self, from: usize) -> Option<()> {
        let mut at = from;
        loop {
            match *self.bytes.get(at)? {
                b'`' => break,
                b'$' if self.bytes.get(at + 1) == Some(&b'{') => {
                    self.templates.push(self.depth);
                    at += 1;
                    break;
                }
                b'\\' => at += 1,
                _ => {}
            }
            at += 1;
        }
        self.at = at + 1;
        Some(())
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `script` with a blank for each byte of what stands between `«` and `»`.
    #[track_caller]
    fn blanks(script: &str) {
        let (mut plain, mut expected, mut inside) = (String::new(), String::new(), false);
        for c in script.chars() {
            match c {
                '«' => inside = true,
                '»' => inside = false,
                c => {
                    plain.push(c);
                    match inside && c != '\n' {
                        true => expected.extend(std::iter::repeat_n(' ', c.len_utf8())),
                        false => expected.push(c),
                    }
                }
            }
        }
        assert_eq!(blanked(&plain), expected, "{plain}");
    }

    #[test]
    fn comments_are_blank_byte_for_byte_and_keep_their_lines() {
        blanks("a «/* é\n b */» c «// d»\ne");
        blanks("a «// é»\u{2028}b «// c»\rd «// e»\u{2029}f");
        blanks("«/**/»«/* // */» a «// /* b»\n c");
        blanks("a /* that never ends");
        blanks("a // that ends with the text");
        blanks("a * / b / * c");
    }

    #[test]
    fn texts_and_templates_hold_no_comments() {
        blanks("'/* a */' «/* b */» \"// c\" «// d»\n");
        blanks("'\\'/* a */' «/* b */»");
        blanks("`/* a */ ' \\` // b` «/* c */»");
        blanks("`$ {/* a */}` «/* b */»");
        // A text that a line ends, and one that nothing does: from there on nothing is certain.
        blanks("'a\n /* b */");
        blanks("'a\n' /* b */");
        blanks("`a /* b */");
    }

    #[test]
    fn code_in_templates_holds_comments_and_the_braces_in_it_count() {
        blanks("`/* a */${ b «/* c */» }/* d */` «/* e */»");
        blanks("`${ {b: 1} «/* c */» }/* d */` «/* e */»");
        blanks("`${ {b: {c: 1}} «/* d */» }/* e */` «/* f */»");
        blanks("`${``}/* a */` «/* b */»");
        blanks("`${`${ 1 «/* a */» }/* b */`}/* c */` «/* d */»");
        blanks("{ `${a}/* b */` } «/* c */»");
        blanks("{ { } } «/* a */»");
        // More braces closed than opened: it is no script.
        blanks("«/* a */» } /* b */");
    }

    #[test]
    fn a_pattern_is_told_from_a_division_or_nothing_is_certain() {
        blanks("x = /[/*]/ «/* a */»");
        blanks("x = /\\//; «// a»\n");
        blanks("x = y / 2 «/* a */» / z");
        blanks("return /\"/ «/* a */»");
        blanks("a.return / b «/* c */» / d");
        blanks("returned / b «/* c */» / d");
        blanks("if (a) /\"/.test(b) «/* c */»");
        blanks("while (f(a)) /'/.test(b) «/* c */»");
        blanks("f(a) / \"/* b */\" «/* c */» / d");
        blanks("a.if (b) / \"/* c */\" «/* d */» / e");
        blanks("a[0] / \"/* b */\" «/* c */»");
        blanks("é / \"/* b */\" «/* c */»");
        blanks("1 / \"/* b */\" «/* c */»");
        // Behind a brace, or `++`, it may be either; a pattern does not go over a line.
        blanks("«/* a */» } / \"/* b */");
        blanks("«/* a */» x++ / y /* b */");
        blanks("«/* a */» x-- / y /* b */");
        blanks("x = /a\n /* b */");
        blanks("x + -/\"/ «/* a */»");
        blanks("x return /'/ «/* a */»");
        blanks("{} / 1 / 2 /* a */");
        blanks("x++ / y / 2 /* a */");
        blanks("x = /a\n/ /* b */");
        blanks("x = /\\/\"/ «/* a */»");
        blanks("x = /a+/ «/* b */»");
        blanks("x = /a+/ \"/* b */\"");
    }
}
