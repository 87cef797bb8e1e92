//! Whether a browser sees in a page what the check of pages sees: pages that it takes run in a real browser, and of the handlers that
//! stand in their texts, comments and values none may run.

use std::{collections::BTreeMap, fs, sync::Arc};

use portcullis_manifest::{AssetFiles, Manifest, guarded};
use rand::{
    RngExt as _, SeedableRng as _,
    rngs::StdRng,
    seq::{IndexedRandom as _, SliceRandom as _},
};
use serde_json::Value;

const MANIFEST: &str = r#"manifest = 1
[plugin]
name = "pages"
version = "1.0.0"
component = "pages.wasm"
publisher = "example"
summary = "Pages"
[assets]
folder = "assets"
[[tool]]
name = "show"
title = "Show"
description = "Use this to show."
widget = "page"
[[widget]]
name = "page"
title = "Page"
description = "A page"
asset = "page.html"
frame = ["https://frame.invalid"]
"#;

/// It calls the page that counts. Without a letter of it in the way, whatever stands around.
const HANDLER: &str = "<img src=data:image/x, onerror=parent.fired()>";

/// What goes around something else. Most hold HTML as text to one reader and as elements to another.
const AROUND: [(&str, &str); 44] = [
    ("<div>", "</div>"),
    ("<p>", ""),
    ("<b>", "</b>"),
    ("<a href=#x>", "</a>"),
    ("<form>", "</form>"),
    ("<table><tr><td>", "</table>"),
    ("<table>", "</table>"),
    ("<table><colgroup>", "</colgroup></table>"),
    ("<caption>", "</caption>"),
    ("<button>", "</button>"),
    ("<select>", "</select>"),
    ("<select><option>", "</select>"),
    ("<optgroup>", "</optgroup>"),
    ("<template>", "</template>"),
    ("<template><col>", "</template>"),
    ("<template><tr>", "</template>"),
    ("<svg>", "</svg>"),
    ("<svg><g>", "</g></svg>"),
    ("<svg><desc>", "</desc></svg>"),
    ("<svg><title>", "</title></svg>"),
    ("<svg><foreignObject>", "</foreignObject></svg>"),
    ("<svg><style>", "</style></svg>"),
    ("<svg><script>", "</script></svg>"),
    ("<math>", "</math>"),
    ("<math><mi>", "</mi></math>"),
    ("<math><annotation-xml encoding=text/html>", "</annotation-xml></math>"),
    ("<title>", "</title>"),
    ("<textarea>", "</textarea>"),
    ("<style>", "</style>"),
    ("<script>'", "'</script>"),
    ("<script>/*", "*/</script>"),
    ("<script type=application/json>", "</script>"),
    ("<iframe src=https://frame.invalid/>", "</iframe>"),
    ("<noscript>", "</noscript>"),
    ("<xmp>", "</xmp>"),
    ("<noembed>", "</noembed>"),
    ("<noframes>", "</noframes>"),
    ("<frameset>", "</frameset>"),
    ("<plaintext>", ""),
    ("<!-- ", " -->"),
    ("<![CDATA[", "]]>"),
    ("<p title='", "'></p>"),
    ("<p title=\"", "\"></p>"),
    ("<svg><path d='", "'/></svg>"),
];

/// What stands alone.
const ALONE: [&str; 24] = [
    HANDLER,
    HANDLER,
    HANDLER,
    HANDLER,
    "x",
    "<br>",
    "</svg>",
    "</math>",
    "</p>",
    "</br>",
    "</title>",
    "</style>",
    "</select>",
    "</template>",
    "</td>",
    "<col>",
    "<tr>",
    "<td>",
    "<svg/>",
    "<title/>",
    "<p/>",
    "-->",
    "<!doctype html>",
    "</body>",
];

/// These ran in browsers when the check took them: they show that this suite sees what it looks for.
const RAN: [&str; 4] = [
    "<math></svg><title>{}</title></math>",
    "<math></svg><script>{}</script></math>",
    "<svg><desc><title><!-- </title>{}--></desc></svg>",
    "<template><col><title></template>{}</title></template>",
];

/// Pieces one in another, and now and then one that is elsewhere, twice or left out.
fn page(random: &mut StdRng) -> String {
    let mut pieces = Vec::new();
    for _ in 0..random.random_range(1..4) {
        nest(random, 0, &mut pieces);
    }
    if random.random_bool(0.5) {
        let (from, to) = (random.random_range(0..pieces.len()), random.random_range(0..pieces.len()));
        match random.random_range(0..3) {
            0 => pieces.swap(from, to),
            1 => pieces.insert(to, pieces[from]),
            _ => drop(pieces.remove(from)),
        }
    }
    pieces.concat()
}

fn nest(random: &mut StdRng, depth: usize, pieces: &mut Vec<&str>) {
    if depth > 3 || random.random_bool(0.3) {
        pieces.push(ALONE.choose(random).expect("not empty"));
        return;
    }
    let (before, after) = AROUND.choose(random).expect("not empty");
    pieces.push(before);
    for _ in 0..random.random_range(0..3) {
        nest(random, depth + 1, pieces);
    }
    pieces.push(after);
}

fn is_taken(manifest: &Manifest, page: &str) -> bool {
    let assets = BTreeMap::from([("page.html".parse().expect("a name"), Arc::from(page.as_bytes()))]);
    manifest.check_widgets(&AssetFiles::new(assets).expect("few")).is_ok()
}

fn looked_at(pages: &[String]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let input = folder.path().join("pages.json");
    fs::write(&input, serde_json::to_string(pages).expect("texts are JSON")).expect("can be written");
    let seen = super::browser("pages.mjs", &input, None);
    let seen = seen.as_array().expect("a list").clone();
    assert_eq!(seen.len(), pages.len());
    seen
}

/// Fails without the stack of open elements (host/manifest/src/widget/nest.rs), or without the rule that what may be text or not
/// holds no `<`.
#[test]
fn no_handler_runs_in_a_page_that_the_check_takes() {
    let manifest = Manifest::parse(MANIFEST).expect("is one");
    let ran = RAN.map(|shape| shape.replace("{}", HANDLER));
    for page in &ran {
        assert!(!is_taken(&manifest, page), "{page}");
    }
    for (page, seen) in ran.iter().zip(looked_at(&ran)) {
        assert!(seen["fired"] == 1 && seen["handlers"] == 1, "the browser runs {page}: {seen}");
    }
    let seed: u64 = rand::random();
    println!("the seed is {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut taken: Vec<String> = Vec::new();
    for _ in 0..60_000 {
        let page = page(&mut random);
        // Without a handler nothing could run.
        if page.contains(HANDLER) && is_taken(&manifest, &page) {
            taken.push(page);
        }
    }
    taken.sort_unstable();
    taken.dedup();
    taken.shuffle(&mut random);
    // A frame of its own takes a browser long.
    let mut frames = 0;
    taken.retain(|page| {
        frames += usize::from(page.contains("<iframe"));
        !page.contains("<iframe") || frames <= 10
    });
    taken.truncate(600);
    assert!(taken.len() > 300, "only {} pages of those are taken", taken.len());
    println!("{} pages", taken.len());
    for (page, seen) in taken.iter().zip(looked_at(&taken)) {
        assert!(seen["fired"] == 0 && seen["handlers"] == 0 && seen["others"] == 0, "{page}: {seen}");
    }
}

/// Fails without the policy that `guarded` puts into a page: the form would be sent, and nobody would hear that it was not.
#[test]
fn a_form_that_a_script_sends_is_stopped_by_the_policy_in_the_page() {
    let page = "<!doctype html><form id=form data-waits action=\"http://127.0.0.1:9/\"></form><script>\
                addEventListener('securitypolicyviolation', (event) => {\
                if (event.effectiveDirective === 'form-action') parent.fired() }); form.submit()</script>";
    assert_eq!(looked_at(&[guarded(page)])[0]["fired"], 1);
}
