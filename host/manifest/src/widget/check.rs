//! The check of a release's pages. It finds what a page should not hold before a person approves it; what a page can't do is
//! not up to this check but to the policy that [`Widget::meta`] asks for.

use std::borrow::Cow;

use super::{
    WidgetErrors, WidgetRefusal,
    css::{self, Named},
    origins::{Declared, Purpose, scheme_of},
    scan::{Attribute, Piece, scan},
    script,
};
use crate::{
    AssetFiles, Finding, Findings, Manifest, Widget,
    finding::{Lines, Wrong, located},
};

/// Most bytes of a page.
const MAX_PAGE: usize = 2 << 20;

/// Elements that no page has, and what to do instead.
const ELEMENTS: [(&str, &str); 13] = [
    ("fencedframe", "write an `<iframe>`, and list its origin under `frame`"),
    ("object", "write what it shows into the page"),
    ("embed", "write what it shows into the page"),
    ("applet", "write what it shows into the page"),
    ("portal", "write what it shows into the page"),
    ("frame", "write an `<iframe>`, and list its origin under `frame`"),
    ("frameset", "write an `<iframe>`, and list its origin under `frame`"),
    ("base", "it would turn every address in the page: write them out"),
    ("noscript", "a page without script is not shown; take it out"),
    ("noembed", "take it out"),
    ("noframes", "take it out"),
    ("xmp", "write `<pre>`"),
    ("plaintext", "write `<pre>`"),
];

impl Manifest {
    /// Reads the page of every widget, in `assets`.
    ///
    /// # Errors
    /// Everything in them that is refused, each with its line, its column, the rule and what would allow it.
    pub fn check_widgets(&self, assets: &AssetFiles) -> Result<(), WidgetErrors> {
        let (mut findings, mut left_off) = (Vec::new(), 0);
        for widget in &self.widgets {
            let path = format!("widget.{}", widget.name);
            // One that is missing was refused when the package was read.
            let Some(bytes) = assets.get(widget.asset.as_str()) else { continue };
            let folder = self.assets.as_ref().map(|folder| format!("{}/", folder.folder)).unwrap_or_default();
            let name = &format!("{folder}{}", widget.asset);
            let whole = |refusal| Finding { file: name.clone(), place: None, path: path.clone(), refusal };
            if bytes.len() > MAX_PAGE {
                findings.push(whole(WidgetRefusal::Long { found: bytes.len(), maximum: MAX_PAGE }));
            } else if let Ok(page) = std::str::from_utf8(bytes) {
                let wrong = faults(page, widget).into_iter();
                let wrong: Vec<Wrong<_>> = wrong.map(|(at, refusal)| (at, path.clone(), refusal)).collect();
                let (found, more) = located(name, &Lines::of(page), wrong);
                findings.extend(found);
                left_off += more;
            } else {
                findings.push(whole(WidgetRefusal::NotText));
            }
        }
        Findings::of(findings, left_off).map_or(Ok(()), Err)
    }
}

/// Everything in `page` that is refused, with its byte.
pub(super) fn faults(page: &str, widget: &Widget) -> Vec<(usize, WidgetRefusal)> {
    let declared = Declared::of(widget);
    let mut found = Vec::new();
    let mut empty = true;
    for piece in scan(page) {
        empty = false;
        match piece {
            Piece::Open { at, name, mut attributes } => {
                if let Some((_, instead)) = ELEMENTS.iter().find(|(element, _)| *element == name) {
                    found.push((at, WidgetRefusal::Element(name.clone(), instead)));
                }
                attributes.iter_mut().for_each(|one| read(one, &mut found));
                element(at, &name, &attributes, &mut found);
                attributes.iter().for_each(|one| attribute(&name, one, &declared, &mut found));
            }
            Piece::Script { at, text } => {
                found.extend(script::faults(text, &declared).into_iter().map(|(offset, why)| (at + offset, why)));
            }
            Piece::Style { at, text } => {
                found.extend(style(text, &declared).into_iter().map(|(offset, why)| (at + offset, why)));
            }
            Piece::Wrong { at, refusal } => found.push((at, refusal)),
        }
    }
    if empty {
        found.push((0, WidgetRefusal::Empty));
    }
    found
}

/// Makes the value that a browser reads out of the one that is written: what it holds beside texts is written plainly, or in one of
/// the few signs that a quotation needs.
fn read(attribute: &mut Attribute<'_>, found: &mut Vec<(usize, WidgetRefusal)>) {
    if !attribute.value.contains('&') || is_text(&attribute.name) {
        return;
    }
    let mut plain = attribute.value.to_string();
    for (sign, character) in SIGNS {
        plain = plain.replace(sign, character);
    }
    if has_signs(&attribute.value) {
        let what = "an attribute holds signs such as `&#58;`";
        found.push((attribute.value_at, WidgetRefusal::Unclear(what, "the characters themselves")));
    }
    attribute.value = Cow::Owned(plain);
}

/// What depends on several attributes of one tag.
fn element(at: usize, name: &str, attributes: &[Attribute<'_>], found: &mut Vec<(usize, WidgetRefusal)>) {
    let value = |wanted: &str| attributes.iter().find(|attribute| attribute.name == wanted);
    let words = |attribute: &Attribute<'_>| -> Vec<String> {
        attribute.value.split_ascii_whitespace().map(str::to_ascii_lowercase).collect()
    };
    let mut refuse = |attribute: &Attribute<'_>, why| {
        found.push((attribute.at, WidgetRefusal::Attribute(attribute.name.clone(), why)));
    };
    match name {
        "script" => {
            if let Some(kind) = value("type").filter(|kind| !SCRIPTS.contains(&&*kind.value.to_ascii_lowercase())) {
                refuse(kind, "a script is `module`, `text/javascript` or data of the type `application/json`");
            }
            if let Some(source) = value("src") {
                found.push((source.at, WidgetRefusal::RemoteScript(source.value.to_string())));
            }
        }
        "iframe" if value("src").is_none_or(|source| source.value.trim().is_empty()) => {
            found.push((at, WidgetRefusal::EmptyFrame));
        }
        "meta" => {
            if let Some(equivalent) = value("http-equiv") {
                refuse(equivalent, "what a server would say is said by the manifest; take it out");
            }
            if let Some(charset) = value("charset").filter(|charset| !charset.value.eq_ignore_ascii_case("utf-8")) {
                refuse(charset, "pages are UTF-8; write `utf-8`");
            }
        }
        "link" => {
            if let Some(rel) =
                value("rel").filter(|rel| !words(rel).iter().all(|one| RELATIONS.contains(&one.as_str())))
            {
                refuse(
                    rel,
                    "a page loads styles, icons and what these need: `stylesheet`, `icon`, `preload`, `preconnect`",
                );
            }
            let preloads = value("rel").is_some_and(|rel| words(rel).iter().any(|one| one == "preload"));
            let shown = |kind: &Attribute<'_>| ["style", "font", "image"].contains(&&*kind.value);
            if preloads && !value("as").is_some_and(shown) {
                found.push((at, WidgetRefusal::Attribute("as".to_owned(), "write `style`, `font` or `image`")));
            }
        }
        _ => {}
    }
}

fn attribute(element: &str, one: &Attribute<'_>, declared: &Declared<'_>, found: &mut Vec<(usize, WidgetRefusal)>) {
    let Attribute { at, name, value_at, value } = one;
    if name.starts_with("on") {
        found.push((*at, WidgetRefusal::Handler(name.clone())));
    }
    let why = match name.as_str() {
        "srcdoc" => Some("it is a page in a page that nobody has read; write its content into this one"),
        "action" | "formaction" => {
            Some("forms send past the page's policy; send with a script, to an origin under `connect`")
        }
        "ping" | "attributionsrc" => Some("it tells others of a click; take it out"),
        "http-equiv" if element != "meta" => Some("it belongs nowhere; take it out"),
        "xml:base" => Some("it would turn addresses; write them out"),
        "allow" if element == "iframe" => Some("what a frame may do is up to the client; take it out"),
        "attributename" if !is_plain_target(value) => {
            Some("what is animated is no address and no handler; name another")
        }
        _ => None,
    };
    if let Some(why) = why {
        found.push((*at, WidgetRefusal::Attribute(name.clone(), why)));
        return;
    }
    let bare: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(16).collect();
    let bare = bare.to_ascii_lowercase();
    for scheme in ["javascript:", "vbscript:", "data:text/html"] {
        if bare.starts_with(scheme) {
            found.push((*value_at, WidgetRefusal::ScriptAddress(scheme.to_owned())));
            return;
        }
    }
    let mut address = |text: &str, purpose| found.extend(declared.address(text, purpose).map(|why| (*value_at, why)));
    let purpose = match element {
        "a" | "area" => Purpose::Link,
        "iframe" => Purpose::Frame,
        _ => Purpose::Load,
    };
    match name.as_str() {
        // Said above, whatever it is.
        "src" if element == "script" => {}
        // A drawing uses its own parts.
        "href" | "xlink:href" if element == "use" && !value.trim().starts_with('#') => {
            found.push((*value_at, WidgetRefusal::Beside(value.chars().take(60).collect())));
        }
        "srcset" | "imagesrcset" => {
            for part in value.split_ascii_whitespace() {
                let part = part.trim_matches(',');
                let size = part.strip_suffix(['w', 'x', 'h']).is_some_and(|size| size.parse::<f64>().is_ok());
                if !size {
                    address(part, purpose);
                }
                if part.contains(',') {
                    let what = "a list of pictures has a comma without a blank after it";
                    found.push((*value_at, WidgetRefusal::Unclear(what, "one picture, or a blank after each comma")));
                    break;
                }
            }
        }
        name if ADDRESSES.contains(&name) => address(value, purpose),
        name if STYLES.contains(&name) => {
            found.extend(style(value, declared).into_iter().map(|(offset, why)| (one.place(offset), why)));
        }
        name if is_text(name) => {}
        _ => {
            if value.trim_start().starts_with("//") {
                address(value, purpose);
            } else {
                found.extend(declared.undeclared(value).into_iter().map(|(offset, why)| (one.place(offset), why)));
            }
        }
    }
}

fn style(text: &str, declared: &Declared<'_>) -> Vec<(usize, WidgetRefusal)> {
    let mut found = Vec::new();
    for named in css::read(text) {
        match named {
            Named::Import(at) => found.push((at, WidgetRefusal::Import)),
            Named::Unclear(at, (what, instead)) => found.push((at, WidgetRefusal::Unclear(what, instead))),
            Named::Address(at, address) => {
                found.extend(declared.address(&address, Purpose::Load).map(|why| (at, why)));
            }
            Named::Text(at, text) => {
                let begins = text.trim_start();
                let opened = scheme_of(begins).is_some_and(|(scheme, _)| OPENED.contains(&scheme.as_str()));
                if opened || begins.starts_with("//") || text.contains('\\') {
                    found.extend(declared.address(&text, Purpose::Load).map(|why| (at, why)));
                }
            }
        }
    }
    let lower = text.to_ascii_lowercase();
    for scheme in ["javascript:", "vbscript:"] {
        let scripts = lower.match_indices(scheme);
        found.extend(scripts.map(|(at, _)| (at, WidgetRefusal::ScriptAddress(scheme.to_owned()))));
    }
    found
}

/// What a script may be.
const SCRIPTS: [&str; 5] = ["", "module", "text/javascript", "application/javascript", "application/json"];

/// What a page may link to. Others look names up, load pages or load script.
const RELATIONS: [&str; 6] = ["stylesheet", "icon", "shortcut", "apple-touch-icon", "preload", "preconnect"];

/// Attributes whose value is one address.
const ADDRESSES: [&str; 16] = [
    "href",
    "src",
    "poster",
    "data",
    "xlink:href",
    "background",
    "cite",
    "manifest",
    "longdesc",
    "lowsrc",
    "dynsrc",
    "codebase",
    "classid",
    "profile",
    "archive",
    "icon",
];

/// Attributes that are styles.
const STYLES: [&str; 11] = [
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
];

/// Schemes that a style opens.
const OPENED: [&str; 8] = ["http", "https", "ws", "wss", "ftp", "file", "data", "blob"];

/// Signs that a quotation needs, and what they stand for: nothing that an address is made of.
const SIGNS: [(&str, &str); 10] = [
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&#x22;", "\""),
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&#x27;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&nbsp;", "\u{a0}"),
    ("&amp;", "&"),
];

/// Attributes that are read by people and by nothing else.
fn is_text(name: &str) -> bool {
    matches!(name, "title" | "alt" | "placeholder" | "label" | "lang") || name.starts_with("aria-")
}

/// What an animation may change.
fn is_plain_target(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !lower.contains("href")
        && !lower.starts_with("on")
}

/// `&#58;`, `&colon;`, and none of [`SIGNS`].
fn has_signs(value: &str) -> bool {
    value.match_indices('&').any(|(at, _)| {
        let rest = &value[at + 1..];
        let name = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        let sign = rest.starts_with('#') || rest[name.len()..].starts_with(';') && !name.is_empty();
        sign && !SIGNS.iter().any(|(sign, _)| value[at..].starts_with(sign))
    })
}
