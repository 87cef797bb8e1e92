//! The page that docs/authoring.md gives to begin a widget with is one that this crate takes.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use portcullis_manifest::{AssetFiles, Manifest};

const MANIFEST: &str = r#"manifest = 1
[plugin]
name = "words"
version = "1.0.0"
component = "words.wasm"
publisher = "example"
summary = "Words"

[assets]
folder = "assets"

[[tool]]
name = "count"
title = "Count"
description = "Use this to count."
widget = "result"

[[widget]]
name = "result"
title = "Result"
description = "What was counted"
asset = "result.html"
"#;

fn check(page: &str) -> Result<(), String> {
    let assets = BTreeMap::from([("result.html".parse().unwrap(), Arc::from(page.as_bytes()))]);
    let manifest = Manifest::parse(MANIFEST).unwrap();
    manifest.check_widgets(&AssetFiles::new(assets).unwrap()).map_err(|errors| errors.to_string())
}

#[test]
fn the_page_to_begin_a_widget_with_passes_the_check_and_has_both_themes() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("tests are run by cargo");
    let text = fs::read_to_string(Path::new(&folder).join("../../docs/authoring.md")).expect("is there");
    let (_, rest) = text.split_once("```html\n").expect("the page has a page");
    let (page, _) = rest.split_once("```").expect("it ends");
    check(page).unwrap_or_else(|errors| panic!("{errors}"));
    for theme in ["prefers-color-scheme: dark", r#"[data-theme="dark"]"#, r#"[data-theme="light"]"#] {
        assert!(page.contains(theme), "{theme}");
    }
    // The check was asked: with one word more it refuses.
    let errors = check(&page.replace("\"use strict\";", "localStorage.clear();")).expect_err("refused");
    assert!(errors.contains("localStorage"), "{errors}");
}
