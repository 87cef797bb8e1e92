//! A folder of Markdown, searched. `pack` has put the files and an index into the release; this file has what clients call: the
//! tools `search` and `fetch`, a prompt, and what can be completed. The pages themselves are resources that the host answers.

mod index;
#[cfg(not(target_family = "wasm"))]
pub mod pack;
mod search;
mod words;

use std::collections::BTreeMap;

use portcullis_plugin::{
    Answer, Contents, Context, Part, ToolError,
    assets::Bundle,
    completions::{Asked, Completion},
    knowledge::{Document, Fetch, Hit, Results, Search},
    plugin,
    prompts::Prompt,
    resources,
};
use serde::Deserialize;

use index::{Head, Index, Page, Section};

plugin! {
    tools: { "search" => search_tool, "fetch" => fetch_tool },
    prompts: { "answer" => answer_prompt },
    completions: { prompt("answer", "question") => questions, resource("page", "path") => paths },
}

/// Results of a search.
const RESULTS: usize = 10;
/// Bytes of an excerpt.
const EXCERPT: usize = 240;
/// Bytes of a document. What is longer is cut, and says how to read on. Of the text under one heading no more is indexed, so that
/// whatever is found can be fetched.
pub(crate) const LONGEST: u32 = 100_000;
/// Passages that a prompt brings, and bytes of each.
const PASSAGES: usize = 4;
const PASSAGE: u32 = 20_000;
/// `uri` of the resource `page` in plugin.toml.
const PAGE: &str = "docs://pages/{+path}";
/// Under this name the widget finds the excerpts in a result's `_meta`.
const EXCERPTS: &str = "portcullis.docs/excerpts";

#[derive(Deserialize)]
struct Question {
    question: String,
}

fn search_tool(args: Search, cx: &Context) -> Result<Answer, ToolError> {
    search(cx.assets(), &args.query)
}

fn fetch_tool(args: Fetch, cx: &Context) -> Result<Document, ToolError> {
    fetch(cx.assets(), &args.id)
}

fn answer_prompt(args: Question, cx: &Context) -> Result<Prompt, ToolError> {
    answer(cx.assets(), &args.question)
}

fn questions(asked: Asked, cx: &Context) -> Completion {
    // A completion has no way to fail: who writes is offered nothing.
    titles(cx.assets(), &asked.value).unwrap_or_default()
}

fn paths(asked: Asked, cx: &Context) -> Completion {
    let names = cx.assets().names("pages/");
    Completion::starting_with(&asked.value, names.iter().filter_map(|name| name.strip_prefix("pages/")))
}

/// What `search` answers, of the files of a release.
pub fn search(files: impl Bundle, query: &str) -> Result<Answer, ToolError> {
    let (hits, excerpts) = find(&Index::open(files)?, query)?;
    Ok(Results::new(hits).into_answer().meta(&BTreeMap::from([(EXCERPTS, excerpts)])))
}

fn find(index: &Index<impl Bundle>, query: &str) -> Result<(Vec<Hit>, BTreeMap<String, String>), ToolError> {
    if query.trim().is_empty() {
        return Err("The query is empty. Say in a few words what to look for.".into());
    }
    let (mut hits, mut excerpts) = (Vec::new(), BTreeMap::new());
    for section in search::search(index, query, RESULTS)? {
        let page = index.page(&section)?;
        let id = id(page, &section);
        let (text, _) = index.text(page, section.start, section.own, LONGEST)?;
        excerpts.insert(id.clone(), search::excerpt(&text, query, EXCERPT));
        hits.push(Hit::new(id, title(page, &section), url(&index.head, page, &section)));
    }
    Ok((hits, excerpts))
}

/// What `fetch` answers, of the files of a release.
pub fn fetch(files: impl Bundle, id: &str) -> Result<Document, ToolError> {
    let index = Index::open(files)?;
    let section = section(&index, id)?;
    let page = index.page(&section)?;
    let (mut text, whole) = index.text(page, section.start, section.end, LONGEST)?;
    if !whole {
        text.push_str(
            "\n\n(This is longer than one answer. Its parts can be fetched by the ids that `search` gives.)\n",
        );
    }
    let document = Document::new(id, title(page, &section), text, url(&index.head, page, &section));
    Ok(document.metadata("page", page.path.as_str()).metadata("complete", whole))
}

fn section(index: &Index<impl Bundle>, id: &str) -> Result<Section, ToolError> {
    // The name of a file may hold a `#`, an anchor does not.
    for (path, anchor) in [(id, "")].into_iter().chain(id.rsplit_once('#')) {
        if let Ok(at) = index.head.pages.binary_search_by(|page| page.path.as_str().cmp(path)) {
            let Page { first, count, .. } = index.head.pages[at];
            for number in first..first + count {
                let section = index.section(number)?;
                if section.anchor == anchor {
                    return Ok(section);
                }
            }
        }
    }
    Err(format!("There is no document `{id}`. Take an `id` that `search` gave.").into())
}

/// The prompt `answer`, of the files of a release.
pub fn answer(files: impl Bundle, question: &str) -> Result<Prompt, ToolError> {
    let index = Index::open(files)?;
    let mut pages: Vec<(&Page, String, String)> = Vec::new();
    for section in search::search(&index, question, PASSAGES)? {
        let page = index.page(&section)?;
        let (mut text, whole) = index.text(page, section.start, section.own, PASSAGE)?;
        if !whole {
            text.push_str("\n\n(This passage is longer.)\n");
        }
        let source = format!("- {}: {}", title(page, &section), url(&index.head, page, &section));
        match pages.iter_mut().find(|(known, ..)| known.path == page.path) {
            Some((_, passages, sources)) => {
                passages.push_str(&format!("\n\n{text}"));
                sources.push_str(&format!("\n{source}"));
            }
            None => pages.push((page, text, source)),
        }
    }
    if pages.is_empty() {
        let text = format!("The documents say nothing about this; say so, and answer only what you know: {question}");
        return Ok(Prompt::new().description("Nothing was found").user(text));
    }
    let mut prompt = Prompt::new().description(format!("An answer from {} pages", pages.len()));
    let mut text = "Answer the question from the passages above and from nothing else. Cite the addresses of what you use. If the \
                    passages do not answer it, say so.\n\nThe passages are:"
        .to_string();
    for (page, passages, source) in pages {
        let uri = resources::uri(PAGE, &[("path", &page.path)]);
        prompt = prompt.user(Part::embedded(Contents::text("text/markdown", passages).at(uri)));
        text.push_str(&format!("\n{source}"));
    }
    Ok(prompt.user(format!("{text}\n\nThe question: {question}")))
}

/// Headings that have what is written in them; those that begin with it first.
fn titles(files: impl Bundle, written: &str) -> Result<Completion, ToolError> {
    let index = Index::open(files)?;
    let written = written.to_lowercase();
    let mut found = Vec::new();
    for Section { title, .. } in index.sections()? {
        if let Some(at) = title.to_lowercase().find(&written) {
            found.push((at != 0, title));
        }
    }
    found.sort();
    found.dedup();
    Ok(Completion::of(found.into_iter().map(|(_, title)| title)))
}

fn id(page: &Page, section: &Section) -> String {
    let Section { anchor, .. } = section;
    if anchor.is_empty() { page.path.clone() } else { format!("{}#{anchor}", page.path) }
}

fn title(page: &Page, section: &Section) -> String {
    if section.anchor.is_empty() { page.title.clone() } else { format!("{} › {}", page.title, section.title) }
}

fn url(head: &Head, page: &Page, section: &Section) -> String {
    let escaped: String = stem(&page.path).bytes().map(escaped).collect();
    let anchor: String = section.anchor.bytes().map(escaped_byte).collect();
    let hash = if anchor.is_empty() { "" } else { "#" };
    format!("{}{escaped}{}{hash}{anchor}", head.base, head.extension)
}

/// The path of a page without the ending that says that it is one.
pub(crate) fn stem(path: &str) -> &str {
    is_page(path).map_or(path, |ending| &path[..path.len() - ending])
}

/// Whether a file of that name is a page, and how long the ending is that says so.
pub(crate) fn is_page(name: &str) -> Option<usize> {
    let ends = |ending: &&&str| {
        name.len()
            .checked_sub(ending.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    [".md", ".markdown"].iter().find(ends).map(|ending| ending.len())
}

fn escaped(byte: u8) -> String {
    if byte == b'/' { "/".into() } else { escaped_byte(byte) }
}

fn escaped_byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).into()
    } else {
        format!("%{byte:02X}")
    }
}
