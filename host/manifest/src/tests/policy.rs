//! Properties of what manifests grant.

use proptest::{prelude::*, sample::Index};

use super::{CRM, NOTES, strategy};
use crate::{Access, Capability, Confirm, Effect, Grant, Label, Manifest, Tool, Use, http::Boundary};

/// Every `uses` that a tool of `manifest` could have.
fn possible(manifest: &Manifest) -> Vec<Use> {
    let names = manifest.capabilities.keys();
    names
        .flat_map(|name| [Access::Read, Access::Write].map(|access| Use { capability: name.clone(), access }))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Fails with an effect or a label that is anything but the highest of what the uses reach.
    #[test]
    fn wx_03_another_use_never_lowers_effect_label_or_strictness(
        manifest in strategy::manifest(), inside in strategy::inside(), pick: Index
    ) {
        let possible = possible(&manifest);
        prop_assume!(!possible.is_empty());
        let boundary = Boundary::new(inside);
        for tool in &manifest.tools {
            let mut more = tool.clone();
            more.uses.push(pick.get(&possible).clone());
            prop_assert!(manifest.effect(&more, &boundary) >= manifest.effect(tool, &boundary));
            prop_assert!(manifest.computed_label(&more, &boundary) >= manifest.computed_label(tool, &boundary));
            let (fewer, more_hints) = (manifest.hints(tool, &boundary), manifest.hints(&more, &boundary));
            prop_assert!(fewer.read_only || !more_hints.read_only);
            prop_assert!(!fewer.open_world || more_hints.open_world);
            let held = |tool: &Tool| manifest.grants(tool);
            prop_assert!(held(tool).iter().all(|grant| held(&more).contains(grant)));
        }
    }

    #[test]
    fn wx_03_one_use_less_never_raises_effect_or_allows_more(
        manifest in strategy::manifest(), inside in strategy::inside(), pick: Index
    ) {
        let boundary = Boundary::new(inside);
        for tool in manifest.tools.iter().filter(|tool| !tool.uses.is_empty()) {
            let mut less = tool.clone();
            less.uses.remove(pick.index(tool.uses.len()));
            prop_assert!(manifest.effect(&less, &boundary) <= manifest.effect(tool, &boundary));
            prop_assert!(manifest.computed_label(&less, &boundary) <= manifest.computed_label(tool, &boundary));
            prop_assert!(manifest.grants(&less).iter().all(|grant| manifest.grants(tool).contains(grant)));
        }
    }

    /// Fails without: `computed_label` as the lowest label there may be, or with hints that do not follow from the
    /// label.
    #[test]
    fn wx_03_a_wider_boundary_never_raises_effect_or_label(
        manifest in strategy::manifest(), inside in strategy::inside(), more in strategy::inside()
    ) {
        let narrow = Boundary::new(inside.clone());
        let wide = Boundary::new(inside.into_iter().chain(more).collect());
        let (nothing, everything) = (Boundary::default(), Boundary::everything());
        for tool in &manifest.tools {
            for (narrow, wide) in [(&nothing, &narrow), (&narrow, &wide), (&wide, &everything)] {
                prop_assert!(manifest.effect(tool, narrow) >= manifest.effect(tool, wide));
                prop_assert!(manifest.computed_label(tool, narrow) >= manifest.computed_label(tool, wide));
                prop_assert!(manifest.check_boundary(narrow).is_err() || manifest.check_boundary(wide).is_ok());
                let (narrow, wide) = (manifest.hints(tool, narrow), manifest.hints(tool, wide));
                prop_assert!(!narrow.read_only || wide.read_only);
                prop_assert!(narrow.open_world || !wide.open_world);
            }
        }
    }

    #[test]
    fn wr_01_what_can_write_is_never_called_read_only(
        manifest in strategy::manifest(), inside in strategy::inside()
    ) {
        let boundary = Boundary::new(inside);
        for tool in &manifest.tools {
            let grants = manifest.grants(tool);
            let leads_out = |grant: &Grant| match &grant.capability {
                Capability::Http(http) => !boundary.covers(http.origin()),
                Capability::Kv(_) | Capability::Files(_) => false,
            };
            let writes = grants.iter().any(|grant| grant.access == Access::Write || leads_out(grant));
            let hints = manifest.hints(tool, &boundary);
            prop_assert!(!(writes && hints.read_only));
            prop_assert_eq!(writes, manifest.effect(tool, &boundary) == Effect::Write);
            prop_assert!(tool.label >= manifest.computed_label(tool, &Boundary::everything()));
            prop_assert!(!hints.read_only || tool.label == Label::Read);
            prop_assert_eq!(hints.destructive, tool.label == Label::Destructive);
            prop_assert_eq!(hints.open_world, grants.iter().any(leads_out));
            prop_assert!(!(hints.read_only && (hints.destructive || hints.open_world)));
            prop_assert!(!hints.idempotent || hints.read_only);
            // All four are always said.
            let said = serde_json::to_value(hints).unwrap();
            prop_assert_eq!(said.as_object().unwrap().len(), 4);
        }
    }

    #[test]
    fn wr_02_a_label_that_is_too_low_for_a_boundary_is_always_told(
        manifest in strategy::manifest(), inside in strategy::inside()
    ) {
        let boundary = Boundary::new(inside);
        let too_low = |tool: &&Tool| tool.label < manifest.computed_label(tool, &boundary);
        let mut expected: Vec<String> =
            manifest.tools.iter().filter(too_low).map(|tool| format!("tool.{}.uses", tool.name)).collect();
        // What never writes reaches nothing outside.
        let out = |uses: &[Use]| manifest.held(uses).iter().any(|grant| grant.capability.leads_out(&boundary));
        let prompts = manifest.prompts.iter().filter(|prompt| out(&prompt.uses));
        expected.extend(prompts.map(|prompt| format!("prompt.{}.uses", prompt.name)));
        let resources = manifest.resources.iter().filter(|resource| out(&resource.uses));
        expected.extend(resources.map(|resource| format!("resource.{}.uses", resource.name)));
        expected.sort();
        let mut told: Vec<String> = manifest
            .check_boundary(&boundary)
            .err()
            .map(|errors| errors.as_slice().iter().map(|error| error.path.clone()).collect())
            .unwrap_or_default();
        told.sort();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn a_tool_is_confirmed_at_least_as_its_label_wants(manifest in strategy::manifest()) {
        for tool in &manifest.tools {
            prop_assert!(tool.label != Label::Destructive || tool.confirm() >= Confirm::Preview);
            prop_assert!(tool.label.writes() || tool.confirm() == Confirm::None);
            // What is printed is all that there is: reading fills nothing in.
            prop_assert_eq!(tool.confirm, tool.confirm());
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
        base in prop::sample::select(vec![NOTES, CRM]),
        edits in prop::collection::vec((any::<Index>(), 0..4_u8, any::<Index>(), any::<char>()), 1..8)
    ) {
        let mut text: Vec<char> = base.chars().collect();
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
