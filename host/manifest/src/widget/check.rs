//! The check of a release's pages. It finds what a page should not hold before a person approves it; what a page can't do is
//! not up to this check but to the policy that [`Widget::meta`] asks for.

use super::{
    WidgetErrors, WidgetRefusal,
    origins::Declared,
    scan::{Attribute, Piece, scan},
    script::{self, is_elsewhere},
};
use crate::{
    AssetFiles, Finding, Findings, Manifest, Widget,
    finding::{Lines, Wrong, located},
};

/// Most bytes of a page.
const MAX_PAGE: usize = 2 << 20;

/// Elements that no page has, and what to do instead.
const ELEMENTS: [(&str, &str); 13] = [
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
    ("foreignobject", "write what it shows outside of the drawing"),
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
            let name = widget.asset.as_str();
            // One that is missing was refused when the package was read.
            let Some(bytes) = assets.get(name) else { continue };
            let whole = |refusal| Finding { file: name.to_owned(), place: None, path: path.clone(), refusal };
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
    for piece in scan(page) {
        match piece {
            Piece::Open { at, name, attributes } => {
                if let Some((_, instead)) = ELEMENTS.iter().find(|(element, _)| *element == name) {
                    found.push((at, WidgetRefusal::Element(name.clone(), instead)));
                }
                element(at, &name, &attributes, &declared, &mut found);
                attributes.iter().for_each(|one| attribute(&name, one, &declared, &mut found));
            }
            Piece::Script { at, text } => {
                found.extend(script::faults(text, &declared).into_iter().map(|(offset, why)| (at + offset, why)));
            }
            Piece::Style { at, text } => style(at, text, &declared, &mut found),
            Piece::Wrong { at, refusal } => found.push((at, refusal)),
        }
    }
    found
}

/// What depends on several attributes of one tag.
fn element(
    at: usize,
    name: &str,
    attributes: &[Attribute<'_>],
    declared: &Declared<'_>,
    found: &mut Vec<(usize, WidgetRefusal)>,
) {
    let value = |wanted: &str| attributes.iter().find(|attribute| attribute.name == wanted);
    match name {
        "script" => {
            // The attributes of a drawing's script too.
            for source in [value("src"), value("href"), value("xlink:href")].into_iter().flatten() {
                found.push((source.at, WidgetRefusal::RemoteScript(source.value.to_owned())));
            }
        }
        "iframe" => {
            let written = value("src").is_some_and(|source| source.value.trim_start().starts_with("https://"));
            if !declared.frames || !written {
                found.push((at, WidgetRefusal::Frame));
            }
        }
        "meta" => {
            if let Some(equivalent) = value("http-equiv") {
                let why = "what a server would say is said by the manifest; take it out";
                found.push((equivalent.at, WidgetRefusal::Attribute("http-equiv".to_owned(), why)));
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
        "ping" => Some("it tells others of a click; take it out"),
        "http-equiv" if element != "meta" => Some("it belongs nowhere; take it out"),
        _ => None,
    };
    found.extend(why.map(|why| (*at, WidgetRefusal::Attribute(name.clone(), why))));
    // What is written in signs could be anything once it is read.
    if is_address(name) && has_signs(value) {
        let what = "an address holds signs such as `&#58;`";
        found.push((*value_at, WidgetRefusal::Unclear(what, "the characters themselves")));
    }
    let bare: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(16).collect();
    let bare = bare.to_ascii_lowercase();
    for scheme in ["javascript:", "vbscript:", "data:text/html"] {
        if bare.starts_with(scheme) {
            found.push((*value_at, WidgetRefusal::ScriptAddress(scheme.to_owned())));
        }
    }
    if name == "style" {
        style(*value_at, value, declared, found);
    } else if element != "script" || !is_elsewhere(value) {
        found.extend(declared.undeclared(value, true).into_iter().map(|(offset, why)| (value_at + offset, why)));
    }
}

fn style(at: usize, text: &str, declared: &Declared<'_>, found: &mut Vec<(usize, WidgetRefusal)>) {
    found.extend(declared.undeclared(text, false).into_iter().map(|(offset, why)| (at + offset, why)));
    let lower = text.to_ascii_lowercase();
    found.extend(lower.match_indices("@import").map(|(offset, _)| (at + offset, WidgetRefusal::Import)));
    for scheme in ["javascript:", "vbscript:"] {
        let scripts = lower.match_indices(scheme);
        found.extend(scripts.map(|(offset, _)| (at + offset, WidgetRefusal::ScriptAddress(scheme.to_owned()))));
    }
}

/// Attributes whose value is an address, or holds some.
fn is_address(name: &str) -> bool {
    matches!(
        name,
        "href"
            | "src"
            | "srcset"
            | "action"
            | "formaction"
            | "poster"
            | "data"
            | "xlink:href"
            | "background"
            | "cite"
            | "style"
            | "imagesrcset"
            | "manifest"
            | "from"
            | "to"
            | "values"
    )
}

/// `&#58;`, `&colon;`; `&amp;` is what a query needs.
fn has_signs(value: &str) -> bool {
    value.match_indices('&').any(|(at, _)| {
        let rest = &value[at + 1..];
        let name = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        rest.starts_with('#')
            || (rest[name.len()..].starts_with(';') && !matches!(name, "" | "amp" | "quot" | "apos" | "lt" | "gt"))
    })
}
