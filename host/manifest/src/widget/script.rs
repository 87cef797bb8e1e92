//! What a script in a page may not name. A search for words, not a reader of JavaScript: whoever wants to hide a word from it
//! can, and then meets the page's policy and the frame's sandbox, which do not search.

use super::{comments::blanked, origins::Declared, refusal::WidgetRefusal};

/// Words that make script out of text when they are called.
const EVAL: [&str; 3] = ["eval", "Function", "importScripts"];

/// Words that reach what is not the page's.
const PRIVILEGED: [(&str, &str); 23] = [
    ("geolocation", "where the person is"),
    ("mediaDevices", "camera and microphone"),
    ("getUserMedia", "camera and microphone"),
    ("getDisplayMedia", "the screen"),
    ("clipboard.read", "the person's clipboard"),
    ("clipboard.readText", "the person's clipboard"),
    ("parent.document", "the page around the frame"),
    ("parent.frames", "the page around the frame"),
    ("window.top", "the page around the frame"),
    ("top.location", "the page around the frame"),
    ("top.document", "the page around the frame"),
    ("frameElement", "the page around the frame"),
    ("serviceWorker", "requests of other pages"),
    ("document.cookie", "cookies"),
    ("cookieStore", "cookies"),
    ("localStorage", "storage that outlives the page"),
    ("sessionStorage", "storage that outlives the page"),
    ("indexedDB", "storage that outlives the page"),
    ("RTCPeerConnection", "the network past the page's policy"),
    ("requestMIDIAccess", "devices"),
    ("navigator.usb", "devices"),
    ("navigator.bluetooth", "devices"),
    ("PaymentRequest", "payments"),
];

/// Words that connect.
const CONNECTING: [&str; 5] = ["WebSocket", "EventSource", "WebTransport", "XMLHttpRequest", "sendBeacon"];

/// What a window has and a number has not.
const WINDOW: [&str; 8] = ["location", "document", "postMessage", "close", "open", "frames", "parent", "self"];

/// What is wrong with a script, each with its byte.
pub(super) fn faults(script: &str, declared: &Declared<'_>) -> Vec<(usize, WidgetRefusal)> {
    let script = &*blanked(script);
    let mut found = declared.undeclared(script);
    for (at, scheme) in ["https:", "http:", "wss:"].iter().flat_map(|scheme| script.match_indices(scheme)) {
        let rest = &script[at + scheme.len()..];
        if script[..at].ends_with(['"', '\'', '`']) && rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            found.push((at, WidgetRefusal::Scheme((*scheme).to_owned())));
        }
    }
    for word in EVAL {
        let called = |at: &usize| after(script, at + word.len()).starts_with('(');
        found.extend(words(script, word).filter(called).map(|at| (at, WidgetRefusal::Eval(word))));
    }
    for word in ["setTimeout", "setInterval"] {
        let with_text = |at: &usize| {
            let argument = after(script, at + word.len()).strip_prefix('(').map(str::trim_start);
            argument.is_some_and(|argument| argument.starts_with(['"', '\'', '`']))
        };
        found.extend(words(script, word).filter(with_text).map(|at| (at, WidgetRefusal::Eval(word))));
    }
    for (word, what) in PRIVILEGED {
        found.extend(words(script, word).map(|at| (at, WidgetRefusal::Privileged(word, what))));
    }
    // `top` of its own, not of a rectangle: it is followed by what only a window has.
    let own = |at: &usize| !script[..*at].trim_end().ends_with('.');
    let member = |at: &usize| {
        let member = after(script, at + 3).strip_prefix('.').map(str::trim_start).unwrap_or_default();
        WINDOW.iter().any(|word| member.strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_part)))
    };
    let top = words(script, "top").filter(own).filter(member);
    let known = |at: &usize| ["top.location", "top.document"].iter().any(|word| script[*at..].starts_with(word));
    found.extend(
        top.filter(|at| !known(at)).map(|at| (at, WidgetRefusal::Privileged("top.", "the page around the frame"))),
    );
    if !declared.connects {
        for word in CONNECTING {
            let asked = |at: &usize| script[..*at].trim_end().ends_with("typeof");
            found.extend(words(script, word).filter(|at| !asked(at)).map(|at| (at, WidgetRefusal::Connects(word))));
        }
    }
    for at in words(script, "import") {
        let argument = after(script, at + "import".len()).trim_start_matches('(').trim_start();
        let named = argument.strip_prefix(['"', '\'', '`']).unwrap_or_default();
        if is_elsewhere(named) {
            found.push((at, WidgetRefusal::RemoteScript(named.chars().take(60).collect())));
        }
    }
    for at in words(script, "from") {
        let named = after(script, at + "from".len()).strip_prefix(['"', '\'', '`']).unwrap_or_default();
        if is_elsewhere(named) {
            found.push((at, WidgetRefusal::RemoteScript(named.chars().take(60).collect())));
        }
    }
    found
}

/// Whether an address leads to another server.
pub(super) fn is_elsewhere(address: &str) -> bool {
    let start: String = address.trim_start().chars().take(8).collect::<String>().to_ascii_lowercase();
    ["http:", "https:", "//", "ftp:", "data:", "blob:"].iter().any(|scheme| start.starts_with(scheme))
}

/// What follows, without blanks.
fn after(script: &str, at: usize) -> &str {
    script[at..].trim_start()
}

/// Where `word` stands as a whole word.
fn words<'s>(script: &'s str, word: &'s str) -> impl Iterator<Item = usize> + 's {
    script.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = script[..*at].chars().next_back();
        let after = script[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_another_server_begins_with_its_scheme_or_with_two_slashes() {
        for elsewhere in ["https://a", " HTTP:a", "//a", "ftp:a", "data:a", "blob:a"] {
            assert!(is_elsewhere(elsewhere), "{elsewhere}");
        }
        for here in ["./a.js", "/a.js", "a.js", "", "httpx", "a https://b"] {
            assert!(!is_elsewhere(here), "{here}");
        }
    }
}
