//! Properties of what manifests grant.

use proptest::{prelude::*, sample::Index};

use super::{NOTES, strategy};
use crate::{Access, Effect, Hints, Label, Manifest, Tool, Use};

/// Every `uses` that a tool of `manifest` could have.
fn possible(manifest: &Manifest) -> Vec<Use> {
    let names = manifest.capabilities.keys();
    names
        .flat_map(|name| [Access::Read, Access::Write].map(|access| Use { capability: name.clone(), access }))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn wx_03_another_use_never_lowers_effect_label_or_strictness(manifest in strategy::manifest(), pick: Index) {
        let possible = possible(&manifest);
        prop_assume!(!possible.is_empty());
        for tool in &manifest.tools {
            let mut more = tool.clone();
            more.uses.push(pick.get(&possible).clone());
            prop_assert!(manifest.effect(&more) >= manifest.effect(tool));
            prop_assert!(manifest.computed_label(&more) >= manifest.computed_label(tool));
            let read_only = |tool: &Tool| Hints::from(manifest.computed_label(tool)).read_only;
            prop_assert!(read_only(tool) || !read_only(&more));
            let held = |tool: &Tool| manifest.grants(tool);
            prop_assert!(held(tool).iter().all(|grant| held(&more).contains(grant)));
        }
    }

    #[test]
    fn wx_03_one_use_less_never_raises_effect_or_allows_more(manifest in strategy::manifest(), pick: Index) {
        for tool in manifest.tools.iter().filter(|tool| !tool.uses.is_empty()) {
            let mut less = tool.clone();
            less.uses.remove(pick.index(tool.uses.len()));
            prop_assert!(manifest.effect(&less) <= manifest.effect(tool));
            prop_assert!(manifest.computed_label(&less) <= manifest.computed_label(tool));
            prop_assert!(manifest.grants(&less).iter().all(|grant| manifest.grants(tool).contains(grant)));
        }
    }

    #[test]
    fn wr_01_what_can_write_is_never_called_read_only(manifest in strategy::manifest()) {
        for tool in &manifest.tools {
            let writes = manifest.grants(tool).iter().any(|grant| grant.access == Access::Write);
            let hints = tool.hints();
            prop_assert!(!(writes && hints.read_only));
            prop_assert_eq!(writes, manifest.effect(tool) == Effect::Write);
            prop_assert!(tool.label >= manifest.computed_label(tool));
            prop_assert_eq!(hints.read_only, tool.label == Label::Read);
            prop_assert!(!(hints.read_only && hints.destructive));
            prop_assert!(!hints.idempotent || hints.read_only);
            // All four are always said.
            let said = serde_json::to_value(hints).unwrap();
            prop_assert_eq!(said.as_object().unwrap().len(), 4);
        }
    }

    #[test]
    fn rg_40_what_is_printed_reads_back_the_same(manifest in strategy::manifest()) {
        let printed = manifest.print();
        let read = Manifest::parse(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&manifest), "{}", printed);
        // The order of capabilities, which equality does not see, is kept too.
        prop_assert!(read.unwrap().capabilities.keys().eq(manifest.capabilities.keys()));
    }

    #[test]
    fn rg_40_arbitrary_text_is_refused_without_panic(text in any::<String>()) {
        let errors = Manifest::parse(&text).unwrap_err();
        prop_assert!(!errors.as_slice().is_empty());
    }

    #[test]
    fn rg_40_text_that_looks_like_toml_never_panics(text in "([a-z.]{1,8} ?= ?|\\[{1,2}|\\]{1,2}|\"|'|[0-9]{1,3}|\\{|\\}|,|\n|#|\\\\u[0-9a-f]{0,8}|é){0,60}") {
        let _ = Manifest::parse(&text);
    }

    #[test]
    fn rg_40_a_mutated_manifest_is_read_or_refused_with_places_that_exist(
        edits in prop::collection::vec((any::<Index>(), 0..4_u8, any::<Index>(), any::<char>()), 1..8)
    ) {
        let mut text: Vec<char> = NOTES.chars().collect();
        for (at, edit, other, put) in edits {
            let (at, other) = (at.index(text.len()), other.index(text.len()));
            match edit {
                0 => { text.remove(at); }
                1 => text.insert(at, put),
                2 => text.swap(at, other),
                _ => { text.drain(at.min(other)..at.max(other)); }
            }
            if text.is_empty() {
                text.push(put);
            }
        }
        let text: String = text.into_iter().collect();
        match Manifest::parse(&text) {
            Ok(manifest) => prop_assert_eq!(Manifest::parse(&manifest.print()), Ok(manifest)),
            Err(errors) => {
                prop_assert!(!errors.as_slice().is_empty());
                for error in errors.as_slice() {
                    let place = error.place.unwrap();
                    let line = text.split('\n').nth(place.line - 1);
                    prop_assert!(line.is_some_and(|line| place.column <= line.chars().count() + 1), "{error}");
                    prop_assert!(!error.path.is_empty(), "{}", error);
                }
            }
        }
    }
}
