use std::time::{Duration, Instant};

use super::*;

fn page(html: &str) -> Page {
    read(html, "https://x.example/a/b?q")
}

fn text(html: &str) -> String {
    page(html).text
}

#[test]
fn a_page_becomes_a_title_text_and_numbered_links() {
    let page = page(concat!(
        "<!doctype html><html><head><title>The house &amp;\n its lift</title><script>document.write('<p>no')</script>",
        "<style>p { color: red }</style></head><body><h1>Rules</h1><p>Carries <b>four</b>\n people. See ",
        "<a href='/data.json'>the numbers</a>\nor <a href=\"https://e.example/m\">more</a>, <a href=/data.json>again</a>.</p>",
        "<ul><li>No smoking</li><li>No ball games</li></ul></body></html>"
    ));
    assert_eq!(page.title, "The house & its lift");
    assert_eq!(
        page.text,
        "# Rules\n\nCarries four people. See the numbers [1] or more [2], again [1].\n\n- No smoking\n- No ball games"
    );
    assert_eq!(page.links, ["https://x.example/data.json", "https://e.example/m"]);
}

#[test]
fn nothing_that_is_no_text_is_shown() {
    for (html, shown) in [
        ("a<script>if (a < b) '</p>no'</script>b", "ab"),
        ("a<SCRIPT >no</scriptx>no</ScRiPt\n>b", "ab"),
        ("a<script>no", "a"),
        ("a<style>no</style>b<!-- no --><!-->c<!-- no", "abc"),
        ("a<svg><g>no<svg>no</svg>no</g><script>no</svg></script></svg>b", "ab"),
        ("a<svg/>b<template>no</template>c", "abc"),
        ("a<!doctype no><?no?></no><no >b", "ab"),
        ("a</ no>b</>c", "abc"),
        ("a<p title='>no' x=\"<no>\">b", "a\n\nb"),
        ("a<b no", "a"),
    ] {
        assert_eq!(text(html), shown, "{html}");
    }
}

#[test]
fn what_only_looks_like_a_tag_is_text() {
    for (html, shown) in [("1 < 2", "1 < 2"), ("a <3 b", "a <3 b"), ("<", "<"), ("a<", "a<"), ("&lt;b&gt;", "<b>")] {
        assert_eq!(text(html), shown, "{html}");
    }
}

#[test]
fn escapes_are_read_once_and_bad_ones_stay_or_are_shown_as_bad() {
    assert_eq!(text("&#x41;&#66;&amp;lt;&bogus;&;&"), "AB&lt;&bogus;&;&");
    assert_eq!(text("&#0;&#xd800;&#x110000;"), "\u{fffd}\u{fffd}\u{fffd}");
    assert_eq!(text("&#99999999999;é&eacute"), "&#99999999999;é&eacute");
    assert_eq!(text("a&nbsp;&nbsp;b\u{0}\u{1b}c"), "a bc");
}

#[test]
fn tables_pictures_and_code_stay_readable() {
    assert_eq!(text("<table><tr><th>a<th>b<tr><td>1<td>2</table>"), "a | b\n1 | 2");
    assert_eq!(text("x<img alt=' a cat '>y<img>"), "x (a cat) y");
    assert_eq!(text("<pre>fn a() {\n    b\n}</pre>c"), "fn a() {\n    b\n}\n\nc");
    assert_eq!(text("a<br>b<hr>c"), "a\nb\n---\nc");
}

#[test]
fn only_links_to_pages_get_a_number() {
    let page = page(
        "<a href='javascript:alert(1)'>a</a><a href='mailto:a@b'>b</a><a href='#c'>c</a><a href='/d'></a><a>e</a>",
    );
    assert_eq!((page.text.as_str(), page.links.len()), ("abce", 0));
    let many: String = (0..600).map(|n| format!("<a href=/{n}>x</a>")).collect();
    assert_eq!(super::read(&many, "https://x.example/").links.len(), MOST_LINKS);
}

#[test]
fn links_go_out_from_the_base() {
    assert_eq!(page("<base href='https://y.example/z/'><a href=w>a</a>").links, ["https://y.example/z/w"]);
}

#[test]
fn an_attribute_is_found_in_any_soup() {
    for html in [
        "<a href=/w>x</a>",
        "<a class=b href = '/w' >x</a>",
        "<a =x HREF=\"/w\">x</a>",
        "<a/href=/w>x</a>",
        "<a b='href=no'href=/w>x</a>",
        "<a href=/w href=/no>x</a>",
    ] {
        assert_eq!(page(html).links, ["https://x.example/w"], "{html}");
    }
}

/// Every one of these is slow in a reader that looks back, or looks ahead again and again.
#[test]
fn hostile_pages_take_no_more_time_than_others() {
    let size = 1 << 20;
    let began = Instant::now();
    for piece in [
        "<",
        "</",
        "<a",
        "<a href='",
        "<!--",
        "<!",
        "<script>",
        "</script",
        "<svg>",
        "<b>",
        "&",
        "&#",
        "<p title=\"",
        "]]>",
        "<pre> \n",
    ] {
        let page = page(&piece.repeat(size / piece.len()));
        assert!(page.text.len() <= 4 * size, "{piece}: {}", page.text.len());
    }
    // Quadratic would be minutes, even on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn no_random_bytes_end_it() {
    let alphabet: Vec<char> = "<>/!-'\"=&#;x3 aé\nscriptsvgpre".chars().collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or_default()
    };
    for _ in 0..20_000 {
        let length = next() % 60;
        let html: String = (0..length).map(|_| alphabet[next() % alphabet.len()]).collect();
        let page = page(&html);
        assert!(page.text.trim_end() == page.text && !page.text.contains('\0'), "{html:?}");
    }
}
