//! What a page may hold, and what a client is told of it.

mod attributes;

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use serde_json::json;

use crate::{AssetFiles, Manifest};

const MANIFEST: &str = r#"manifest = 1
[plugin]
name = "docs"
version = "1.0.0"
component = "docs.wasm"
publisher = "example"
summary = "Pages"

[assets]
folder = "assets"

[[tool]]
name = "search"
title = "Search"
description = "Use this to search."
widget = "results"

[[widget]]
name = "results"
title = "Results"
description = "The pages that were found"
asset = "results.html"
"#;

fn manifest(more: &str) -> Manifest {
    Manifest::parse(&format!("{MANIFEST}{more}")).unwrap()
}

/// What is refused in `page`, a line for each.
fn refused(more: &str, page: &str) -> Vec<String> {
    let assets = BTreeMap::from([("results.html".parse().unwrap(), Arc::from(page.as_bytes()))]);
    match manifest(more).check_widgets(&AssetFiles::new(assets).unwrap()) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.as_slice().iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn one(more: &str, page: &str, expected: &str) {
    let found = refused(more, page);
    assert_eq!(found.len(), 1, "{page}: {found:#?}");
    assert!(found[0].contains(expected), "{page}: {}", found[0]);
}

const FINE: &str = r#"<!doctype html>
<!-- A page -->
<html lang="en"><head><meta charset="utf-8"><title>Results &lt; all</title>
<style>li { top: 0; background: url(data:image/png;base64,AAAA) }</style></head>
<body><ul id="list" data-kind='x'></ul><svg viewBox="0 0 1 1"><title>t</title><path d="M0 0"/></svg>
<script>
  // A comment, no address.
  const ns = "http://www.w3.org/2000/svg", rect = list.getBoundingClientRect();
  window.parent.postMessage({ jsonrpc: "2.0", id: 1, method: "ui/initialize" }, "*");
  window.addEventListener("message", (event) => { setTimeout(() => draw(event.data), rect.top.valueOf() / 2) });
  if (1 < 2 && evaluate(3)) { retrieval(4); }
</script></body></html>
"#;

#[test]
fn an_ordinary_page_is_taken() {
    assert_eq!(refused("", FINE), [""; 0]);
    assert_eq!(refused("", include_str!("../../../../plugins/docs/widget/results.html")), [""; 0]);
}

#[test]
fn a_refusal_names_file_line_column_rule_and_what_would_allow_it() {
    let page = FINE.replace("<ul id", "<ul onclick=\"go()\" id");
    let expected = "assets/results.html:5:11: widget.results: `onclick` runs script out of an attribute; write `addEventListener` in a \
                    `<script>`";
    assert_eq!(refused("", &page), [expected]);
    let page = FINE.replace("// A comment", "fetch(\"https://api.example.com/x\"); // A comment");
    let expected = "assets/results.html:7:10: widget.results: `https://api.example.com` is not declared; list it under `connect` \
                    (requests), `load` (script, styles, pictures, fonts), `frame` or `redirect` (links) of the [[widget]], or \
                    take it out";
    assert_eq!(refused("", &page), [expected]);
    assert_eq!(refused("connect = [\"https://api.example.com\"]", &page), [""; 0]);
    assert_eq!(refused("connect = [\"https://*.example.com\"]", &page), [""; 0]);
}

#[test]
fn what_runs_script_out_of_text_is_refused() {
    for (page, expected) in [
        ("<p ONLOAD=x>", "`onload` runs script"),
        ("<a href=\" jAva\tScript:alert(1)\">", "an address of the scheme `javascript:`"),
        ("<a href='java&#115;cript:x'>", "signs such as"),
        ("<a href='javascript&colon;x'>", "signs such as"),
        ("<svg><a xlink:href='javascript:x'></a></svg>", "`javascript:`"),
        ("<iframe src='https://a.example' srcdoc='<p>'></iframe>", "is a frame that is not declared"),
        ("<script>eval ('1')</script>", "`eval` makes script"),
        ("<script>new Function('a')</script>", "`Function` makes script"),
        ("<script>setTimeout( 'x()', 1)</script>", "`setTimeout` makes script"),
        ("<script>setInterval(`x`, 1)</script>", "`setInterval` makes script"),
        ("<script src='main.js'></script>", "`main.js` loads script from elsewhere"),
        ("<script>import('https://a.example/x.js')</script>", "loads script from elsewhere"),
        ("<script type=module>import x from '//a.example/x.js'</script>", "loads script from elsewhere"),
        ("<style>@IMPORT 'x.css'</style>", "`@import` loads styles"),
    ] {
        let found = refused("", page);
        assert!(found.iter().any(|line| line.contains(expected)), "{page}: {found:#?}");
    }
}

#[test]
fn what_leads_elsewhere_is_refused_unless_it_is_declared() {
    for page in [
        "<img src=\"https://cdn.example.com/a.png\">",
        "<img src=//cdn.example.com/a.png>",
        "<link rel=stylesheet href=\"https://cdn.example.com/a.css\">",
        "<p></p><style>p { background: url(https://cdn.example.com/a.png) }</style>",
        "<p></p><style>p { background: url(//cdn.example.com/a.png) }</style>",
        "<p style=\"background: url('https://cdn.example.com/a.png')\">",
        "<p></p><script>const at = 'HTTPS://CDN.example.com/'</script>",
        "<p></p><script>const at = \"wss://cdn.example.com\"</script>",
        "<a href=\"https://cdn.example.com/\">x</a>",
    ] {
        one("", page, "is not declared");
        assert_eq!(refused("load = [\"https://cdn.example.com\"]", page), [""; 0], "{page}");
        one("load = [\"https://a.example.com\"]", page, "is not declared");
    }
    for (page, expected) in [
        ("<img src='http://cdn.example.com/a'>", "whoever is on the way"),
        ("<img src='https://127.0.0.1/a'>", "no origin that a page may reach"),
        ("<img src='https://user@cdn.example.com/a'>", "no origin that a page may reach"),
        ("<p></p><script>const ns = 'http://www.w3.org/2000/svg.evil.example'</script>", "whoever is on the way"),
    ] {
        one("load = [\"https://cdn.example.com\"]", page, expected);
    }
}

#[test]
fn frames_objects_and_what_a_server_says_are_refused() {
    for (page, expected) in [
        ("<iframe src='https://video.example.com/'></iframe>", "frame"),
        ("<object data='a'></object>", "`<object>` is not allowed"),
        ("<EMBED src=a>", "`<embed>` is not allowed"),
        ("<base href='/'>", "`<base>` is not allowed"),
        ("<meta http-equiv=refresh content='0'>", "`http-equiv` is not allowed"),
        ("<form action='/x'>", "`action` is not allowed"),
        ("<a ping='/x'>", "`ping` is not allowed"),
        ("<noscript><p></noscript>", "`<noscript>` is not allowed"),
    ] {
        let found = refused("", page);
        assert!(found.iter().any(|line| line.contains(expected)), "{page}: {found:#?}");
    }
    let frame = "frame = [\"https://video.example.com\"]";
    assert_eq!(refused(frame, "<iframe src='https://video.example.com/'></iframe>"), [""; 0]);
    one(frame, "<iframe></iframe>", "a frame that does not say what it shows");
    one(frame, "<iframe src='https://other.example.com/'></iframe>", "is a frame that is not declared");
    one(
        "load = [\"https://video.example.com\"]",
        "<iframe src='https://video.example.com/'></iframe>",
        "under `frame`",
    );
}

#[test]
fn what_is_not_the_pages_is_refused_and_connections_need_an_origin() {
    for word in [
        "navigator.geolocation.watchPosition(f)",
        "navigator.mediaDevices.enumerateDevices()",
        "navigator.clipboard.readText()",
        "window.parent.document.body",
        "parent.document",
        ";top.close()",
        "window.top.postMessage(1)",
        "navigator.serviceWorker.register('a')",
        "document.cookie = 'a'",
        "localStorage.a = 1",
        "indexedDB.open('a')",
        "new RTCPeerConnection()",
    ] {
        let page = format!("<p></p><script>{word}</script>");
        let found = refused("connect = [\"https://a.example.com\"]", &page);
        assert_eq!(found.len(), 1, "{word}: {found:#?}");
        assert!(found[0].contains("no key of a manifest allows it"), "{}", found[0]);
    }
    one("", "<p></p><script>new WebSocket(at)</script>", "list the origin under `connect`");
    assert_eq!(refused("connect = [\"https://a.example.com\"]", "<p></p><script>new WebSocket(at)</script>"), [""; 0]);
}

#[test]
fn what_readers_could_read_in_two_ways_is_refused() {
    for page in [
        "<!--> <p> -->",
        "<!-- a --!> <p onload=x> -->",
        "<!-- no end",
        "<![CDATA[ x ]]>",
        "<?php ?>",
        "<p title=\"no end>",
        "<p title=a\"b>",
        "<p a=1 a=2>",
        "<p \"x\">",
        "<script>no end",
        "<script>x = '<!--<script>'</script>",
        "<style>p { content: '</styl' }</style>",
        "<svg><style><img onload=x></style></svg>",
        "<svg><script>x</script></svg>",
        "</p onload=x>",
        "<p",
        "a\0b",
        "<p 1a=x></p>",
        "<p a@=x></p>",
        "<p></p x>",
        "<p>x</p><br/title='x'>",
        "<script>a</scriptx>",
        "<script>a</script/>",
        "<!doctypehtml><p>x</p>",
        "<!doctype xml><p>x</p>",
        "<!doctype html x><p>x</p>",
        "<!doctype html",
    ] {
        let found = refused("", page);
        assert!(found.iter().any(|line| line.contains("do not all read alike")), "{page}: {found:#?}");
    }
}

/// Fails without the stack of open elements (nest.rs), and without the rule that what may be text or not holds no `<`. All of them
/// ran script in a browser, or could.
#[test]
fn what_a_browser_reads_as_another_element_than_it_seems_is_refused() {
    let image = "<img src=data:image/x, onerror=go()>";
    for around in [
        "<math></svg><title>{}</title></math>",
        "<math></svg><script>{}</script></math>",
        "<math><title>{}</title></math>",
        "<svg></math><title>{}</title></svg>",
        "<svg><desc><title><!-- </title>{}--></desc></svg>",
        "<svg><title><!-- </title>{}--></svg>",
        "<svg><desc><style>{}</style></desc></svg>",
        "<svg><foreignObject><script>{}</script></foreignObject></svg>",
        "<svg><p><title>{}</title></p></svg>",
        "<svg><font color=x><title>{}</title></font></svg>",
        "<svg><title/><title>{}</title></svg>",
        "<svg></p><style>{}</style></svg>",
        "<svg></br><style>{}</style></svg>",
        "<svg><![CDATA[<title>]]>{}</title></svg>",
        "<svg/><![CDATA[ > {} ]]>",
        "<math><mi><title>{}</title></mi></math>",
        "<math><annotation-xml encoding=text/html><title>{}</title></annotation-xml></math>",
        "<select><title></select>{}</title>",
        "<select><style></select>{}</style>",
        "<select><textarea></select>{}</textarea>",
        "<select><svg><script></select>{}</script></svg></select>",
        "<select><iframe src=https://a.example><!--</iframe></select>{}--></select>",
        "<template><col><title></template>{}</title></template>",
        "<template><col><script></template>{}</script></template>",
        "<template><colgroup><script></template>{}</script></colgroup></template>",
        "<frameset><title></frameset>{}</title>",
        "<iframe src=https://a.example><!-- </iframe>{} --></iframe>",
        "<title><!-- </title>{} --></title>",
        "<title/><!-- </title>{} -->",
        "<textarea><p title='</textarea>{}'></textarea>",
        "<style><!-- </style>{} --></style>",
        "<xmp><!-- </xmp>{} --></xmp>",
        "<noembed><!-- </noembed>{} --></noembed>",
        "<noframes><!-- </noframes>{} --></noframes>",
        "<noscript><!-- </noscript>{} --></noscript>",
        "<plaintext><!-- {} -->",
        "<script><!-- <script> </script> --></script>{}",
        "<!--> {} -->",
        "<!---> {} -->",
        "<!-- --!> {} -->",
        "<!-- <!-- --> {} -->",
        "<! {} >",
        "<!doctype html><!doctype x '>{}'>",
        "<? {} >",
        "</ {} >",
        "</p title='>{}'>",
        "<p/title='{}'></p>",
        "<p =title='{}'></p>",
        "<p title=a'b title='{}'></p>",
        "<p title=\0 {}></p>",
        "<a<b title='{}'></b></a>",
        "<form><form title=></form>{}</form>",
    ] {
        for inside in [image, "<meta http-equiv=refresh content='0;url=https://evil.example/'>"] {
            let page = around.replace("{}", inside);
            assert_ne!(refused("frame = [\"https://a.example\"]", &page), [""; 0], "{page}");
        }
    }
}

/// Fails without the rules of nest.rs, one by one: nothing else is wrong with these.
#[test]
fn what_is_not_plainly_nested_is_refused() {
    for (page, expected) in [
        ("<div><span></div></span>", "a closing tag is not that"),
        ("<div>", "an element does not end"),
        ("</div>", "a closing tag is not that"),
        ("<br></br>", "a closing tag is not that"),
        ("<div/>", "closes itself"),
        ("<math></math>", "a formula"),
        ("<select><b></b></select>", "something else than choices"),
        ("<template><col></template>", "columns stand in"),
        ("<image></image>", "`<image>` stands outside"),
        ("<svg><b></b></svg>", "not drawn"),
        ("<svg><g></svg></g>", "a closing tag is not that"),
        ("<svg><desc><g></g></desc></svg>", "holds `<`"),
        ("<svg><foreignObject></foreignObject></svg>", "not drawn"),
        ("<title>a < b</title>", "holds `<`"),
        ("<textarea><b></textarea>", "holds `<`"),
        ("a < b<p>", "`<` begins no tag"),
        ("<p><!doctype html>", "neither a comment nor the page's doctype"),
        ("<!doctype html public 'x'><p>", "neither a comment nor the page's doctype"),
        ("\u{feff}<p>", "byte order mark"),
        ("<p \u{e9}=x>", "the name of an attribute"),
        ("<p @click=x>", "the name of an attribute"),
        ("<p\u{e9}>", "the name of an element"),
    ] {
        one("", page, expected);
    }
    one("", &format!("{}{}", "<b>".repeat(257), "</b>".repeat(257)), "deeper than 256");
    for page in [
        "<ul><li>a<li>b</ul><p>c<table><colgroup><col></colgroup><tr><td>d<td>e</table>",
        "<select><optgroup label=a><option>b<option>c</select>",
        "<svg viewBox='0 0 1 1'><defs><linearGradient id=a><stop offset=0 /></linearGradient></defs><path d=M0 fill=url(#a) />\
         <use href='#b'/><animateTransform attributeName=transform values='0;360'/><text>x<tspan>y</tspan></text></svg>",
        "<template id=a><p>b</template><textarea>c &lt; d</textarea><input value='e'><br/><my-part></my-part>",
        "<b b=1></b >",
        "<svg></svg><p>x</p><b></b><template><p>x</template><table><col></table>",
        "<p title='a &eacute; b' style='font: &quot;x&quot;' data-x='&amp;'>",
    ] {
        assert_eq!(refused("", page), [""; 0], "{page}");
    }
}

/// Fails without `Declared::address` and css.rs: browsers read all of these as addresses of another server, or as script.
#[test]
fn an_address_is_plain_or_it_is_refused() {
    let elsewhere = [
        "/\\evil.example/x",
        "https:evil.example/x",
        "https:/evil.example",
        "https:\\\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "//evil",
        "//evil.example",
        "ht\ntps://evil.example",
        "https:///evil.example",
        "http://evil.example",
        "https://cdn.example.com@evil.example",
        "https://cdn.example.com!.evil.example",
        "https://cdn.example.com\\@evil.example",
        "ftp://evil.example",
        "blob:https://evil.example/x",
        "filesystem:x",
        "x.png",
        "/x.png",
        "https://",
        " \u{1}https://evil.example",
        "https&colon;//evil.example",
        "https:&sol;/evil.example",
        "&#x2f/evil.example",
        "/&Tab;/evil.example",
        "java&NewLine;script:x",
        "&#106;avascript:x",
        "data:text/html,x",
        "data:,x",
        "https://connect.example.com",
    ];
    let more = "load = [\"https://cdn.example.com\"]\nconnect = [\"https://connect.example.com\"]";
    for address in elsewhere {
        for page in [
            format!("<img src=\"{address}\">"),
            format!("<link rel=stylesheet href=\"{address}\">"),
            format!("<video poster=\"{address}\"></video>"),
            format!("<svg><image xlink:href=\"{address}\"/></svg>"),
            format!("<img srcset=\"{address} 1x\">"),
            format!("<p style=\"background: url('{address}')\"></p>"),
            format!("<p></p><style>p {{ background: url('{address}') }}</style>"),
        ] {
            assert_ne!(refused(more, &page), [""; 0], "{page}");
        }
        if address != "https://connect.example.com" {
            let page = format!("<a href=\"{address}\">x</a>");
            assert_ne!(refused(more, &page), [""; 0], "{page}");
        }
    }
    for page in [
        "<p></p><style>@\\69mport 'x';</style>",
        "<p></p><style>p { background: url(https:\\2f\\2f evil.example/a.png) }</style>",
        "<p></p><style>p { background: url('https:\\2f\\2f evil.example/a.png') }</style>",
        "<p></p><style>p { background: \\75rl(//evil) }</style>",
        "<p></p><style>p { background: \\url(//evil) }</style>",
        "<p></p><style>p { background: image-set('https:evil.example/a' 1x) }</style>",
        "<p></p><style>p { background: image-set('\\68ttps:evil.example/a' 1x) }</style>",
        "<p></p><style>p { background: image-set('\\2f/evil' 1x) }</style>",
        "<p></p><style>p { background: URL( //evil ) }</style>",
        "<p></p><style>/* ' */ p { background: url(//evil) } /* ' */</style>",
        "<p></p><style>p { content: '/*'; background: url(//evil); content: '*/' }</style>",
        "<p></p><style>p { content: '\n'; background: url(//evil) }</style>",
        "<p></p><style>/* no end</style>",
        "<p style=\"background: url(&quot;//evil&quot;)\"></p>",
        "<svg><path fill=\"url(//evil#a)\"/></svg>",
        "<svg><path filter=\"u\\72l(//evil#a)\"/></svg>",
        "<svg><use href='data:image/svg+xml,x#y'/></svg>",
        "<svg><use href='https://cdn.example.com/x#y'/></svg>",
        "<svg><a><animate attributeName=href values='a;javascript:x'/></a></svg>",
        "<svg><a><set attributeName=xlink:href to='https://evil.example'/></a></svg>",
        "<svg><set attributeName=onload to='x'/></svg>",
        "<svg><set attributeName='&#104;ref' to='x'/></svg>",
        "<svg xml:base='https://cdn.example.com/'></svg>",
        "<img srcset='https://cdn.example.com/a 1x,//evil 2x'>",
        "<img srcset=',//evil 2x'>",
        "<link rel=modulepreload href='https://cdn.example.com/x.js'>",
        "<link rel=preload as=script href='https://cdn.example.com/x.js'>",
        "<link rel='stylesheet dns-prefetch' href='https://cdn.example.com/'>",
        "<link rel=prefetch href='https://cdn.example.com/'>",
        "<link rel=&#x6d;odulepreload href='https://cdn.example.com/x.js'>",
        "<p></p><script type=importmap>{\"imports\":{\"x\":\"https://cdn.example.com/x.js\"}}</script>",
        "<p></p><script type=speculationrules>{}</script>",
        "<p></p><script type='&#x69;mportmap'>{}</script>",
        "<p></p><script>fetch('https:\\/\\/evil.example')</script>",
        "<p></p><script>fetch('https:evil.example')</script>",
        "<meta charset=iso-2022-jp>",
        "<img src=data:image/png, attributionsrc=https://cdn.example.com>",
    ] {
        assert_ne!(refused(more, page), [""; 0], "{page}");
    }
    for page in [
        "<img src=' https://cdn.example.com/a b?c=1&amp;d=2#e '>",
        "<img src=data:image/png;base64,AA//AA srcset='https://cdn.example.com/a 1x, https://cdn.example.com/b 2x'>",
        "<a href='mailto:a@b.example'>a</a><a href='#b'>b</a><a href='https://connect.example.com/'>c</a>",
        "<link rel='preload' as=font href='https://cdn.example.com/x.woff2' crossorigin>",
        "<link rel=icon href='data:image/svg+xml,x'>",
        "<p></p><style>.sm\\:flex, .w-1\\/2, .\\32xl { color: red } p { content: '\\201C\\f101' } /* https://a.example */</style>",
        "<p></p><style>@font-face { src: url(data:font/woff2;base64,AA//AA) format('woff2'), url('#a') }</style>",
    ] {
        assert_eq!(refused(more, page), [""; 0], "{page}");
    }
}

#[test]
fn what_names_an_address_and_opens_none_is_taken() {
    for script in [
        "/*! @license MIT https://github.com/a/b */ go()",
        "// see https://a.example and localStorage, not eval()\ngo()",
        "go(a / b, c) // 'https://a.example\n",
        "const p = /[/*]'/, q = 1 // https://a.example/ */\n",
        "if (a) /'/.test(b); (a) / 2 // https://a.example\n",
        "const t = `a ${b({})} '` /* https://a.example */",
        "throw Error('Minified error; visit https://react.dev/errors/' + n)",
        "const s = { $schema: 'http://json-schema.org/draft-07/schema#' }",
        "const s = 'https://json-schema.org/draft/2020-12/schema'",
        "fetch(`https://${host}/`)",
        "if (a) { top.x = 1; (top.y) }",
        "typeof XMLHttpRequest",
        "const p = /^https?:\\/\\//i, q = url.protocol === 'https:'",
    ] {
        let page = format!("<p></p><script>{script}</script>");
        assert_eq!(refused("", &page), [""; 0], "{page}");
    }
    for script in [
        "const s = '/*', t = 'https://a.example' + '*/'",
        "const s = `/*`, t = 'https://a.example' + `*/`",
        "const p = /[/*]/, t = 'https://a.example' // */\n",
        "if (a) /[/*]/.test('https://a.example') // */\n",
        "const t = `${ `/*` }`, u = 'https://a.example' /* */",
        "const t = 'https://react.dev/errors/../x', u = 'https://react.dev.a.example/errors/'",
        "x = {} /* https://b.example */; y = z } / 2 /* https://a.example */",
        "const t = 'https://json-schema.org/draft/2020-12/schema.a'",
    ] {
        let page = format!("<p></p><script>{script}</script>");
        assert_ne!(refused("", &page), [""; 0], "{page}");
    }
    // To open one of these is another thing.
    one("", "<img src='https://react.dev/errors/'>", "is not declared");
}

#[test]
fn a_page_that_shows_nothing_is_refused() {
    for page in ["", " ", "plain text", "<!doctype html><!-- a -->"] {
        one("", page, "has no element");
    }
    assert_eq!(refused("", "<script>go()</script>"), [""; 0], "a script may write what is shown");
}

#[test]
fn a_page_that_is_no_text_or_too_long_is_refused() {
    let assets =
        |bytes: &[u8]| AssetFiles::new(BTreeMap::from([("results.html".parse().unwrap(), Arc::from(bytes))])).unwrap();
    let refused = |bytes: &[u8]| manifest("").check_widgets(&assets(bytes)).unwrap_err().to_string();
    assert!(refused(b"<p>\xff").contains("is not UTF-8 text"));
    assert!(refused(&vec![b'a'; (2 << 20) + 1]).contains("at most 2097152 are read"));
    let page = |length: usize| {
        let mut page = b"<p>x</p>".to_vec();
        page.resize(length, b' ');
        manifest("").check_widgets(&assets(&page)).is_ok()
    };
    assert!(page(2 << 20) && !page((2 << 20) + 1));
}

#[test]
fn mistakes_beyond_a_hundred_on_each_page_are_counted() {
    let second = MANIFEST[MANIFEST.find("[[widget]]").unwrap()..].replace("results", "second");
    let page: Arc<[u8]> = Arc::from("<p onclick='x'>y</p>".repeat(150).as_bytes());
    let assets = ["results.html", "second.html"].map(|name| (name.parse().unwrap(), Arc::clone(&page)));
    let errors = manifest(&second).check_widgets(&AssetFiles::new(assets.into()).unwrap()).unwrap_err();
    assert_eq!((errors.as_slice().len(), errors.left_off()), (100, 200));
}

#[test]
fn what_is_wrong_in_a_style_is_told_where_it_stands() {
    let told = refused("", "<p>x</p>\n<style>p { top: 0 }\np { background: url('https://x.example/a') }</style>");
    assert!(told.len() == 1 && told[0].starts_with("assets/results.html:3:22: "), "{told:?}");
}

#[test]
fn what_a_client_is_told_is_what_the_manifest_says_and_nothing_else() {
    let plain = manifest("");
    let expected = json!({
        "ui": { "csp": { "connectDomains": [], "resourceDomains": [] } },
        "openai/widgetDescription": "The pages that were found",
        "openai/widgetCSP": { "connect_domains": [], "resource_domains": [] },
    });
    assert_eq!(plain.widgets[0].meta(), expected);
    assert_eq!(
        plain.widgets[0].content_security_policy(),
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self'; media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'self'"
    );
    assert_eq!(plain.widgets[0].uri(&plain.plugin.name), "ui://docs/results.html");
    let more = "version = 3\nconnect = [\"https://api.example.com\"]\nload = [\"https://*.example.com\"]\n\
                frame = [\"https://video.example.com\"]\nredirect = [\"https://shop.example.com\"]\nborder = false\n\
                domain = \"https://docs.example.com\"";
    let all = manifest(more);
    let expected = json!({
        "ui": {
            "csp": {
                "connectDomains": ["https://api.example.com"], "resourceDomains": ["https://*.example.com"],
                "frameDomains": ["https://video.example.com"],
            },
            "domain": "https://docs.example.com", "prefersBorder": false,
        },
        "openai/widgetDescription": "The pages that were found",
        "openai/widgetPrefersBorder": false,
        "openai/widgetDomain": "https://docs.example.com",
        "openai/widgetCSP": {
            "connect_domains": ["https://api.example.com"], "resource_domains": ["https://*.example.com"],
            "frame_domains": ["https://video.example.com"], "redirect_domains": ["https://shop.example.com"],
        },
    });
    assert_eq!(all.widgets[0].meta(), expected);
    let policy = all.widgets[0].content_security_policy();
    for part in [
        "script-src 'self' 'unsafe-inline' https://*.example.com;",
        "connect-src https://api.example.com;",
        "frame-src https://video.example.com;",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert_eq!(all.widgets[0].uri(&all.plugin.name), "ui://docs/results-v3.html");
    assert_eq!(all.widgets[0].place(&all.plugin.name).matches("ui://docs/results-v3.html"), Some(BTreeMap::new()));
}

/// Pieces out of which hostile pages are made.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<script>"),
        Just("</script>"),
        Just("<style"),
        Just(">"),
        Just("</"),
        Just("<!--"),
        Just("-->"),
        Just("="),
        Just("\""),
        Just("'"),
        Just(" on"),
        Just("src="),
        Just("https://"),
        Just("//"),
        Just("é日"),
        Just("<svg>"),
        Just("top."),
        Just("eval"),
        Just("("),
        Just("&#"),
        Just(" "),
        Just("import"),
        Just("a.b"),
        Just("@[:"),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_page_stops_the_check(page in prop_oneof![soup(), "\\PC{0,80}", any::<String>()]) {
        refused("", &page);
    }

    /// Whatever stands around it.
    #[test]
    fn a_handler_in_a_tag_of_its_own_is_found_in_any_text(before in "[a-z &;.!]{0,40}", after in "[a-z <>/]{0,40}") {
        let page = format!("{before}<img src=x onerror=go()>{after}");
        prop_assert!(refused("", &page).iter().any(|line| line.contains("`onerror`")), "{}", page);
    }
}

/// Time would differ from machine to machine; so what is counted is how often the longest pages are looked at: they all end
/// within the test's own time only if each byte is looked at a fixed number of times.
#[test]
fn the_longest_hostile_pages_are_read_to_the_end() {
    for piece in
        ["<script>", "</", "<p a=", "https://a.b", "//", "<!--", "top.", "import", "eval(", "&", "<svg>", "\"", "<a b "]
    {
        let page = piece.repeat((2 << 20) / piece.len());
        refused("", &page);
    }
}
