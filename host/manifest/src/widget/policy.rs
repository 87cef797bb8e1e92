//! What a page may reach: `_meta` of MCP Apps and its `openai/` aliases, and the policy that a host of the page is to enforce.

use serde_json::{Map, Value, json};

use super::scan::doctype;
use crate::{PluginName, UriTemplate, Widget, http::OriginPattern};

impl Widget {
    /// Where it is: [`Widget::uri`] as a resource's.
    #[must_use]
    pub fn place(&self, plugin: &PluginName) -> UriTemplate {
        UriTemplate::exact(&self.uri(plugin))
    }

    /// `_meta` of its contents. Everything that is not in the manifest is refused by it: an empty list is a list of nothing.
    #[must_use]
    pub fn meta(&self) -> Value {
        let mut csp = json!({ "connectDomains": words(&self.connect), "resourceDomains": words(&self.load) });
        let mut alias = json!({ "connect_domains": words(&self.connect), "resource_domains": words(&self.load) });
        // Directories look twice at a page with frames: one that has none does not speak of them.
        if !self.frame.is_empty() {
            csp["frameDomains"] = json!(words(&self.frame));
            alias["frame_domains"] = json!(words(&self.frame));
        }
        if !self.redirect.is_empty() {
            alias["redirect_domains"] = json!(words(&self.redirect));
        }
        let mut ui = json!({ "csp": csp });
        let mut meta = Map::new();
        meta.insert("openai/widgetDescription".to_owned(), json!(self.description));
        meta.insert("openai/widgetCSP".to_owned(), alias);
        if let Some(border) = self.border {
            ui["prefersBorder"] = json!(border);
            meta.insert("openai/widgetPrefersBorder".to_owned(), json!(border));
        }
        if let Some(domain) = &self.domain {
            let domain = domain.to_string();
            ui["domain"] = json!(domain);
            meta.insert("openai/widgetDomain".to_owned(), json!(domain));
        }
        meta.insert("ui".to_owned(), ui);
        Value::Object(meta)
    }

    /// The Content-Security-Policy that whoever shows the page enforces, as MCP Apps (2026-01-26) builds it from what
    /// [`Widget::meta`] says.
    #[must_use]
    pub fn content_security_policy(&self) -> String {
        let list = |origins: &[OriginPattern]| words(origins).join(" ");
        let with = |base: &str, origins: &[OriginPattern]| format!("{base} {}", list(origins)).trim_end().to_owned();
        let only = |origins: &[OriginPattern]| if origins.is_empty() { "'none'".to_owned() } else { list(origins) };
        [
            "default-src 'none'".to_owned(),
            with("script-src 'self' 'unsafe-inline'", &self.load),
            with("style-src 'self' 'unsafe-inline'", &self.load),
            with("img-src 'self' data:", &self.load),
            with("font-src 'self'", &self.load),
            with("media-src 'self' data:", &self.load),
            format!("connect-src {}", only(&self.connect)),
            format!("frame-src {}", only(&self.frame)),
            "object-src 'none'".to_owned(),
            "base-uri 'self'".to_owned(),
        ]
        .join("; ")
    }
}

/// What MCP Apps gives a server no key for, said in the page itself: its forms send nothing. Whatever policy a client enforces, this one is enforced beside it; so it can only take away.
const GUARD: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"form-action 'none'\">";

/// The page as it is served: the one that was approved, with [`GUARD`] right after its doctype, before anything else in it.
#[must_use]
pub fn guarded(page: &str) -> String {
    let (before, after) = page.split_at(doctype(page));
    format!("{before}{GUARD}{after}")
}

/// Whether clients show something of this media type as a page.
#[must_use]
pub fn is_page(mime: &str) -> bool {
    let mime = mime.to_ascii_lowercase();
    mime.contains("mcp-app") || mime.contains("skybridge")
}

fn words(origins: &[OriginPattern]) -> Vec<String> {
    origins.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_is_the_first_of_a_page_but_for_its_doctype() {
        assert_eq!(guarded("<!doctype html><p>x"), format!("<!doctype html>{GUARD}<p>x"));
        assert_eq!(guarded(" \n<!DOCTYPE HTML ><p>x"), format!(" \n<!DOCTYPE HTML >{GUARD}<p>x"));
        for page in ["<p>x", "", "<!doctypehtml><p>", "<!doctype xml><p>", "x<!doctype html>"] {
            assert_eq!(guarded(page), format!("{GUARD}{page}"));
        }
    }
}
