//! Which sections answer a query best: BM25 over words and over words that begin alike.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_plugin::{ToolError, assets::Bundle};

use crate::{
    index::{Index, Section},
    words::{begins_others, words},
};

/// The usual numbers of BM25: how fast more of the same word counts less, and how much long sections are held back.
const K: f32 = 1.2;
const B: f32 = 0.75;
/// Words of a query that are looked at. A sentence without spaces has many.
const WORDS: usize = 32;
/// Words that begin as the one that is looked for: how many are looked at, what they count, and after how many places in sections
/// no more of them are looked at. The last bounds the work for a large index.
const ALIKE: usize = 32;
const ALIKE_COUNTS: f32 = 0.4;
const PLACES: u32 = 20_000;
/// Sections of one page among the results.
const OF_ONE_PAGE: usize = 3;

/// Section numbers, the best first, at most so many.
pub(crate) fn search(index: &Index<impl Bundle>, query: &str, most: usize) -> Result<Vec<Section>, ToolError> {
    let wanted = wanted(query);
    let lengths = index.lengths()?;
    let all = index.head.sections as f32;
    // Of each section, by its number: what it has come to, and how many words of the query it has. Tables, because a word may stand
    // in all of them.
    let mut scores = vec![(0.0_f32, 0_u32); lengths.len()];
    let mut best = vec![0.0_f32; lengths.len()];
    for word in &wanted {
        best.fill(0.0);
        let (begins, mut places) = (begins_others(word), 0);
        // In byte order: the word itself is the first.
        for term in index.terms(word, if begins { ALIKE } else { 1 })? {
            if term.word != *word && (!begins || places + term.sections > PLACES) {
                continue;
            }
            places += term.sections;
            let counts = if term.word == *word { 1.0 } else { ALIKE_COUNTS };
            let found = term.sections as f32;
            let rare = (1.0 + (all - found + 0.5) / (found + 0.5)).ln();
            for posting in index.postings(&term)? {
                let at = posting.section as usize;
                let (Some(length), Some(best)) = (lengths.get(at), best.get_mut(at)) else { continue };
                let times = posting.times as f32;
                let long = K * (1.0 - B + B * *length as f32 / index.head.average.max(1.0));
                *best = best.max(counts * rare * times * (K + 1.0) / (times + long));
            }
        }
        for (sum, score) in scores.iter_mut().zip(&best).filter(|(_, score)| **score > 0.0) {
            *sum = (sum.0 + score, sum.1 + 1);
        }
    }
    // Who has all words is before who has one of them often.
    let rank = |(section, (score, has)): (u32, (f32, u32))| {
        (has > 0).then(|| (score * (0.5 + 0.5 * has as f32 / wanted.len() as f32), section))
    };
    let mut ranked: Vec<(f32, u32)> = (0..).zip(scores).filter_map(rank).collect();
    ranked.sort_by(|(a, first), (b, second)| b.total_cmp(a).then(first.cmp(second)));
    let mut of_page: BTreeMap<u32, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (_, number) in ranked {
        let section = index.section(number)?;
        let of_page = of_page.entry(section.page).or_default();
        *of_page += 1;
        if *of_page <= OF_ONE_PAGE {
            found.push(section);
        }
        if found.len() == most {
            break;
        }
    }
    Ok(found)
}

fn wanted(query: &str) -> BTreeSet<String> {
    words(query).map(|(_, _, word)| word).take(WORDS).collect()
}

/// The part of a text that has most of the query's words, as plain text in one line.
pub(crate) fn excerpt(text: &str, query: &str, most: usize) -> String {
    let wanted = wanted(query);
    let text = plain(text);
    let alike = |word: &str| {
        wanted.iter().any(|wanted| word == wanted || (begins_others(wanted) && word.starts_with(wanted.as_str())))
    };
    let hits: Vec<usize> = words(&text).filter(|(_, _, word)| alike(word)).map(|(start, _, _)| start).collect();
    // The first of those with the most within reach. Each hit is looked at twice, not with every other.
    let (mut best, mut has, mut end) = (0, 0, 0);
    for (at, start) in hits.iter().enumerate() {
        while hits.get(end).is_some_and(|hit| *hit < start + most) {
            end += 1;
        }
        if end - at > has {
            (best, has) = (*start, end - at);
        }
    }
    // A few words before it.
    let from = text[..best].rmatch_indices(' ').nth(5).map_or(0, |(at, _)| at + 1);
    let mut to = (from + most).min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    if to < text.len() {
        to = text[from..to].rfind(' ').map_or(to, |at| from + at);
    }
    let before = if from == 0 { "" } else { "… " };
    let after = if to == text.len() { "" } else { " …" };
    format!("{before}{}{after}", text[from..to].trim())
}

/// Markdown without its marks, in one line: what is left reads as a person would read it aloud.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim();
        let ruler =
            !line.is_empty() && line.chars().all(|mark| matches!(mark, '|' | '-' | ':' | ' ' | '=' | '`' | '~'));
        if line.starts_with('#') || line.starts_with("```") || ruler {
            continue;
        }
        let line = line.trim_start_matches(['>', '*', '-', '+', '|', ' ']).trim_end_matches(['|', ' ']);
        let mut rest = line;
        while let Some(mark) = rest.find(['`', '*', '|', ']', '[']) {
            out.push_str(&rest[..mark]);
            let found = &rest[mark..];
            rest = &found[1..];
            if found.starts_with('|') {
                out.push_str(" ·");
            } else if let Some(link) = found.strip_prefix("](") {
                rest = link.split_once(')').map_or(link, |(_, after)| after);
            }
        }
        out.push_str(rest);
        out.push(' ');
    }
    out.split_whitespace().collect::<Vec<&str>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_where_the_words_are_and_has_no_marks() {
        let text = "## Head\n\n| a | b |\n|---|---|\n| `one` | [two](https://x.example/(y)) **three** |\n\n"
            .to_string()
            + &"Filler words stand here. ".repeat(20)
            + "The gate is closed with an iron bar.";
        assert!(
            excerpt(&text, "one", 60).starts_with("a · b one · two) three Filler"),
            "{}",
            excerpt(&text, "one", 60)
        );
        let gate = excerpt(&text, "iron gates", 80);
        assert!(gate.starts_with("… ") && gate.contains("gate is closed with an iron bar."), "{gate}");
        assert!(excerpt(&text, "missing", 60).ends_with(" …"));
        assert_eq!(excerpt("Ünïcödé", "x", 3), "Ün …");
    }

    #[test]
    fn an_excerpt_is_the_first_of_those_with_the_most_words() {
        let filler = "Filler words stand here. ".repeat(20);
        let text = format!("iron {filler} iron gate one {filler} iron gate two {filler} gate");
        let found = excerpt(&text, "iron gates", 60);
        assert!(found.contains("iron gate one"), "{found}");
    }
}
