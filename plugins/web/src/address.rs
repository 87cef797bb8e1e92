//! Addresses of pages, as far as links need them. What may be fetched is decided by the host alone.

use portcullis_plugin::ToolError;

/// Longest address that the host takes.
const LONGEST: usize = 8192;

/// What a model wrote, made into what the host takes: without a fragment, which is never sent, and in ASCII.
pub(crate) fn prepared(url: &str) -> Result<String, ToolError> {
    let url = url.trim();
    let url = url.split('#').next().unwrap_or(url);
    let Some(after) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Err(format!("\"{url}\" is no whole address. Give one that begins with https://.").into());
    };
    let authority = after.find(['/', '?']).unwrap_or(after.len());
    let start = url.len() - after.len() + authority;
    let slash = if after[authority..].starts_with('/') { "" } else { "/" };
    Ok(format!("{}{slash}{}", &url[..start], ascii(&url[start..])))
}

/// Scheme, host and port, as they are written.
pub(crate) fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    url[start..].find(['/', '?', '#']).map_or(url, |at| &url[..start + at])
}

/// The address that `target` names on the page `base`. None: it is not for a page.
pub(crate) fn resolve(base: &str, target: &str) -> Option<String> {
    let target: String = target.trim().chars().filter(|c| !c.is_control()).collect();
    let target = target.split('#').next().unwrap_or_default();
    if target.is_empty() {
        return None;
    }
    let whole = if let Some((scheme, _)) = target.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
        matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https").then(|| target.to_owned())?
    } else if target.starts_with("//") {
        format!("{}:{target}", base.split("://").next()?)
    } else {
        let page = base.split(['?', '#']).next().unwrap_or(base);
        let origin = origin(page);
        let path = &page[origin.len()..];
        if target.starts_with('/') {
            format!("{origin}{}", clean(target))
        } else if target.starts_with('?') {
            format!("{page}{target}")
        } else {
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{origin}{}", clean(&format!("{folder}{target}")))
        }
    };
    let whole = ascii(&whole);
    (whole.len() <= LONGEST).then_some(whole)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// A path without `.` and `..`, its query untouched.
fn clean(target: &str) -> String {
    let at = target.find('?').unwrap_or(target.len());
    let (path, query) = target.split_at(at);
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}{query}", kept.join("/"))
}

/// `text` with what is not visible ASCII escaped.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            plain.push(char::from(byte));
        } else {
            plain += &format!("%{byte:02X}");
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_made_ready_for_the_host() {
        for (given, ready) in [
            (" https://x.example ", "https://x.example/"),
            ("https://x.example?q=ä b#part", "https://x.example/?q=%C3%A4%20b"),
            ("http://x.example:80/a#b", "http://x.example:80/a"),
        ] {
            assert_eq!(prepared(given).as_deref(), Ok(ready));
        }
        for given in ["x.example", "ftp://x.example/", "//x.example/", "javascript:alert(1)", ""] {
            assert!(prepared(given).expect_err(given).to_string().contains("https://"));
        }
    }

    #[test]
    fn links_are_resolved_as_a_browser_does() {
        for (target, whole) in [
            ("c", "https://x.example/a/c"),
            ("./c/./d", "https://x.example/a/c/d"),
            ("../../../c?../q", "https://x.example/c?../q"),
            ("..", "https://x.example/"),
            ("/c", "https://x.example/c"),
            ("?n=1", "https://x.example/a/b?n=1"),
            ("//y.example/z", "https://y.example/z"),
            ("HTTP://y.example/z", "HTTP://y.example/z"),
            ("c d#e", "https://x.example/a/c%20d"),
        ] {
            assert_eq!(resolve("https://x.example/a/b?q=/1", target).as_deref(), Some(whole), "{target}");
        }
        for target in ["#a", "", " ", "mailto:a@b", "javascript:alert(1)", "data:text/html,x", "java\nscript:alert(1)"]
        {
            assert_eq!(resolve("https://x.example/a/b", target), None, "{target}");
        }
        assert_eq!(resolve("https://x.example", "c").as_deref(), Some("https://x.example/c"));
        assert_eq!(resolve("https://x.example/", &"é".repeat(LONGEST)), None);
    }

    #[test]
    fn an_origin_is_what_comes_before_the_path() {
        for (url, is) in
            [("https://x.example:1/a/b", "https://x.example:1"), ("https://x.example?q", "https://x.example")]
        {
            assert_eq!(origin(url), is);
        }
    }
}
