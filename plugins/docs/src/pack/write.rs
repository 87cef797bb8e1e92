//! Sections become the files of the index.

use std::collections::BTreeMap;

use super::{
    Files,
    split::{Part, split},
};
use crate::{
    index::{BLOCK, FORMAT, Head, Page, Section, put},
    stem,
    words::words,
};

/// How often a word counts that stands in a heading, in the page's title, or in its path.
const HEADING: u32 = 9;
const TITLE: u32 = 4;
const PATH: u32 = 4;

/// The index of these pages, and the ids of the sections that are not in it whole; none if they are too many.
pub(super) fn index(pages: &BTreeMap<String, String>, base: &str, extension: &str) -> Option<(Files, Vec<String>)> {
    let (mut listed, mut cut) = (Vec::new(), Vec::new());
    let mut sections: Vec<Section> = Vec::new();
    let mut lengths: Vec<u32> = Vec::new();
    let mut terms: BTreeMap<String, Vec<(u32, u32)>> = BTreeMap::new();
    for (path, text) in pages {
        let (title, parts) = split(path, text);
        let first = number(sections.len())?;
        for part in parts {
            let number_of_this = number(sections.len())?;
            let counted = count(path, &title, &part);
            lengths.push(counted.values().sum());
            for (word, times) in counted {
                terms.entry(word).or_default().push((number_of_this, times));
            }
            if part.is_cut() {
                cut.push(if part.anchor.is_empty() { path.clone() } else { format!("{path}#{}", part.anchor) });
            }
            let Part { anchor, title, start, own, end, .. } = part;
            let (start, own, end) = (number(start)?, number(own)?, number(end)?);
            sections.push(Section { page: number(listed.len())?, anchor, title, start, own, end });
        }
        let count = number(sections.len())? - first;
        listed.push(Page { path: path.clone(), title, first, count });
    }
    let (mut words, mut postings, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (word, found)) in terms.iter().enumerate() {
        if at % BLOCK == 0 {
            blocks.push((word.clone(), number(words.len())?));
        }
        let place = number(postings.len())?;
        let mut before = 0;
        for (section, times) in found {
            put(&mut postings, section - before);
            put(&mut postings, *times);
            before = *section;
        }
        put(&mut words, number(word.len())?);
        words.extend_from_slice(word.as_bytes());
        for value in [number(found.len())?, place, number(postings.len())? - place] {
            put(&mut words, value);
        }
    }
    let (mut lines, mut places, mut long) = (Vec::new(), Vec::new(), Vec::new());
    for section in &sections {
        places.extend_from_slice(&number(lines.len())?.to_le_bytes());
        serde_json::to_writer(&mut lines, section).expect("a section is texts and numbers");
        lines.push(b'\n');
    }
    places.extend_from_slice(&number(lines.len())?.to_le_bytes());
    lengths.iter().for_each(|length| put(&mut long, *length));
    let sum: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
    let head = Head {
        format: FORMAT,
        base: base.to_owned(),
        extension: extension.to_owned(),
        average: (sum as f64 / sections.len().max(1) as f64) as f32,
        sections: number(sections.len())?,
        pages: listed,
        blocks,
        end: number(words.len())?,
    };
    let head = serde_json::to_vec(&head).expect("a head is texts and numbers");
    let files = [
        ("head.json", head),
        ("terms", words),
        ("postings", postings),
        ("lengths", long),
        ("sections", lines),
        ("places", places),
    ];
    Some((files.into_iter().map(|(name, data)| (format!("search/{name}"), data)).collect(), cut))
}

/// How often each word counts in a section.
fn count(path: &str, title: &str, part: &Part) -> BTreeMap<String, u32> {
    let mut counted = BTreeMap::new();
    for (text, counts) in [(part.text.as_str(), 1), (&part.title, HEADING), (title, TITLE), (stem(path), PATH)] {
        for (_, _, word) in words(text) {
            *counted.entry(word).or_default() += counts;
        }
    }
    counted
}

fn number(length: usize) -> Option<u32> {
    u32::try_from(length).ok()
}
