//! A server that has heard a secret and gives it back, in every way that servers by mistake do, and in some that only an
//! attacker's does.

use base64::{Engine as _, engine::general_purpose};

/// Every path that gives back what was heard, in a way in which the host finds it.
pub(crate) const ECHOES: [&str; 24] = [
    "/body",
    "/error",
    "/json",
    "/json-twice",
    "/unicode",
    "/html",
    "/percent",
    "/base64",
    "/base64url",
    "/base64-inside",
    "/hex",
    "/hex-capitals",
    "/many",
    "/header",
    "/headers",
    "/header-base64",
    "/header-name",
    "/reason",
    "/cookie",
    "/early",
    "/chunks",
    "/extensions",
    "/trailer",
    "/far",
];

/// Paths whose answers may not be taken at all.
pub(crate) const REFUSED: [&str; 5] = ["/compressed", "/part", "/redirect", "/redirect-away", "/redirect-clear"];

/// What the guest is to look for: the token in each form in which it could find it.
pub(crate) fn forms(token: &str) -> Vec<String> {
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut forms =
        vec![token.to_owned(), hex(token), hex(token).to_uppercase(), token.bytes().rev().map(char::from).collect()];
    for shift in 0..3 {
        let text = general_purpose::STANDARD_NO_PAD.encode(format!("{}{token}", &"xx"[..shift]));
        // What depends on its neighbours is cut off.
        forms.push(text[(shift * 4).div_ceil(3)..text.len() - 2].to_owned());
    }
    forms.push(token.bytes().map(|byte| format!("%{byte:02X}")).collect());
    forms.push(token.bytes().map(|byte| format!("\\u{byte:04x}")).collect());
    forms
}

fn plain(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// The last segment of a path.
fn number(path: &str) -> usize {
    path.rsplit('/').next().and_then(|number| number.parse().ok()).expect("the guest asks for a number")
}

/// The answer, in the pieces in which it is sent.
pub(super) fn answer(request: &str, token: &str) -> Vec<Vec<u8>> {
    let path = request.split(' ').nth(1).and_then(|target| target.split('?').next()).unwrap_or_default();
    let heard = request.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("nothing").to_owned();
    // What an attacker's server has learnt, whoever asks it now.
    let known = if heard.contains(token) { token } else { "nothing" };
    let each = |escape: fn(u8) -> String| known.bytes().map(escape).collect::<String>();
    let base64 = |text: &str| general_purpose::STANDARD.encode(text);
    let ok = |body: String| vec![plain("200 OK", "", &body)];
    let with = |header: String| vec![plain("200 OK", &format!("{header}\r\n"), "see the headers")];
    let chunked = |chunks: String, end: String| {
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n{end}\r\n").into_bytes()
    };
    match path {
        "/error" => vec![plain("401 Unauthorized", &format!("www-authenticate: Bearer error=\"{heard}\"\r\n"), &heard)],
        "/json" => ok(format!("{{\"headers\":{{\"authorization\":\"{heard}\"}}}}")),
        "/json-twice" => {
            ok(format!("{{\"log\":\"{{\\\"key\\\":\\\"{}\\\"}}\"}}", each(|byte| format!("\\\\u{byte:04x}"))))
        }
        "/unicode" => ok(each(|byte| format!("\\u{byte:04X}"))),
        "/html" => ok(format!(
            "<p title=\"&quot;{}&quot;\">{}</p>",
            each(|byte| format!("&#{byte};")),
            each(|byte| format!("&#x{byte:X};"))
        )),
        "/percent" => ok(each(|byte| format!("%{byte:02X}"))),
        "/base64" => ok(base64(&heard)),
        "/base64url" => ok(general_purpose::URL_SAFE_NO_PAD.encode(known)),
        "/base64-inside" => ok((0..3)
            .map(|shift| base64(&format!("{}{known}, and more", &"xx"[..shift])))
            .collect::<Vec<_>>()
            .join(" ")),
        "/hex" => ok(each(|byte| format!("{byte:02x}"))),
        "/hex-capitals" => ok(each(|byte| format!("{byte:02X}"))),
        "/many" => ok(known.repeat(100)),
        "/header" => with(format!("x-echo: {heard}")),
        "/headers" => with((0..20).map(|n| format!("x-echo-{n}: {heard}")).collect::<Vec<_>>().join("\r\n")),
        "/header-base64" => with(format!("etag: \"{}\"", base64(&heard))),
        "/header-name" => with(format!("x-{known}: {known}")),
        "/reason" => vec![plain(&format!("200 {heard}"), "", "see the status")],
        "/cookie" => with(format!("set-cookie: session={known}; Path=/")),
        "/early" => vec![
            format!("HTTP/1.1 103 Early Hints\r\nlink: <https://crm.test:8443/{known}>\r\nx-echo: {known}\r\n\r\n")
                .into_bytes(),
            plain("200 OK", "", "see the hints"),
        ],
        // One byte at a time, each in a chunk and a packet of its own.
        "/chunks" => {
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            let bytes = heard.bytes().map(|byte| chunk(&char::from(byte).to_string()).into_bytes());
            std::iter::once(head).chain(bytes).chain([b"0\r\n\r\n".to_vec()]).collect()
        }
        "/extensions" => vec![chunked(format!("2;key=\"{known}\"\r\nok\r\n"), String::new())],
        "/trailer" => vec![chunked(chunk("see the trailer"), format!("x-echo: {known}\r\n"))],
        // Across whatever size of buffer anybody reads with.
        "/far" => {
            ok([4096, 8192, 16384, 65536].map(|size: usize| format!("{}{known}", "x".repeat(size - 16))).concat())
        }
        "/compressed" => vec![plain("200 OK", "content-encoding: gzip\r\n", known)],
        "/part" => vec![plain("206 Partial Content", "content-range: bytes 0-15/32\r\n", &known[..known.len() / 2])],
        "/redirect" => vec![plain("302 Found", &format!("location: /body?key={known}\r\n"), "")],
        "/redirect-away" => vec![plain("302 Found", "location: https://other.test:8443/body\r\n", "")],
        "/redirect-clear" => vec![plain("302 Found", "location: http://crm.test:8080/body\r\n", "")],
        "/to-metadata" => vec![plain("302 Found", "location: http://169.254.169.254/latest/meta-data/\r\n", "")],
        "/to-loopback" => vec![plain("302 Found", "location: https://127.0.0.1:8443/body\r\n", "")],
        "/round" => vec![plain("302 Found", "location: /round\r\n", "")],
        "/none" => ok(String::new()),
        _ if path.starts_with("/size/") => ok("x".repeat(number(path))),
        // One of them is the length.
        _ if path.starts_with("/fields/") => {
            let fields: String = (1..number(path)).map(|field| format!("x-{field}: v\r\n")).collect();
            vec![plain("200 OK", &fields, "")]
        }
        _ => ok(heard),
    }
}
