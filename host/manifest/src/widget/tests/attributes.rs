//! What a single attribute may be, and on which element.

use super::{one, refused};

#[test]
fn what_no_page_needs_is_refused_on_every_element() {
    for (page, name) in [
        ("<iframe src='https://v.example.com/' srcdoc='x'></iframe>", "srcdoc"),
        ("<form action='x'></form>", "action"),
        ("<p><button formaction='x'>y</button></p>", "formaction"),
        ("<p><a href='#x' ping='x'>y</a></p>", "ping"),
        ("<p><img src='data:image/png;base64,AAAA' attributionsrc='x'></p>", "attributionsrc"),
        ("<p http-equiv='refresh'>x</p>", "http-equiv"),
        ("<svg xml:base='x'></svg>", "xml:base"),
        ("<iframe src='https://v.example.com/' allow='camera'></iframe>", "allow"),
        ("<svg><a><animate attributeName='href'/></a></svg>", "attributename"),
        ("<svg><a><animate attributeName='xlink:href'/></a></svg>", "attributename"),
        ("<svg><rect><set attributeName='onclick'/></rect></svg>", "attributename"),
        ("<svg><rect><set attributeName='fill opacity'/></rect></svg>", "attributename"),
    ] {
        one("frame = [\"https://v.example.com\"]", page, &format!("`{name}` is not allowed"));
    }
    // The same names where they are harmless.
    for page in [
        "<p allow='x'>y</p>",
        "<svg><rect><animate attributeName='fill-opacity'/></rect></svg>",
        "<html><head><meta charset='UTF-8'></head><body>x</body></html>",
    ] {
        assert_eq!(refused("", page), [""; 0], "{page}");
    }
    one("", "<html><head><meta charset='latin1'></head><body>x</body></html>", "`charset` is not allowed");
    one("", "<html><head><meta http-equiv='x'></head><body>x</body></html>", "`http-equiv` is not allowed");
}

#[test]
fn a_script_says_what_it_is_and_comes_with_the_page() {
    for page in ["<p>x</p><script src='https://v.example.com/a.js'></script>", "<p>x</p><script src='a.js'></script>"] {
        let found = refused("load = [\"https://v.example.com\"]", page);
        assert_eq!(found.len(), 1, "{page}: {found:?}");
    }
    one("", "<p>x</p><script type='text/vbscript'></script>", "`type` is not allowed");
    for kind in ["module", "text/javascript", "application/json", "APPLICATION/JSON"] {
        assert_eq!(refused("", &format!("<p>x</p><script type='{kind}'></script>")), [""; 0], "{kind}");
    }
}

#[test]
fn an_attribute_that_only_people_read_may_name_an_address_and_any_other_may_not() {
    for name in ["title", "alt", "placeholder", "label", "lang", "aria-label"] {
        let page = format!("<p {name}='see https://cdn.example.com/ &#58; //x'>y</p>");
        assert_eq!(refused("", &page), [""; 0], "{page}");
    }
    for name in ["data-x", "class", "id", "value", "ariax", "content"] {
        one("", &format!("<p {name}='see https://cdn.example.com/'>y</p>"), "is not declared");
        one("", &format!("<p {name}='//cdn.example.com/'>y</p>"), "is not declared");
        assert_eq!(refused("", &format!("<p {name}='a // b'>y</p>")), [""; 0], "{name}");
    }
}

#[test]
fn signs_are_those_that_a_quotation_needs() {
    for sign in ["&#58;", "&colon;", "&#x3a;", "&Tab;", "&amp;colon;&sol;"] {
        one("", &format!("<p data-x='a{sign}b'>y</p>"), "holds signs such as");
    }
    for text in
        ["a&quot;b&#34;&#x22;&apos;&#39;&#x27;&lt;&gt;&nbsp;&amp;", "a & b", "a=1&b=2", "&", "&;", "a&amp;colon;"]
    {
        assert_eq!(refused("", &format!("<p data-x=\"{text}\">y</p>")), [""; 0], "{text}");
    }
}

#[test]
fn styles_in_attributes_are_read_as_styles() {
    for name in [
        "style",
        "fill",
        "stroke",
        "filter",
        "mask",
        "clip-path",
        "marker-start",
        "marker-mid",
        "marker-end",
        "marker",
        "cursor",
    ] {
        one("", &format!("<p {name}=\"url('https://cdn.example.com/a')\">y</p>"), "is not declared");
    }
    // A text that is no style may hold what a style may not.
    assert_eq!(refused("", "<p data-x='url(a)'>y</p>"), [""; 0]);
    one("", "<p style='background: url(a)'>y</p>", "a");
}

#[test]
fn what_is_wrong_in_a_value_is_told_where_it_stands() {
    for (page, column) in [
        ("<p data-x='see https://cdn.example.com/'>y</p>", 16),
        ("<p data-x=https://cdn.example.com/>y</p>", 11),
        ("<p style=\"top: 0; background: url('https://cdn.example.com/a')\">y</p>", 36),
        // Where it is not as it is written, it is the whole of it.
        ("<p data-x='&quot; see https://cdn.example.com/'>y</p>", 12),
        ("<p onclick='x'>y</p>", 4),
    ] {
        let found = refused("", page);
        assert!(
            found.len() == 1 && found[0].starts_with(&format!("assets/results.html:1:{column}: ")),
            "{page}: {found:?}"
        );
    }
}

#[test]
fn a_tag_has_a_hundred_attributes_and_no_more() {
    let page = |number: usize| {
        let all: String = (0..number).map(|at| format!(" data-a{at}=x")).collect();
        refused("", &format!("<p{all}>y</p>"))
    };
    assert_eq!(page(100), [""; 0]);
    assert!(page(101)[0].contains("more than a hundred attributes"));
}

#[test]
fn an_address_without_a_scheme_is_one_where_a_text_begins_with_it() {
    for taken in ["a //x.example", "f('//localhost')", "a//b.example", "('a//x.example')"] {
        assert_eq!(refused("", &format!("<p data-x=\"{taken}\">y</p>")), [""; 0], "{taken}");
    }
    for named in ["f('//x.example')", "f(//x.example)", "a=//x.example", "a `//x.example`"] {
        one("", &format!("<p data-x=\"{named}\">y</p>"), "`https://x.example` is not declared");
    }
    one("load = [\"https://v.example.com\"]", "<img src='https://v.example.com/\\evil'>", "a backslash");
    one("load = [\"https://v.example.com\"]", "<img src='https://v.example.com/\tevil'>", "a tab");
    one("", "<img src='a.png'>", "a.png");
    one("", "<p style=\"background: url(javascript:x)\">y</p>", "javascript:");
}
