//! Pages and JSON from sites that an admin has granted. This file has the two tools; `sites.rs` asks the sites, `content.rs`
//! and `html.rs` read what they answer, and all of it is tested without a host.

mod address;
mod content;
mod html;
mod sites;

use std::collections::BTreeSet;

use portcullis_plugin::{Answer, Context, ToolError, plugin};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use html::Page;

plugin! { tools: { "fetch" => fetch, "json" => json } }

const PAGES: &str = "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5";

#[derive(Deserialize)]
struct Fetch {
    url: String,
    max_chars: Option<usize>,
    start: Option<usize>,
}

#[derive(Deserialize)]
struct Json {
    url: String,
    #[serde(default)]
    pointer: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Fetched {
    url: String,
    title: String,
    text: String,
    /// Those whose numbers stand in `text`.
    links: Vec<Link>,
    /// Characters of the whole text.
    length: usize,
    /// Where to go on, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Link {
    n: usize,
    url: String,
}

#[derive(Serialize)]
struct Found {
    url: String,
    pointer: String,
    value: Value,
}

fn fetch(args: Fetch, cx: &Context) -> Result<Answer, ToolError> {
    let url = address::prepared(&args.url)?;
    let response = sites::get(sites::SITES.map(|site| cx.http(site)), &url, PAGES)?;
    let page = content::page(&response, &url)?;
    let fetched = part(page, url, args.start.unwrap_or(0), args.max_chars.unwrap_or(20_000))?;
    Ok(Answer::text(in_words(&fetched)).structured(&fetched))
}

fn json(args: Json, cx: &Context) -> Result<Found, ToolError> {
    let url = address::prepared(&args.url)?;
    let response = sites::get(sites::SITES.map(|site| cx.http(site)), &url, "application/json")?;
    let value = content::json(&response, &args.pointer)?;
    Ok(Found { url, pointer: args.pointer, value })
}

/// `most` characters of a page from `start` on.
fn part(page: Page, url: String, start: usize, most: usize) -> Result<Fetched, ToolError> {
    let Page { title, text, links } = page;
    let length = text.chars().count();
    if start > 0 && start >= length {
        return Err(
            format!("The text has {length} characters, and nothing from {start} on. Give a smaller start.").into()
        );
    }
    let text: String = text.chars().skip(start).take(most).collect();
    let end = start + text.chars().count();
    let numbers = numbers(&text);
    let numbered = (1..).zip(links).filter(|(n, _)| numbers.contains(n));
    let links = numbered.map(|(n, url)| Link { n, url }).collect();
    Ok(Fetched { url, title, text, links, length, next: (end < length).then_some(end) })
}

/// Every `[n]` in a text.
fn numbers(text: &str) -> BTreeSet<usize> {
    let inside = text.split('[').skip(1).filter_map(|rest| rest.split_once(']').map(|(inside, _)| inside));
    inside.filter(|inside| inside.len() <= 3).filter_map(|inside| inside.parse().ok()).collect()
}

fn in_words(fetched: &Fetched) -> String {
    let Fetched { url, title, text, links, length, next } = fetched;
    let mut words = if title.is_empty() { format!("{url}\n\n{text}") } else { format!("{title}\n{url}\n\n{text}") };
    if !links.is_empty() {
        words += "\n\nLinks:";
        links.iter().for_each(|Link { n, url }| words += &format!("\n[{n}] {url}"));
    }
    if let Some(next) = next {
        words += &format!("\n\nThis is a part of {length} characters. To go on, fetch again with start {next}.");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str, links: usize) -> Page {
        Page {
            title: "T".into(),
            text: text.into(),
            links: (1..=links).map(|n| format!("https://x.example/{n}")).collect(),
        }
    }

    fn part_of(text: &str, start: usize, most: usize) -> Result<Fetched, ToolError> {
        part(page(text, 3), "https://x.example/".into(), start, most)
    }

    #[test]
    fn parts_join_to_the_whole_and_have_their_own_links() {
        let text = "é one [1] two [2] three [3]";
        let (mut whole, mut start, mut linked) = (String::new(), 0, Vec::new());
        loop {
            let fetched = part_of(text, start, 10).expect("a part");
            linked.extend(fetched.links.iter().map(|link| link.n));
            whole += &fetched.text;
            let Some(next) = fetched.next else { break };
            start = next;
        }
        assert_eq!((whole.as_str(), linked), (text, vec![1, 2, 3]));
    }

    #[test]
    fn a_start_behind_the_end_is_refused_and_an_empty_page_is_none() {
        assert!(part_of("abc", 3, 10).expect_err("behind the end").to_string().contains("3 characters"));
        assert_eq!(part_of("", 0, 10).expect("empty").next, None);
    }

    #[test]
    fn numbers_of_links_are_told_from_other_brackets() {
        assert_eq!(numbers("[1] [x] [[2]] [1234] [ 3] [4"), BTreeSet::from([1, 2]));
    }

    #[test]
    fn the_text_ends_with_the_links_and_how_to_go_on() {
        let words = in_words(&part_of("see [2] and more", 0, 8).expect("a part"));
        assert!(words.starts_with("T\nhttps://x.example/\n\nsee [2] \n\nLinks:\n[2] https://x.example/2\n"), "{words}");
        assert!(words.ends_with("To go on, fetch again with start 8."), "{words}");
    }
}
