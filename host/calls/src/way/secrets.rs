//! Words that name a secret, which is never asked for through a form (MCP elicitation, "must not request sensitive information").
//! It is a look at English words, for honest authors and against the plainest theft: it can't know every way to ask. Who asks is
//! said by the host in every question, and the admin reads in the manifest that a tool asks at all.

/// What they are, without what stands between their parts.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passcode",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "credential",
    "privatekey",
    "accesskey",
    "recoverycode",
    "recoverykey",
    "recoveryphrase",
    "seedphrase",
    "securitycode",
    "verificationcode",
    "onetimecode",
    "pincode",
    "creditcard",
    "cardnumber",
    "cvv",
    "cvc",
    "pin",
    "otp",
    "ssn",
    "socialsecurity",
];

/// Shorter ones are words of their own only: `cv` and `c` are no `cvc`.
const JOINED: usize = 6;

/// These have other meanings too: notes are pinned, and texts have tokens.
const AMBIGUOUS: &[&str] = &["pin", "token", "secret"];

/// What stands before an ambiguous word that means a secret, at most so many words before it.
const MEANT: &[&str] =
    &["your", "my", "time", "access", "api", "auth", "bearer", "session", "refresh", "login", "bank", "card", "sim"];
const BEFORE: usize = 3;

/// The first secret that `name` names: as a word, in the plural, or as words that stand side by side (`API_Key`, `userPassword`,
/// `pass-word`, `P I N`), with letters of other alphabets taken for what they look like. An ambiguous word counts at the end:
/// `new_pin`, and not `pin_note` or `tokens_left`.
pub(super) fn in_name(name: &str) -> Option<&'static str> {
    found(name, |words, _, end| end + 1 == words.len())
}

/// The same in a sentence, where an ambiguous word counts that is said to be somebody's: `your PIN`.
pub(super) fn in_prose(text: &str) -> Option<&'static str> {
    // What one sentence ends with is no part of a word that the next one begins with.
    let sentences = text.split_inclusive(char::is_whitespace).collect::<Vec<_>>();
    sentences
        .split_inclusive(|word| word.trim_end().ends_with(['.', '?', '!', ',', ':', ';']) && word.trim_end().len() > 2)
        .find_map(|part| {
            found(&part.concat(), |words, start, _| {
                words[start.saturating_sub(BEFORE)..start].iter().any(|word| MEANT.contains(&word.as_str()))
            })
        })
}

/// `counts` says of an ambiguous word, from the first to the last of `words` that make it up, whether it is a secret.
fn found(text: &str, counts: impl Fn(&[String], usize, usize) -> bool) -> Option<&'static str> {
    let text: String = text.chars().filter_map(latin).collect();
    // Once with a new word at each capital after a small letter, and once without.
    [true, false].into_iter().find_map(|at_capitals| in_words(&words(&text, at_capitals), &counts))
}

fn words(text: &str, at_capitals: bool) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in text.chars() {
        if !c.is_ascii_alphabetic() || (at_capitals && lower && c.is_ascii_uppercase()) {
            words.push(String::new());
        }
        lower = c.is_ascii_lowercase();
        if c.is_ascii_alphabetic() {
            words.last_mut().expect("there is always one").push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn in_words(words: &[String], counts: impl Fn(&[String], usize, usize) -> bool) -> Option<&'static str> {
    let longest = SECRETS.iter().map(|secret| secret.len()).max().unwrap_or_default() + 1;
    (0..words.len()).find_map(|start| {
        let mut joined = String::new();
        let mut letters = true;
        for (at, word) in words[start..].iter().enumerate() {
            joined.push_str(word);
            letters &= word.len() == 1;
            if joined.len() > longest {
                break;
            }
            if (at == 0 || letters || joined.len() >= JOINED)
                && let Some(secret) = secret(&joined)
                && (!AMBIGUOUS.contains(&secret) || (letters && at > 0) || counts(words, start, start + at))
            {
                return Some(secret);
            }
        }
        None
    })
}

fn secret(word: &str) -> Option<&'static str> {
    let is = |secret: &&&str| word.strip_prefix(**secret).is_some_and(|rest| rest.is_empty() || rest == "s");
    SECRETS.iter().find(is).copied()
}

/// The Latin letter that it is, or looks like; none for a mark on the letter before it.
fn latin(c: char) -> Option<char> {
    let code = u32::from(c);
    let letter = |offset: u32, first: u8| u8::try_from(offset).ok().map(|offset| char::from(first + offset));
    match c {
        '\u{300}'..='\u{36f}' => return None,
        // Of full width.
        '\u{ff01}'..='\u{ff5e}' => return letter(code - 0xff01, b'!'),
        // In circles.
        '\u{24b6}'..='\u{24cf}' => return letter(code - 0x24b6, b'A'),
        '\u{24d0}'..='\u{24e9}' => return letter(code - 0x24d0, b'a'),
        // Of mathematics: bold, italic, script and so on, each alphabet in capitals and small.
        '\u{1d400}'..='\u{1d6a3}' => return letter((code - 0x1d400) % 26, b'a'),
        _ => {}
    }
    let small = c.to_lowercase().next().unwrap_or(c);
    let like = match small {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'а' | 'α' => 'a',
        'β' | 'в' | 'ь' => 'b',
        'ç' | 'ć' | 'č' | 'с' | 'ϲ' => 'c',
        'ď' | 'đ' | 'ԁ' => 'd',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' | 'е' | 'ё' | 'ε' => 'e',
        'ğ' | 'ɡ' | 'ԍ' => 'g',
        'һ' => 'h',
        'ì'..='ï' | 'ī' | 'į' | 'ı' | 'і' | 'ї' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ł' | 'ӏ' => 'l',
        'м' => 'm',
        'ñ' | 'ń' | 'ň' | 'η' | 'п' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' | 'о' | 'ο' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ř' | 'г' => 'r',
        'ś' | 'ş' | 'š' | 'ѕ' => 's',
        'ť' | 'т' | 'τ' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' | 'υ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ŵ' | 'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'ý' | 'ÿ' | 'у' | 'γ' => 'y',
        'ź' | 'ż' | 'ž' | 'ᴢ' => 'z',
        _ => return Some(c),
    };
    // A capital stays one: it may begin a word.
    Some(if small == c { like } else { like.to_ascii_uppercase() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mc_11_a_secret_is_found_as_a_word_in_the_plural_and_in_parts() {
        for (text, secret) in [
            ("password", "password"),
            ("Passwords", "password"),
            ("PASSWORD", "password"),
            ("pAsSwOrD", "password"),
            ("newPassword2", "password"),
            ("pass-wo-rd", "password"),
            ("p a s s w o r d", "password"),
            ("Your P.I.N., please", "pin"),
            ("one-time PINs", "pin"),
            ("API keys", "apikey"),
            ("accessTokens", "token"),
            ("Credentials", "credential"),
            ("credit\ncard", "creditcard"),
            ("verification code", "verificationcode"),
        ] {
            assert_eq!(in_prose(text), Some(secret), "{text:?}");
        }
        for (name, secret) in
            [("new_pin", "pin"), ("accessTokens", "token"), ("PIN", "pin"), ("clientSecret", "secret")]
        {
            assert_eq!(in_name(name), Some(secret), "{name:?}");
        }
    }

    #[test]
    fn mc_11_a_secret_is_found_in_letters_that_look_like_others() {
        for text in [
            "p\u{430}ssw\u{43e}rd",
            "\u{420}\u{430}\u{455}\u{455}\u{51d}\u{43e}r\u{501}",
            "p\u{3b1}ssw\u{3bf}rd",
            "\u{ff50}\u{ff41}\u{ff53}\u{ff53}\u{ff57}\u{ff4f}\u{ff52}\u{ff44}",
            "p\u{e1}ssw\u{f6}rd",
            "pa\u{301}ssword",
            "\u{1d429}\u{1d41a}\u{1d42c}\u{1d42c}\u{1d430}\u{1d428}\u{1d42b}\u{1d41d}",
            "\u{24df}assword",
        ] {
            assert_eq!(in_name(text), Some("password"), "{text:?}");
            assert_eq!(in_prose(text), Some("password"), "{text:?}");
        }
    }

    #[test]
    fn what_only_holds_such_letters_is_no_secret() {
        for text in [
            "pinboard",
            "secretary",
            "tokenizer",
            "Pinned notes",
            "a CV, C++ skills",
            "Step in now",
            "compass words",
            "Straße und Hausnummer",
            "\u{65e5}\u{672c}\u{8a9e}",
            "",
        ] {
            assert_eq!((in_name(text), in_prose(text)), (None, None), "{text:?}");
        }
    }

    #[test]
    fn what_has_another_meaning_is_asked() {
        for text in [
            "Pin this note?",
            "Which note shall I pin?",
            "How many tokens may the summary use?",
            "Did the tests pass? Code review comes next.",
            "Which card? Number of copies?",
            "Delete the page `Token policy`?",
        ] {
            assert_eq!(in_prose(text), None, "{text:?}");
        }
        for name in ["tokens_left", "pin_note", "pinned", "secret_santa"] {
            assert_eq!(in_name(name), None, "{name:?}");
        }
    }
}
