//! From a text to the words that are indexed and looked for: the same for both.

/// Words that say how something is asked, and not what.
const STOP: [&str; 81] = [
    "a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
    "do", "does", "else", "every", "for", "from", "get", "give", "had", "has", "have", "how", "i", "if", "in", "into",
    "is", "it", "its", "many", "may", "me", "must", "my", "no", "not", "of", "on", "one", "or", "our", "own", "see",
    "shall", "should", "so", "some", "such", "tell", "than", "that", "the", "their", "them", "then", "there", "these",
    "they", "this", "to", "us", "was", "we", "what", "when", "where", "which", "who", "why", "will", "with", "would",
    "you", "your",
];

/// Longer runs of letters are no words: digests, keys, encoded data.
const LONGEST: usize = 32;

/// The words of a text, in their order, with where each begins and ends. Scripts that are written without spaces give each two
/// letters that stand side by side.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, usize, String)> {
    let mut rest = text.char_indices().peekable();
    // The next letter has stood in a pair already.
    let mut paired = false;
    std::iter::from_fn(move || {
        loop {
            let (start, letter) = rest.find(|(_, letter)| letter.is_alphanumeric())?;
            if is_unspaced(letter) {
                let follows = rest.peek().copied().filter(|(_, next)| is_unspaced(*next));
                let was = std::mem::replace(&mut paired, follows.is_some());
                match follows {
                    Some((at, next)) => return Some((start, at + next.len_utf8(), String::from_iter([letter, next]))),
                    None if was => continue,
                    None => return Some((start, start + letter.len_utf8(), letter.into())),
                }
            }
            let part = |letter: char| (letter.is_alphanumeric() && !is_unspaced(letter)) || is_mark(letter);
            while rest.next_if(|(_, letter)| part(*letter)).is_some() {}
            let end = rest.peek().map_or(text.len(), |(at, _)| *at);
            let word = folded(&text[start..end]);
            if word.chars().count() <= LONGEST && STOP.binary_search(&word.as_str()).is_err() {
                return Some((start, end, stem(word)));
            }
        }
    })
}

/// Whether a word that is looked for also finds those that begin with it. A letter of a script without spaces does: it is the
/// beginning of pairs.
pub(crate) fn begins_others(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(is_unspaced) && letters.next().is_none() || word.chars().nth(3).is_some()
}

/// Chinese, Japanese and Korean.
fn is_unspaced(letter: char) -> bool {
    letter >= '\u{3005}'
        && matches!(letter, '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}')
}

/// What stands above or below the letter before it.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// In small letters, and without what stands above or below them: people look for `hauser` and for `Häuser`.
fn folded(word: &str) -> String {
    let lower = word.to_lowercase();
    if lower.is_ascii() {
        return lower;
    }
    let mut plain = String::with_capacity(lower.len());
    for letter in lower.chars().filter(|letter| !is_mark(*letter)) {
        match letter {
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'þ' => plain.push_str("th"),
            // Letters as wide as those of the scripts that they stand among.
            '\u{ff10}'..='\u{ff5a}' => plain.extend(char::from_u32(u32::from(letter) - 0xfee0)),
            letter => plain.push(base(letter)),
        }
    }
    plain
}

/// The letter without its marks: Latin, and the few of Greek and Cyrillic that have some.
fn base(letter: char) -> char {
    match letter {
        'à'..='å' | 'ā'..='ą' | 'ǎ' | '\u{1ea0}'..='\u{1eb7}' => 'a',
        'ç' | 'ć'..='č' => 'c',
        'ð' | 'ď'..='đ' => 'd',
        'è'..='ë' | 'ē'..='ě' | '\u{1eb8}'..='\u{1ec7}' => 'e',
        'ĝ'..='ģ' | 'ǧ' => 'g',
        'ĥ'..='ħ' => 'h',
        'ì'..='ï' | 'ĩ'..='ı' | 'ǐ' | '\u{1ec8}'..='\u{1ecb}' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ'..='ł' => 'l',
        'ñ' | 'ń'..='ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō'..='ő' | 'ơ' | 'ǒ' | '\u{1ecc}'..='\u{1ee3}' => 'o',
        'ŕ'..='ř' => 'r',
        'ś'..='š' | 'ș' => 's',
        'ţ'..='ŧ' | 'ț' => 't',
        'ù'..='ü' | 'ũ'..='ų' | 'ư' | 'ǔ' | '\u{1ee4}'..='\u{1ef1}' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' | '\u{1ef2}'..='\u{1ef9}' => 'y',
        'ź'..='ž' => 'z',
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' => 'е',
        'й' => 'и',
        other => other,
    }
}

/// What the forms of an English word have in common. Small on purpose: what it leaves apart, the search brings together by its
/// beginning.
fn stem(mut word: String) -> String {
    if !word.is_ascii() || word.len() < 4 {
        return word;
    }
    if word.ends_with("ies") {
        word.replace_range(word.len() - 3.., "y");
    } else if word.ends_with("sses")
        || (word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)))
    {
        word.truncate(word.len() - if word.ends_with("sses") { 2 } else { 1 });
    }
    for ending in ["ing", "ed"] {
        let Some(start) = word.strip_suffix(ending) else { continue };
        if start.len() >= 3 && start.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
            word.truncate(start.len());
            let bytes = word.as_bytes();
            let last = bytes[bytes.len() - 1];
            if bytes[bytes.len() - 2] == last && !b"aeioulsz".contains(&last) {
                word.pop();
            }
            break;
        }
    }
    if word.len() > 4 && word.ends_with('e') {
        word.pop();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        words(text).map(|(_, _, word)| word).collect()
    }

    #[test]
    fn stop_words_are_in_the_order_that_they_are_looked_up_in() {
        assert!(STOP.is_sorted());
    }

    #[test]
    fn forms_of_a_word_are_one() {
        for forms in
            ["approve approved approves approving", "policy policies", "stop stops stopped stopping", "key keys"]
        {
            let mut found = all(forms);
            found.dedup();
            assert_eq!(found.len(), 1, "{forms}: {found:?}");
        }
        assert_eq!(all("this status passes"), ["status", "pass"]);
    }

    #[test]
    fn identifiers_are_their_parts() {
        assert_eq!(all("`http.write_timeout` x2"), ["http", "writ", "timeout", "x2"]);
    }

    /// Fails without `folded`: `hauser` would not find `Häuser`.
    #[test]
    fn letters_are_found_without_what_stands_above_them() {
        for (written, plain) in [
            ("Häuser Straße Œuvre", "hauser strasse oeuvre"),
            // The same letter in two pieces.
            ("Ha\u{308}user", "hauser"),
            ("Łódź Kraków şükür İzmir", "lodz krakow sukur izmir"),
            ("Tiếng Việt", "tieng viet"),
            ("Ёлка русский", "елка русскии"),
            ("Άγιος", "αγιοσ"),
            ("ＡＢＣ１", "abc1"),
        ] {
            assert_eq!(all(written), all(plain), "{written}");
        }
    }

    /// Fails without `is_unspaced`: what has no spaces would be one long run, which is no word.
    #[test]
    fn what_is_written_without_spaces_is_pairs() {
        assert_eq!(all("有給休暇"), ["有給", "給休", "休暇"]);
        assert_eq!(all("休"), ["休"]);
        assert_eq!(all("휴가 정책은"), ["휴가", "정책", "책은"]);
        assert_eq!(all("IT部門の規則。カード2枚"), ["部門", "門の", "の規", "規則", "カー", "ード", "2", "枚"]);
        let text = "a。休暇 b";
        let places: Vec<&str> = words(text).map(|(start, end, _)| &text[start..end]).collect();
        assert_eq!(places, ["休暇", "b"]);
        // Long words of a script with longer letters are words.
        assert_eq!(all("достопримечательность").len(), 1);
    }

    #[test]
    fn beginnings_are_long_enough_to_mean_something() {
        for (word, begins) in
            [("gat", false), ("gate", true), ("休", true), ("休暇", false), ("дом", false), ("", false)]
        {
            assert_eq!(begins_others(word), begins, "{word}");
        }
    }

    #[test]
    fn questions_lose_what_is_no_content_and_digests_are_no_words() {
        assert_eq!(all("How do I approve a release?"), ["approv", "releas"]);
        assert_eq!(all(&"0123456789abcdef".repeat(4)), Vec::<String>::new());
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "§ Ünder the gate.";
        let places: Vec<&str> = words(text).map(|(start, end, _)| &text[start..end]).collect();
        assert_eq!(places, ["Ünder", "gate"]);
    }
}
