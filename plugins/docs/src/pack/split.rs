//! A page becomes its sections, at its headings.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A section, before it has a number.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub(super) anchor: String,
    pub(super) title: String,
    level: usize,
    pub(super) start: usize,
    pub(super) own: usize,
    pub(super) end: usize,
    /// Its text and those of its headings, without marks.
    pub(super) text: String,
}

/// The page's title and its sections. The first is the page itself; its own text is what stands before the second.
pub(super) fn split(path: &str, markdown: &str) -> (String, Vec<Part>) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".md");
    let page = |title: String| Part {
        anchor: String::new(),
        title,
        level: 0,
        start: 0,
        own: markdown.len(),
        end: markdown.len(),
        text: String::new(),
    };
    let mut parts = vec![page(name.to_owned())];
    let mut titled = false;
    let (mut heading, mut hidden) = (None, false);
    let mut anchors = Vec::new();
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, range.start, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                let Some((level, start, title)) = heading.take() else { continue };
                let anchor = anchor(&title, &mut anchors);
                // The first heading of the first level is the page's title, and begins no section of its own.
                if level == HeadingLevel::H1 && !titled {
                    titled = true;
                    parts[0].title = title;
                    continue;
                }
                if let Some(last) = parts.last_mut() {
                    last.own = start;
                }
                parts.push(Part { anchor, title, level: level as usize, start, ..page(String::new()) });
            }
            Event::Start(Tag::MetadataBlock(_)) => hidden = true,
            Event::End(TagEnd::MetadataBlock(_)) => hidden = false,
            Event::Text(text) | Event::Code(text) if !hidden => {
                let into = match &mut heading {
                    Some((.., title)) => title,
                    None => &mut parts.last_mut().expect("there is always the page itself").text,
                };
                into.push_str(&text);
            }
            // What stands in two cells or two paragraphs is two words.
            Event::SoftBreak | Event::HardBreak | Event::End(_) => match &mut heading {
                Some((.., title)) if matches!(event, Event::SoftBreak | Event::HardBreak) => title.push(' '),
                Some(_) => {}
                None => parts.last_mut().expect("there is always the page itself").text.push(' '),
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

    const PAGE: &str = "---\ntitle: hidden\n---\nBefore.\n\n# The *gate*\n\nIntro.\n\n## Open `it`\n\nOpen.\n\n### Deep\n\n\
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
    fn anchors_are_as_renderers_make_them() {
        let mut known = Vec::new();
        assert_eq!(anchor("Where this differs, and why: `a_b` (2)", &mut known), "where-this-differs-and-why-a_b-2");
        assert_eq!(anchor("Ünder", &mut known), "ünder");
    }
}
