//! Templates: what is taken, and that reading undoes writing.

use proptest::{collection, prelude::*, sample};

use super::*;

fn template(text: &str) -> UriTemplate {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn values(values: &[(&str, &str)]) -> Variables {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn uris_are_read_and_written_as_rfc_6570_says() {
    for (text, given, uri) in [
        ("docs://pages/{+path}", values(&[("path", "a/b c.md")]), "docs://pages/a/b%20c.md"),
        ("docs://pages/{id}", values(&[("id", "ä?&b")]), "docs://pages/%C3%A4%3F%26b"),
        ("test://template/{id}/data", values(&[("id", "123")]), "test://template/123/data"),
        ("a:{x}?q={y}", values(&[("x", "1"), ("y", "2")]), "a:1?q=2"),
        ("a://{x}/{+y}/end/{z}", values(&[("x", "1"), ("y", "2/3"), ("z", "4")]), "a://1/2/3/end/4"),
        ("a://{+y}.json", values(&[("y", "b.json")]), "a://b.json.json"),
        ("a://exact/%41", values(&[]), "a://exact/%41"),
    ] {
        let template = template(text);
        assert_eq!(template.expand(&given).as_deref(), Some(uri), "{text}");
        assert_eq!(template.matches(uri), Some(given), "{text}");
        assert_eq!(template.is_exact(), !text.contains('{'), "{text}");
    }
    // What need not be written with percent signs, and is.
    assert_eq!(template("a://{x}").matches("a://%61%2d"), Some(values(&[("x", "a-")])));
    assert_eq!(template("a://{+x}").matches("a://b%2Fc"), Some(values(&[("x", "b/c")])));
    assert_eq!(template("a://b/{x}").prefix(), "a://b/");
}

#[test]
fn no_value_leads_out_of_where_it_stands() {
    for uri in [
        "a://",
        "a://..",
        "a://.",
        "a://%2e%2e",
        "a://%2E%2E/b",
        "a://b/..",
        "a://b/../c",
        "a://b/%2e./c",
        "a:///b",
        "a://%2Fb",
        "a://b%5Cc",
        "a://b%00",
        "a://b%0Ac",
        "a://b%E2%80%AEc",
        "a://b%ff",
        "a://b%4",
        "a://b%zz",
        "a://b c",
        "a://bé",
        "a://b\\c",
        "b://c",
    ] {
        assert_eq!(template("a://{+x}").matches(uri), None, "{uri}");
        assert_eq!(template("a://{x}").matches(uri), None, "{uri}");
    }
    assert_eq!(template("a://{x}").matches("a://b%2Fc"), None, "a simple one holds no slash, however it is written");
    assert_eq!(template("a://{x}").matches("a://b/c"), None);
    assert_eq!(template("a://{+x}").matches(&format!("a://{}", "b".repeat(MAX_URI))), None);
    for value in ["", ".", "..", "a/..", "/a", "a\\b", "a\nb", "a\u{202e}b"] {
        assert_eq!(template("a://{+x}").expand(&values(&[("x", value)])), None, "{value:?}");
    }
    assert_eq!(template("a://{x}").expand(&values(&[])), None);
}

#[test]
fn what_could_be_read_in_two_ways_is_no_template() {
    for (text, expected) in [
        ("", "it has 0 bytes; write 1 to 256"),
        ("pages/{x}", "does not begin with a scheme"),
        ("{x}://a", "does not begin with a scheme"),
        ("Docs://a", "does not begin with a scheme"),
        ("a:", "does not begin with a scheme"),
        ("1a://b", "does not begin with a scheme"),
        ("aB://b", "does not begin with a scheme"),
        ("http://a/{x}", "the scheme `http` is not for resources of plugins"),
        ("https://a", "the scheme `https`"),
        ("file:///etc/passwd", "the scheme `file`"),
        ("data:text/html,x", "the scheme `data`"),
        ("javascript:alert(1)", "the scheme `javascript`"),
        ("blob:x", "the scheme `blob`"),
        ("about:blank", "the scheme `about`"),
        ("ws://a", "the scheme `ws`"),
        ("wss://a", "the scheme `wss`"),
        ("ui://docs/a.html", "write a [[widget]]"),
        ("a://b c", "it holds ` `"),
        ("a://é", "it holds `é`"),
        ("a://%4", "before two hexadecimal digits"),
        ("a://b/../{x}", "a part that is `.` or `..`"),
        ("a://{x", "a brace has no partner"),
        ("a://x}", "a brace has no partner"),
        ("a://{}", "is no variable"),
        ("a://{?q}", "`{?q}` is no variable"),
        ("a://{a,b}", "is no variable"),
        ("a://{a*}", "is no variable"),
        ("a://{a:3}", "is no variable"),
        ("a://{x}{y}", "stand side by side"),
        ("a://{x}/{x}", "stands in it twice"),
        ("a://{+x}/{+y}", "may both hold slashes"),
        ("a://{x}.json", "what stands after `{x}`"),
        ("a://{x}-{y}", "what stands after `{x}`"),
        ("a://{+x}/v{y}", "what stands before `{y}`"),
        ("a://{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "at most 8"),
    ] {
        let refused = text.parse::<UriTemplate>().map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains(expected), "{text}: {refused}");
    }
}

#[test]
fn assets_have_names_that_are_paths_of_no_machine() {
    for name in ["a", "pages/first page.md", "日本/x.html", "a..b/c", "a-"] {
        assert_eq!(name.parse::<AssetName>().unwrap().as_str(), name);
    }
    let long = "a".repeat(256);
    for name in [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        ".git/x",
        "a/.x",
        "a\\b",
        "c:x",
        "a\0",
        "a\nb",
        "a\u{202e}",
        "{a}",
        &long,
    ] {
        assert!(name.parse::<AssetName>().is_err(), "{name:?}");
    }
}

#[test]
fn an_asset_depends_on_the_variable_of_the_uri_and_on_nothing_else() {
    let asset = |text: &str| text.parse::<AssetPattern>();
    let pages = asset("pages/{+path}.md").unwrap();
    assert_eq!(pages.matches(&"pages/a/b.md".parse().unwrap()), Some(values(&[("path", "a/b")])));
    assert_eq!(pages.matches(&"pages/.md".parse::<AssetName>().unwrap_or_else(|_| "pages/x".parse().unwrap())), None);
    assert_eq!(pages.matches(&"other/a.md".parse().unwrap()), None);
    assert_eq!(pages.expand(&values(&[("path", "a/b")])).as_deref(), Some("pages/a/b.md"));
    assert_eq!(pages.expand(&values(&[("path", "../b")])), None);
    assert_eq!(asset("{id}.json").unwrap().matches(&"a/b.json".parse().unwrap()), None, "a simple one holds no slash");
    assert_eq!(asset("a.md").unwrap().exact(), Some("a.md"));
    for (text, expected) in [
        ("../{+path}", "named relative to the folder"),
        ("/{+path}", "named relative to the folder"),
        ("{a}/{b}", "may depend on one variable"),
        ("{a", "a brace has no partner"),
    ] {
        let refused = asset(text).unwrap_err().to_string();
        assert!(refused.contains(expected), "{text}: {refused}");
    }
    let fits =
        |text: &str, uri: &str| asset(text).unwrap().check_uri(&template(uri)).map_err(|error| error.to_string());
    assert_eq!(fits("{+path}", "a://{+path}"), Ok(()));
    assert_eq!(fits("a", "a://b"), Ok(()));
    let refused = fits("{path}", "a://{+path}").unwrap_err();
    assert_eq!(
        refused,
        "the URI has `{+path}` and the asset has `{path}`; write the same variable in both, in the same way"
    );
    assert_eq!(
        fits("a", "a://{b}").unwrap_err(),
        "the URI has `{b}` and the asset has no variable; write the same variable in both, in the same way"
    );
}

#[test]
fn lengths_and_numbers_are_taken_up_to_their_bounds() {
    assert!(format!("a://{}", "b".repeat(252)).parse::<UriTemplate>().is_ok());
    for over in [1, 2] {
        let long = format!("a://{}", "b".repeat(252 + over)).parse::<UriTemplate>().unwrap_err().to_string();
        assert!(long.contains(&format!("it has {} bytes", 256 + over)), "{long}");
    }
    assert!("a://{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}".parse::<UriTemplate>().is_ok());
    let two = template("a://{x}/{y}/");
    let uri = |more: usize| format!("a://{}/{}/", "b".repeat(1024), "c".repeat(1018 + more));
    assert!(two.matches(&uri(0)).is_some() && uri(0).len() == MAX_URI);
    let filled = |more: usize| two.expand(&values(&[("x", &"b".repeat(1024)), ("y", &"c".repeat(1018 + more))]));
    assert_eq!(filled(0), Some(uri(0)));
    for over in [1, 2] {
        assert_eq!((two.matches(&uri(over)), filled(over)), (None, None));
    }
    assert!(template("a://{x}").matches(&format!("a://{}", "b".repeat(1025))).is_none());
    // Bytes count, not characters.
    let name = |name: &str| name.parse::<AssetName>();
    assert!(name(&"a".repeat(255)).is_ok() && name(&format!("{}a", "é".repeat(127))).is_ok());
    assert_eq!(name(&"é".repeat(128)), Err(InvalidAsset::Length(256)));
    assert_eq!(name(&"a".repeat(257)), Err(InvalidAsset::Length(257)));
    assert_eq!(name(""), Err(InvalidAsset::Length(0)));
}

#[test]
fn each_is_written_as_it_was_read() {
    assert_eq!(template("a://{x}").to_string(), "a://{x}");
    assert_eq!("p/{+x}.md".parse::<AssetPattern>().unwrap().to_string(), "p/{+x}.md");
    let name: AssetName = "p/é.md".parse().unwrap();
    assert_eq!((name.to_string(), String::from(name)), ("p/é.md".to_owned(), "p/é.md".to_owned()));
}

/// Templates that are valid by construction, with values for them.
fn filled() -> impl Strategy<Value = (UriTemplate, Variables)> {
    let simple = "[a-zA-Z0-9 %?&=+.~é日-]{0,6}[a-z%]";
    let piece = (sample::select(vec!["/", "/x/", "?q=", "/a%41/", ":"]), simple);
    let pieces = || collection::vec(piece.clone(), 0..4);
    let path = "[a-z%é ][a-zA-Z0-9 %?&=+.~é:-]{0,4}(/[a-z%][a-z.%]{0,4}[a-z]){0,3}";
    (pieces(), proptest::option::of(path), pieces()).prop_map(|(left, path, right)| {
        let (mut text, mut values) = ("test://".to_owned(), Variables::new());
        let simple = |text: &mut String, values: &mut Variables, (before, value): (&str, String), name: String| {
            *text += &format!("{before}{{{name}}}");
            values.insert(name, value);
        };
        for (at, piece) in left.into_iter().enumerate() {
            simple(&mut text, &mut values, piece, format!("l{at}"));
        }
        if let Some(path) = path {
            text += "/p/{+path}";
            values.insert("path".to_owned(), path);
            for (at, piece) in right.into_iter().enumerate() {
                simple(&mut text, &mut values, piece, format!("r{at}"));
            }
        }
        (template(&text), values)
    })
}

proptest! {
    #[test]
    fn reading_undoes_writing((template, values) in filled()) {
        let uri = template.expand(&values);
        prop_assume!(uri.is_some());
        let uri = uri.unwrap();
        prop_assert!(uri.is_ascii());
        prop_assert_eq!(template.matches(&uri), Some(values), "{} as {}", uri, template);
    }

    #[test]
    fn whatever_is_read_could_be_written(text in "(docs|%2[eEfF]|%5[cC]|[a-z]|\\.\\.|/|%|é|:){0,12}") {
        for shape in ["docs://{+x}", "docs://{x}", "docs://{a}/{+x}", "docs://{+x}/{b}"] {
            let template = template(shape);
            if let Some(values) = template.matches(&format!("docs://{text}")) {
                for value in values.values() {
                    prop_assert!(value.split('/').all(|part| part != ".."), "{}", value);
                    prop_assert!(!value.contains('\\') && !value.starts_with('/'), "{}", value);
                }
                let written = template.expand(&values);
                prop_assert!(written.is_some());
                prop_assert_eq!(template.matches(&written.unwrap()), Some(values));
            }
        }
    }

    #[test]
    fn no_text_stops_the_reader(text in any::<String>(), uri in any::<String>()) {
        if let Ok(template) = text.parse::<UriTemplate>() {
            let _ = template.matches(&uri);
        }
        let _ = text.parse::<AssetName>();
        let _ = text.parse::<AssetPattern>();
    }
}
