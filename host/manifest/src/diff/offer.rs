//! What changes about assets, prompts, resources and widgets.

use std::collections::BTreeSet;

use super::{Changed, compare::Diff};
use crate::{
    AssetName, AssetPattern, Assets, Package, Prompt, PromptArgument, Resource, ToolName, Widget, http::OriginPattern,
};

/// A word for what is true or false.
fn yes(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

impl Diff {
    /// What is in a list; `widens`: whether more in it is more authority.
    pub(super) fn list<T: PartialEq>(
        &mut self,
        key: &'static str,
        was: &[T],
        is: &[T],
        widens: bool,
        word: impl Fn(&T) -> String,
    ) {
        for item in is.iter().filter(|item| !was.contains(item)) {
            self.add(Changed::Listed { key, item: word(item), widens });
        }
        for item in was.iter().filter(|item| !is.contains(item)) {
            self.add(Changed::Unlisted { key, item: word(item) });
        }
        self.order(key, was, is);
    }

    fn truth(&mut self, key: &'static str, was: bool, is: bool) {
        self.text(key, Some(yes(was)), Some(yes(is)));
    }

    pub(super) fn assets(&mut self, old: &Package, new: &Package) {
        self.about("assets");
        let folder = |package: &Package| package.manifest.assets.as_ref().map(|Assets { folder }| folder.clone());
        self.text("folder", folder(old).as_deref(), folder(new).as_deref());
        let names: BTreeSet<&AssetName> = old.assets.keys().chain(new.assets.keys()).collect();
        for name in names {
            let (was, is) = (old.assets.get(name).copied(), new.assets.get(name).copied());
            if was != is {
                self.add(Changed::Asset { name: name.clone(), was, is });
            }
        }
    }

    /// Those that are in one only, under their names, and what both have in another order.
    fn offers<T>(&mut self, kind: &'static str, old: &[T], new: &[T], name: fn(&T) -> &ToolName) {
        let names = |offers: &[T]| offers.iter().map(|offer| name(offer).clone()).collect::<Vec<_>>();
        let (was, is) = (names(old), names(new));
        for name in is.iter().filter(|name| !was.contains(name)) {
            self.about(format!("{kind}.{name}"));
            self.add(Changed::OfferAdded(kind));
        }
        for name in was.iter().filter(|name| !is.contains(name)) {
            self.about(format!("{kind}.{name}"));
            self.add(Changed::OfferRemoved(kind));
        }
        self.about(kind);
        self.order(kind, &was, &is);
    }

    pub(super) fn prompts(&mut self, old: &Package, new: &Package) {
        for is in &new.manifest.prompts {
            if let Some(was) = old.manifest.prompt(is.name.as_str()) {
                self.about(format!("prompt.{}", is.name));
                self.prompt(was, is);
            }
        }
        self.offers("prompt", &old.manifest.prompts, &new.manifest.prompts, |prompt: &Prompt| &prompt.name);
    }

    fn prompt(&mut self, was: &Prompt, is: &Prompt) {
        self.text("title", Some(&was.title), Some(&is.title));
        self.text("description", Some(&was.description), Some(&is.description));
        self.asking(&was.ask, &is.ask);
        self.uses(&was.uses, &is.uses);
        self.scopes(&was.scopes, &is.scopes);
        let names = |prompt: &Prompt| prompt.arguments.iter().map(|argument| argument.name.clone()).collect::<Vec<_>>();
        self.list("argument", &names(was), &names(is), false, ToString::to_string);
        for argument in &is.arguments {
            let Some(before) = was.argument(argument.name.as_str()) else { continue };
            self.about(format!("prompt.{}.argument.{}", is.name, argument.name));
            self.argument(before, argument);
        }
    }

    fn argument(&mut self, was: &PromptArgument, is: &PromptArgument) {
        self.text("title", was.title.as_deref(), is.title.as_deref());
        self.text("description", was.description.as_deref(), is.description.as_deref());
        self.truth("required", was.required, is.required);
        self.truth("complete", was.complete, is.complete);
    }

    pub(super) fn resources(&mut self, old: &Package, new: &Package) {
        for is in &new.manifest.resources {
            if let Some(was) = old.manifest.resource(is.name.as_str()) {
                self.about(format!("resource.{}", is.name));
                self.resource(was, is);
            }
        }
        self.offers("resource", &old.manifest.resources, &new.manifest.resources, |resource: &Resource| &resource.name);
    }

    fn resource(&mut self, was: &Resource, is: &Resource) {
        self.text("title", Some(&was.title), Some(&is.title));
        self.text("description", Some(&was.description), Some(&is.description));
        self.text("mime", was.mime.as_deref(), is.mime.as_deref());
        self.asking(&was.ask, &is.ask);
        self.uses(&was.uses, &is.uses);
        self.scopes(&was.scopes, &is.scopes);
        self.text("uri", Some(was.uri.as_str()), Some(is.uri.as_str()));
        self.list("complete", &was.complete, &is.complete, false, ToString::to_string);
        let asset = |resource: &Resource| resource.asset.as_ref().map(AssetPattern::to_string);
        self.text("asset", asset(was).as_deref(), asset(is).as_deref());
    }

    pub(super) fn widgets(&mut self, old: &Package, new: &Package) {
        for is in &new.manifest.widgets {
            if let Some(was) = old.manifest.widget(is.name.as_str()) {
                self.about(format!("widget.{}", is.name));
                self.widget(was, is);
            }
        }
        self.offers("widget", &old.manifest.widgets, &new.manifest.widgets, |widget: &Widget| &widget.name);
    }

    fn widget(&mut self, was: &Widget, is: &Widget) {
        self.text("title", Some(&was.title), Some(&is.title));
        self.text("description", Some(&was.description), Some(&is.description));
        self.text("asset", Some(was.asset.as_str()), Some(is.asset.as_str()));
        let version = |widget: &Widget| widget.version.map(|version| version.to_string());
        self.text("version", version(was).as_deref(), version(is).as_deref());
        let lists = [
            ("connect", &was.connect, &is.connect),
            ("load (script too)", &was.load, &is.load),
            ("frame", &was.frame, &is.frame),
            ("redirect", &was.redirect, &is.redirect),
        ];
        for (key, was, is) in lists {
            self.list(key, was, is, true, OriginPattern::shown);
        }
        let border = |widget: &Widget| widget.border.map(yes);
        self.text("border", border(was), border(is));
        let domain = |widget: &Widget| widget.domain.as_ref().map(OriginPattern::shown);
        self.text("domain", domain(was).as_deref(), domain(is).as_deref());
    }
}
