//! What holds for every text that somebody publishes as a `plugin.toml`: shared by the fuzz target and by an ordinary test
//! that goes through the target's corpus.

use portcullis_manifest::{
    Capability, Confirm, Digest, Effect, Label, Manifest, ManifestErrors, Package, hides, http::Boundary,
};

/// Panics when something that must hold does not. Gives whether the text is a manifest.
pub(crate) fn manifest_holds(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match Manifest::parse(text) {
        Ok(manifest) => {
            read_back(&manifest);
            labels_are_true(&manifest);
            capabilities_can_be_shown(&manifest);
            true
        }
        Err(errors) => {
            refusals_have_places(text, &errors);
            false
        }
    }
}

fn refusals_have_places(text: &str, errors: &ManifestErrors) {
    assert!(!errors.as_slice().is_empty());
    for error in errors.as_slice() {
        let place = error.place.expect("a manifest is text, so every refusal has a place");
        let line = text.split('\n').nth(place.line - 1).expect("the line exists");
        assert!(place.column <= line.chars().count() + 1, "{error}");
        let told = error.to_string();
        assert!(!told.chars().any(hides), "what is refused is shown so that a person sees it: {told:?}");
    }
}

fn read_back(manifest: &Manifest) {
    let printed = manifest.print();
    let again = Manifest::parse(&printed).expect("what is printed can be read");
    assert_eq!(&again, manifest, "{printed}");
    assert_eq!(again.print(), printed);
    let component = Digest::of(b"component");
    let package =
        |manifest: &Manifest| Package::new(manifest.clone(), |_| Some(b"{\"type\":\"object\"}".to_vec()), component);
    if let (Ok(one), Ok(other)) = (package(manifest), package(&again)) {
        assert_eq!(one.fingerprint(), other.fingerprint());
        assert_eq!(Package::diff(&one, &other), []);
    }
}

fn labels_are_true(manifest: &Manifest) {
    let (nothing, everything) = (Boundary::default(), Boundary::everything());
    assert!(manifest.check_boundary(&everything).is_ok());
    for tool in &manifest.tools {
        assert!(tool.label >= manifest.computed_label(tool, &everything));
        assert!(manifest.effect(tool, &nothing) >= manifest.effect(tool, &everything));
        let hints = manifest.hints(tool, &nothing);
        assert!(!hints.read_only || manifest.effect(tool, &nothing) < Effect::Write);
        assert!(!hints.open_world || !hints.read_only);
        assert!(tool.confirm() == Confirm::None || tool.label.writes());
        assert!(tool.label != Label::Destructive || tool.confirm() >= Confirm::Preview);
    }
}

fn capabilities_can_be_shown(manifest: &Manifest) {
    for capability in manifest.capabilities.values() {
        if let Capability::Http(http) = capability {
            assert!(!http.allow().is_empty());
            assert!(!http.origin().shown().chars().any(hides));
        }
    }
}
