//! A page becomes its sections, at its headings.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::front::front;
use crate::{LONGEST, stem};

/// A section, before it has a number.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub(super) anchor: String,
    pub(super) title: String,
    level: usize,
    pub(super) start: usize,
    pub(super) own: usize,
    pub(super) end: usize,
    /// Its text without marks: of the first [`LONGEST`] bytes, which is what can be fetched.
    pub(super) text: String,
}

impl Part {
    /// Whether its own text is longer than what is read of it.
    pub(super) fn is_cut(&self) -> bool {
        self.own - self.start > LONGEST as usize
    }
}

/// The page's title and its sections. The first is the page itself; its own text is what stands before the second. Its title is
/// that of its front matter, or its first heading of the first level, or its file's name.
pub(super) fn split(path: &str, markdown: &str) -> (String, Vec<Part>) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    let name = stem(path.rsplit('/').next().unwrap_or(path));
    let front = front(markdown);
    let page = |title: String| Part {
        anchor: String::new(),
        title,
        level: 0,
        start: front.end,
        own: markdown.len(),
        end: markdown.len(),
        text: String::new(),
    };
    let mut parts = vec![page(front.title.unwrap_or(name).to_owned())];
    let mut titled = false;
    let mut heading = None;
    let mut anchors = Vec::new();
    for (event, range) in Parser::new_ext(&markdown[front.end..], options).into_offset_iter() {
        let at = front.end + range.start;
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, at, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                let Some((level, start, title)) = heading.take() else { continue };
                let anchor = anchor(&title, &mut anchors);
                // The first heading of the first level is the page's title, and begins no section of its own.
                if level == HeadingLevel::H1 && !titled {
                    titled = true;
                    match front.title {
                        None => parts[0].title = title,
                        Some(_) => parts[0].text.extend([&title, " "]),
                    }
                    continue;
                }
                if let Some(last) = parts.last_mut() {
                    last.own = start;
                }
                parts.push(Part { anchor, title, level: level as usize, start, ..page(String::new()) });
            }
            Event::Text(text) | Event::Code(text) => match &mut heading {
                Some((.., title)) => title.push_str(&text),
                None => {
                    let part = parts.last_mut().expect("there is always the page itself");
                    let left = (part.start + LONGEST as usize).saturating_sub(at);
                    part.text.push_str(&text[..text.floor_char_boundary(left)]);
                }
            },
            // What stands in two cells or two paragraphs is two words.
            Event::SoftBreak | Event::HardBreak | Event::End(_) => match &mut heading {
                Some((.., title)) if matches!(event, Event::SoftBreak | Event::HardBreak) => title.push(' '),
                Some(_) => {}
                None => {
                    let part = parts.last_mut().expect("there is always the page itself");
                    if at < part.start + LONGEST as usize {
                        part.text.push(' ');
                    }
                }
            },
            _ => {}
        }
    }
    for at in 1..parts.len() {
        let level = parts[at].level;
        let next = parts[at + 1..].iter().find(|part| part.level <= level);
        parts[at].end = next.map_or(markdown.len(), |part| part.start);
    }
    (parts[0].title.clone(), parts)
}

/// The anchor that a renderer gives to a heading: GitHub's rule, which most others follow.
fn anchor(title: &str, known: &mut Vec<String>) -> String {
    let mut anchor = String::new();
    for letter in title.trim().to_lowercase().chars() {
        match letter {
            ' ' => anchor.push('-'),
            '-' | '_' => anchor.push(letter),
            letter if letter.is_alphanumeric() => anchor.push(letter),
            _ => {}
        }
    }
    let mut unique = anchor.clone();
    let mut number = 0;
    while known.contains(&unique) {
        number += 1;
        unique = format!("{anchor}-{number}");
    }
    known.push(unique.clone());
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---\nlayout: hidden\n---\nBefore.\n\n# The *gate*\n\nIntro.\n\n## Open `it`\n\nOpen.\n\n### Deep\n\n\
                        ```\n# no heading\n```\n\n## Open it\n\n| a | b |\n|---|---|\n| c | d |\n";

    #[test]
    fn a_page_is_cut_at_its_headings_and_not_in_its_code() {
        let (title, parts) = split("x/gate.md", PAGE);
        assert_eq!(title, "The gate");
        let shown: Vec<(&str, &str)> = parts.iter().map(|part| (part.anchor.as_str(), part.title.as_str())).collect();
        assert_eq!(shown, [("", "The gate"), ("open-it", "Open it"), ("deep", "Deep"), ("open-it-1", "Open it")]);
        assert_eq!(&PAGE[parts[1].start..parts[1].own], "## Open `it`\n\nOpen.\n\n");
        assert!(PAGE[parts[1].start..parts[1].end].ends_with("```\n\n"), "with what is below it");
        assert_eq!(parts[3].end, PAGE.len());
    }

    #[test]
    fn the_text_of_a_section_has_no_marks_and_keeps_cells_apart() {
        let (_, parts) = split("gate.md", PAGE);
        let words = |at: usize| parts[at].text.split_whitespace().collect::<Vec<&str>>().join(" ");
        assert_eq!(
            (words(0).as_str(), words(2).as_str(), words(3).as_str()),
            ("Before. Intro.", "# no heading", "a b c d")
        );
    }

    #[test]
    fn a_page_without_headings_has_its_files_name() {
        let (title, parts) = split("a/b.md", "Text.");
        assert_eq!((title.as_str(), parts.len()), ("b", 1));
    }

    #[test]
    fn front_matter_gives_the_title_and_nothing_else() {
        let page = "---\ntitle: \"Days off\"\ntags: [secret]\n---\n\n# Holidays\n\nText.\n\n## More\n\nMore.\n";
        let (title, parts) = split("x.md", page);
        assert_eq!((title.as_str(), parts.len()), ("Days off", 2));
        assert!(page[parts[0].start..].starts_with("\n# Holidays"), "what is fetched is without it");
        assert_eq!(parts[0].text.split_whitespace().collect::<Vec<&str>>(), ["Holidays", "Text."]);
        assert_eq!(&page[parts[1].start..parts[1].own], "## More\n\nMore.\n");
    }

    /// What ends after a section has begun may have begun before it.
    #[test]
    fn a_heading_in_a_quotation_begins_a_section_too() {
        let (_, parts) = split("x.md", "> Said.\n>\n> ## Inside\n>\n> More.\n\nAfter.\n");
        assert_eq!(
            (parts.len(), parts[1].text.split_whitespace().collect::<Vec<&str>>()),
            (2, vec!["More.", "After."])
        );
    }

    #[test]
    fn of_a_long_section_is_read_what_can_be_fetched() {
        let page = format!("{}last\n\n## Short\n\nText.\n", "One line of text.\n".repeat(6000));
        let (_, parts) = split("x.md", &page);
        assert!(parts[0].is_cut() && !parts[1].is_cut());
        assert!(parts[0].text.trim_end().len() <= LONGEST as usize && !parts[0].text.contains("last"));
        assert_eq!(parts[1].text.trim(), "Text.");
    }

    #[test]
    fn anchors_are_as_renderers_make_them() {
        let mut known = Vec::new();
        assert_eq!(anchor("Where this differs, and why: `a_b` (2)", &mut known), "where-this-differs-and-why-a_b-2");
        assert_eq!(anchor("Ünder", &mut known), "ünder");
    }
}
