//! Which elements are open. What a tag is to a browser depends on what stands around it: in a drawing, in a list of choices and
//! in columns of a table it is something else, or nothing. So this knows the few places where that is, and refuses there whatever
//! is not known to be read as it is written.

/// Elements that hold nothing and have no closing tag.
const EMPTY: [&str; 15] = [
    "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements whose tags people leave out. Where they end is nothing to what the rest of a page is.
const LOOSE: [&str; 20] = [
    "html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "thead", "tbody", "tfoot", "tr", "td", "th",
    "caption", "rb", "rp", "rt", "rtc",
];

/// What may stand in `<select>`. All else browsers leave out, some with what it holds and some without.
const CHOICES: [&str; 3] = ["option", "optgroup", "hr"];

/// What may stand in `<svg>`: nothing that leads back out of it, and nothing that holds HTML but as mere text.
const DRAWN: [&str; 59] = [
    "a",
    "animate",
    "animatemotion",
    "animatetransform",
    "circle",
    "clippath",
    "defs",
    "desc",
    "ellipse",
    "feblend",
    "fecolormatrix",
    "fecomponenttransfer",
    "fecomposite",
    "feconvolvematrix",
    "fediffuselighting",
    "fedisplacementmap",
    "fedistantlight",
    "fedropshadow",
    "feflood",
    "fefunca",
    "fefuncb",
    "fefuncg",
    "fefuncr",
    "fegaussianblur",
    "feimage",
    "femerge",
    "femergenode",
    "femorphology",
    "feoffset",
    "fepointlight",
    "fespecularlighting",
    "fespotlight",
    "fetile",
    "feturbulence",
    "filter",
    "g",
    "image",
    "line",
    "lineargradient",
    "marker",
    "mask",
    "metadata",
    "mpath",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialgradient",
    "rect",
    "set",
    "stop",
    "svg",
    "switch",
    "symbol",
    "text",
    "textpath",
    "title",
    "tspan",
    "use",
];

/// Deeper than this nobody nests by hand, and browsers begin to put things elsewhere.
const DEEPEST: usize = 256;

/// What is wrong, and what to write instead.
pub(super) type Wrong = (&'static str, &'static str);

/// What follows an opening tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// Texts and tags, as before it.
    Markup,
    /// Text up to its closing tag, which is the next one of that name.
    Text,
}

/// The elements that are open and that must be closed.
#[derive(Default)]
pub(super) struct Nest {
    open: Vec<String>,
    /// How many of them are `<svg>`.
    drawings: usize,
    /// How many of them are `<template>`.
    templates: usize,
}

impl Nest {
    /// `<name>`, or `<name/>`.
    pub(super) fn open(&mut self, name: &str, closes_itself: bool) -> Result<Inside, Wrong> {
        let inside = if self.drawings > 0 { self.draw(name, closes_itself)? } else { self.write(name, closes_itself)? };
        let ends_at_once = closes_itself || self.drawings == 0 && (EMPTY.contains(&name) || LOOSE.contains(&name));
        if !ends_at_once {
            if self.open.len() == DEEPEST {
                return Err(("elements are nested deeper than 256", "fewer in each other"));
            }
            self.drawings += usize::from(name == "svg");
            self.templates += usize::from(name == "template");
            self.open.push(name.to_owned());
        }
        Ok(if ends_at_once { Inside::Markup } else { inside })
    }

    fn write(&self, name: &str, closes_itself: bool) -> Result<Inside, Wrong> {
        if self.open.last().is_some_and(|open| open == "select") && !CHOICES.contains(&name) {
            return Err(("`<select>` holds something else than choices", "`<option>` and `<optgroup>`"));
        }
        match name {
            "math" => return Err(("a formula stands here", "it as text, or as a drawing in `<svg>`")),
            "image" => return Err(("`<image>` stands outside of a drawing", "`<img>`")),
            "col" | "colgroup" if self.templates > 0 => {
                return Err(("columns stand in a `<template>`", "widths in a style"));
            }
            _ => {}
        }
        if closes_itself && name != "svg" && !EMPTY.contains(&name) {
            return Err(("an element that may hold something closes itself", "`<name></name>`"));
        }
        let text = matches!(name, "script" | "style" | "title" | "textarea" | "iframe");
        Ok(if text { Inside::Text } else { Inside::Markup })
    }

    fn draw(&self, name: &str, closes_itself: bool) -> Result<Inside, Wrong> {
        if matches!(name, "script" | "style" | "textarea") {
            return Err(("a drawing holds a script, a style or a text area", "it outside"));
        }
        if !DRAWN.contains(&name) {
            return Err(("a drawing holds something that is not drawn", "it outside, or `</svg>` before it"));
        }
        let text = matches!(name, "title" | "desc" | "metadata") && !closes_itself;
        Ok(if text { Inside::Text } else { Inside::Markup })
    }

    /// `</name>`
    pub(super) fn close(&mut self, name: &str) -> Result<(), Wrong> {
        if self.drawings == 0 && LOOSE.contains(&name) {
            return Ok(());
        }
        if self.open.last().is_none_or(|open| open != name) {
            return Err((
                "a closing tag is not that of the element that was opened last",
                "`</name>` of each in its turn",
            ));
        }
        self.open.pop();
        self.drawings -= usize::from(name == "svg");
        self.templates -= usize::from(name == "template");
        Ok(())
    }

    /// What is still open.
    pub(super) fn last(&self) -> Option<&str> {
        self.open.last().map(String::as_str)
    }
}
