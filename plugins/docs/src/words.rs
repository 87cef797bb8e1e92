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

/// The words of a text, in their order, with where each begins and ends.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, usize, String)> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|(_, letter)| letter.is_alphanumeric())?.0;
            while rest.next_if(|(_, letter)| letter.is_alphanumeric()).is_some() {}
            let end = rest.peek().map_or(text.len(), |(at, _)| *at);
            let word = text[start..end].to_lowercase();
            if word.len() <= LONGEST && STOP.binary_search(&word.as_str()).is_err() {
                return Some((start, end, stem(word)));
            }
        }
    })
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
    fn identifiers_are_their_parts_and_umlauts_are_letters() {
        assert_eq!(all("`http.write_timeout` Ähre"), ["http", "writ", "timeout", "ähre"]);
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
