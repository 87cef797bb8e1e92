//! The index, as it lies in the release: small files, of which a search reads a few parts. `pack` writes them; this reads them.
//!
//! | file | what |
//! |---|---|
//! | `search/head.json` | [`Head`]: the pages, and every 64th word with where its block begins |
//! | `search/terms` | the words in byte order, in blocks of 64: length, word, then number, place and length of its postings |
//! | `search/postings` | for each word: sections, as differences, and how often it stands there |
//! | `search/lengths` | how many words each section has |
//! | `search/sections` | each [`Section`], as a line of JSON |
//! | `search/places` | where each section begins in that, four bytes each, and where the last ends |
//! | `pages/` | the Markdown files, unchanged |
//!
//! Numbers are LEB128, but those of the last table.

use portcullis_plugin::{ToolError, assets::Bundle};
use serde::{Deserialize, Serialize};

/// Words in a block.
#[cfg(not(target_family = "wasm"))]
pub(crate) const BLOCK: usize = 64;
/// How far before a cut the end of a line is looked for.
const LINE: usize = 4096;
pub(crate) const FORMAT: u32 = 2;

/// What a search has to know before it begins.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: u32,
    /// What stands before a page's path in its address.
    pub(crate) base: String,
    /// What stands in an address in the place of `.md` or `.markdown`.
    pub(crate) extension: String,
    /// Words of a section, on average.
    pub(crate) average: f32,
    pub(crate) sections: u32,
    /// In byte order of their paths.
    pub(crate) pages: Vec<Page>,
    /// The first word of each block, and where the block begins.
    pub(crate) blocks: Vec<(String, u32)>,
    /// Where the last block ends.
    pub(crate) end: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) title: String,
    /// Its first section, and how many it has.
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// What stands under one heading; or before the first, or under the page's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Section {
    pub(crate) page: u32,
    /// As browsers take it behind `#`. Empty: the page itself.
    pub(crate) anchor: String,
    /// The heading.
    pub(crate) title: String,
    /// Bytes of the page: where the heading begins (for the page itself, what follows its front matter), where the next one does,
    /// and where the next one that is not below does.
    pub(crate) start: u32,
    pub(crate) own: u32,
    pub(crate) end: u32,
}

/// Where a word stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Posting {
    pub(crate) section: u32,
    /// How often, headings counted several times.
    pub(crate) times: u32,
}

/// A word of the index that begins as one that is looked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) word: String,
    /// In how many sections it is.
    pub(crate) sections: u32,
    place: u32,
    length: u32,
}

/// The index of a release.
#[derive(Debug)]
pub(crate) struct Index<B> {
    files: B,
    pub(crate) head: Head,
}

impl<B: Bundle> Index<B> {
    pub(crate) fn open(files: B) -> Result<Self, ToolError> {
        let head: Head = files.json("search/head.json")?;
        if head.format != FORMAT {
            let text = format!(
                "The index has format {}; this component reads {FORMAT}. Pack the documents again.",
                head.format
            );
            return Err(text.into());
        }
        Ok(Self { files, head })
    }

    /// Words that begin with `start`, in byte order, at most so many.
    pub(crate) fn terms(&self, start: &str, most: usize) -> Result<Vec<Term>, ToolError> {
        let Head { blocks, end, .. } = &self.head;
        let first = blocks.partition_point(|(word, _)| word.as_str() <= start).saturating_sub(1);
        let mut found = Vec::new();
        for (at, (word, from)) in blocks.iter().enumerate().skip(first) {
            if at > first && !word.starts_with(start) {
                break;
            }
            let to = blocks.get(at + 1).map_or(*end, |(_, next)| *next);
            let block = self.part("search/terms", *from, to)?;
            let mut rest = Numbers(&block);
            while let Some(term) = rest.term() {
                if term.word.starts_with(start) {
                    found.push(term);
                    if found.len() == most {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn postings(&self, term: &Term) -> Result<Vec<Posting>, ToolError> {
        let bytes = self.part("search/postings", term.place, term.place + term.length)?;
        let (mut rest, mut section) = (Numbers(&bytes), 0);
        let next = || {
            section += rest.next()?;
            Some(Posting { section, times: rest.next()? })
        };
        Ok(std::iter::from_fn(next).collect())
    }

    /// How many words each section has.
    pub(crate) fn lengths(&self) -> Result<Vec<u32>, ToolError> {
        let bytes = self.files.bytes("search/lengths")?;
        let mut rest = Numbers(&bytes);
        Ok(std::iter::from_fn(|| rest.next()).collect())
    }

    pub(crate) fn section(&self, number: u32) -> Result<Section, ToolError> {
        let places = self.part("search/places", number * 4, number * 4 + 8)?;
        let place = |at: usize| places.get(at..at + 4).and_then(|four| Some(u32::from_le_bytes(four.try_into().ok()?)));
        let (Some(from), Some(to)) = (place(0), place(4)) else { return Err(damaged("search/places")) };
        serde_json::from_slice(&self.part("search/sections", from, to)?).map_err(|_| damaged("search/sections"))
    }

    /// Every section, in the order of pages and headings.
    pub(crate) fn sections(&self) -> Result<Vec<Section>, ToolError> {
        let lines = self.files.text("search/sections")?;
        let section = |line| serde_json::from_str(line).map_err(|_| damaged("search/sections"));
        lines.lines().map(section).collect()
    }

    pub(crate) fn page(&self, section: &Section) -> Result<&Page, ToolError> {
        self.head.pages.get(section.page as usize).ok_or_else(|| damaged("search/sections"))
    }

    /// The Markdown of a page, from one byte to another, but at most so many bytes; and whether that is all.
    pub(crate) fn text(&self, page: &Page, from: u32, to: u32, most: u32) -> Result<(String, bool), ToolError> {
        let cut = to.min(from.saturating_add(most));
        let bytes = self.part(&format!("pages/{}", page.path), from, cut)?;
        if cut == to {
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), true));
        }
        // At the end of a line; or of a letter, where the line is long.
        let near = bytes.len().saturating_sub(LINE);
        let line = bytes[near..].iter().rposition(|byte| *byte == b'\n').map(|at| near + at);
        let letter = || bytes.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
        let end = line.unwrap_or_else(letter);
        Ok((String::from_utf8_lossy(&bytes[..end]).into_owned(), false))
    }

    fn part(&self, file: &str, from: u32, to: u32) -> Result<Vec<u8>, ToolError> {
        let part = self.files.read_part(file, u64::from(from), to.saturating_sub(from));
        part.ok_or_else(|| damaged(file))
    }
}

fn damaged(file: &str) -> ToolError {
    ToolError::new(format!("The release's file `{file}` does not fit its index. Pack the documents again."))
}

/// LEB128 numbers, one after the other.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in (0..32).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn term(&mut self) -> Option<Term> {
        let length = self.next()? as usize;
        let (word, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let word = String::from_utf8(word.to_vec()).ok()?;
        Some(Term { word, sections: self.next()?, place: self.next()?, length: self.next()? })
    }
}

/// Appends a number.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn put(into: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_put() {
        let all = [0, 1, 127, 128, 16_383, 16_384, u32::MAX];
        let mut bytes = Vec::new();
        all.iter().for_each(|number| put(&mut bytes, *number));
        let mut rest = Numbers(&bytes);
        assert_eq!(std::iter::from_fn(|| rest.next()).collect::<Vec<u32>>(), all);
        assert_eq!(Numbers(&[0x80]).next(), None);
    }
}
