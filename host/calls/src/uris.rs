//! Which resource a URI is of: the one with just this URI, else the template that says most of it.

use std::collections::{BTreeSet, HashMap};

use portcullis_manifest::{PluginName, UriTemplate};

/// What is served under URIs. Nobody's URIs lie within another plugin's: [`meet`] is asked before a release is approved.
pub(crate) struct Uris<T> {
    exact: HashMap<String, T>,
    /// The longest literal beginning stands first; of equally long ones the text that is smaller.
    templates: Vec<(UriTemplate, T)>,
}

impl<T> Default for Uris<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), templates: Vec::new() }
    }
}

impl<T> Uris<T> {
    pub(crate) fn new(entries: impl IntoIterator<Item = (UriTemplate, T)>) -> Self {
        let mut uris = Self::default();
        for (uri, entry) in entries {
            if uri.is_exact() {
                uris.exact.insert(uri.as_str().to_owned(), entry);
            } else {
                uris.templates.push((uri, entry));
            }
        }
        let order = |uri: &UriTemplate| (usize::MAX - uri.prefix().len(), uri.as_str().to_owned());
        uris.templates.sort_by_cached_key(|(uri, _)| order(uri));
        uris
    }

    /// What is at `uri`, with the values of the template's variables, in its order.
    pub(crate) fn find(&self, uri: &str) -> Option<(&T, Vec<(String, String)>)> {
        if let Some(entry) = self.exact.get(uri) {
            return Some((entry, Vec::new()));
        }
        self.templates.iter().find_map(|(template, entry)| {
            let mut values = template.matches(uri)?;
            let mut value = |name: &str| Some((name.to_owned(), values.remove(name)?));
            Some((entry, template.variables().filter_map(|variable| value(variable.name)).collect()))
        })
    }

    /// What has just this template, as it is listed; or this URI, if it has no variables.
    pub(crate) fn template(&self, text: &str) -> Option<&T> {
        let listed = self.templates.iter().find(|(template, _)| template.as_str() == text);
        listed.map(|(_, entry)| entry).or_else(|| self.exact.get(text))
    }
}

/// Which plugins have resources of a scheme. Several may: their URIs do not meet.
#[derive(Default)]
pub(crate) struct Schemes(HashMap<String, BTreeSet<PluginName>>);

impl Schemes {
    pub(crate) fn add(&mut self, uri: &UriTemplate, plugin: &PluginName) {
        self.0.entry(scheme(uri.as_str())).or_default().insert(plugin.clone());
    }

    /// Whether another plugin than `plugin` has resources of the URI's scheme.
    pub(crate) fn is_of_others(&self, uri: &str, plugin: &PluginName) -> bool {
        self.0.get(&scheme(uri)).is_some_and(|plugins| plugins.iter().any(|other| other != plugin))
    }
}

/// In small letters (RFC 3986: its case says nothing).
fn scheme(uri: &str) -> String {
    uri.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether some URI could be of both. Two templates meet when one's literal beginning begins the other's, whatever comes
/// after: two plugins that share a beginning are told apart by nobody who reads an approval.
pub(crate) fn meet(one: &UriTemplate, other: &UriTemplate) -> bool {
    match (one.is_exact(), other.is_exact()) {
        (true, true) => one.as_str() == other.as_str(),
        (true, false) => one.as_str().starts_with(other.prefix()),
        (false, true) => other.as_str().starts_with(one.prefix()),
        (false, false) => one.prefix().starts_with(other.prefix()) || other.prefix().starts_with(one.prefix()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> UriTemplate {
        text.parse().unwrap()
    }

    #[test]
    fn the_exact_uri_comes_first_and_then_the_longest_beginning() {
        let texts = [
            "docs://{+path}",
            "docs://pages/{+path}",
            "docs://pages/{id}/data",
            "docs://pages/index",
            "docs://pages/{name}",
        ];
        let uris = Uris::new(texts.map(|text| (template(text), text)));
        let found = |uri| uris.find(uri).map(|(entry, values)| (*entry, values));
        let value = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(found("docs://pages/index"), Some(("docs://pages/index", Vec::new())));
        assert_eq!(found("docs://other"), Some(("docs://{+path}", value("path", "other"))));
        // Equally long beginnings: the smaller text.
        assert_eq!(found("docs://pages/a/b"), Some(("docs://pages/{+path}", value("path", "a/b"))));
        assert_eq!(found("other://a"), None);
        assert_eq!(found("docs://"), None, "no variable is empty");
        assert_eq!(uris.template("docs://pages/{id}/data"), Some(&"docs://pages/{id}/data"));
        assert_eq!(uris.template("docs://pages/index"), Some(&"docs://pages/index"));
        assert_eq!(uris.template("docs://pages/a"), None, "what a template gives is not a template");
    }

    /// Fails without [`Schemes`]: what a guest embeds under such a URI would be taken for the other plugin's.
    #[test]
    fn mc_10_a_scheme_is_of_others_where_another_plugin_has_resources_of_it() {
        let [docs, wiki, notes]: [PluginName; 3] = ["docs", "wiki", "notes"].map(|name| name.parse().unwrap());
        let mut schemes = Schemes::default();
        schemes.add(&template("docs://pages/{id}"), &docs);
        schemes.add(&template("both://docs/{id}"), &docs);
        schemes.add(&template("both://wiki/{id}"), &wiki);
        for (uri, plugin, expected) in [
            ("docs://pages/admin.md", &notes, true),
            ("DOCS:anything", &notes, true),
            ("docs://pages/admin.md", &docs, false),
            ("both://docs/1", &docs, true),
            ("note:1", &notes, false),
            ("docsx://pages", &notes, false),
        ] {
            assert_eq!(schemes.is_of_others(uri, plugin), expected, "{uri} {plugin}");
        }
    }

    #[test]
    fn values_come_in_the_order_of_the_template() {
        let uris = Uris::new([(template("a://{z}/{a}/{+m}"), ())]);
        let (_, values) = uris.find("a://1/2/3/4").unwrap();
        let expected = [("z", "1"), ("a", "2"), ("m", "3/4")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(values, expected);
    }

    #[test]
    fn mc_04_what_could_be_of_both_meets() {
        for (one, other, expected) in [
            ("a://x", "a://x", true),
            ("a://x", "a://x/y", false),
            ("a://x/{y}", "a://x/y", true),
            ("a://x/{y}", "a://x", false),
            ("a://x/{y}", "a://x/z/{y}", true),
            ("a://x/{y}", "a://z/{y}", false),
            ("a://{+y}", "b://{+y}", false),
        ] {
            assert_eq!(meet(&template(one), &template(other)), expected, "{one} {other}");
            assert_eq!(meet(&template(other), &template(one)), expected, "{other} {one}");
        }
    }
}
