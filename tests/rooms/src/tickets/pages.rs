//! Pages for plugins/web, and one that says what it was asked. None of them wants a token.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde_json::json;

use super::{Heard, said};

const PAGE: &str = r#"<!doctype html><html><head><title>The house &amp; its lift</title>
<script>document.write("never shown")</script><style>p { color: red }</style></head>
<body><h1>House rules</h1><p>The lift carries <b>four</b> people. See <a href="/data.json">the numbers</a>
or <a href="https://example.com/more">more</a>.</p><ul><li>No smoking</li><li>No ball games</li></ul></body></html>"#;

/// What tag soup, comments without an end and a script that looks like text make of a page.
const SOUP: &str = "<title>Soup</title><p>before<script>if (a < b) '</p>never shown'</script><b><i>mixed</b></i>\
    <div onclick=\"x>y\" title='>'>quoted</div>&#x41;&#66;&bogus;&#0;&#xd800;<a href='javascript:alert(1)'>press</a>\
    <style>never shown</style><!-- never shown --><svg><script>never shown</script></svg><p>after<!-- never shown";

pub(super) fn page(heard: &Heard) -> Option<Response<Full<Bytes>>> {
    let html = |text: &'static str| said(StatusCode::OK, "text/html; charset=utf-8", text);
    let to = |target: &'static str| {
        let mut response = said(StatusCode::FOUND, "text/plain", "elsewhere");
        response.headers_mut().insert("location", hyper::header::HeaderValue::from_static(target));
        response
    };
    let path = heard.path.split('?').next().unwrap_or_default();
    Some(match path {
        "/page" => html(PAGE),
        "/soup" => html(SOUP),
        "/text" => said(StatusCode::OK, "text/plain; charset=utf-8", "plain <b>text</b>\n"),
        "/picture" => said(StatusCode::OK, "image/png", &b"\x89PNG\r\n\x1a\n"[..]),
        "/data.json" => {
            let numbers = json!({ "lift": { "people": 4, "floors": [1, 2, 3] } });
            said(StatusCode::OK, "application/json", numbers.to_string())
        }
        "/moved" => to("/page"),
        "/away" => to("https://elsewhere.test:8443/page"),
        "/round" => to("/round"),
        // Every header comes back in the body and in a header of its own.
        "/echo" => {
            let headers: Vec<_> = heard.headers.iter().map(|(name, value)| json!([name, value])).collect();
            let mut response = said(StatusCode::OK, "application/json", json!({ "headers": headers }).to_string());
            for (name, value) in &heard.headers {
                let name = hyper::header::HeaderName::try_from(format!("x-echo-{name}"));
                if let (Ok(name), Ok(value)) = (name, hyper::header::HeaderValue::try_from(value.as_str())) {
                    response.headers_mut().append(name, value);
                }
            }
            response
        }
        _ => return None,
    })
}
