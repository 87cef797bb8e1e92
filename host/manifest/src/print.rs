//! Writes a manifest in its one canonical form: every default spelt out, so that an admin reads all that is asked for.

use std::fmt::Write as _;

use crate::{
    AssetPattern, Assets, Capability, Confirm, FilesCapability, KvCapability, LIMITS, Manifest, Partition, Prompt,
    Resource, Retired, Tool, ToolName, Unit, Widget, http::HttpCapability,
};

impl Manifest {
    /// The manifest as TOML. Reading it again gives an equal manifest.
    #[must_use]
    pub fn print(&self) -> String {
        let mut out = Printer(String::from("manifest = 1\n"));
        let plugin = &self.plugin;
        out.header("[plugin]");
        out.text("name", plugin.name.as_str());
        out.text("version", &plugin.version);
        out.text("component", &plugin.component);
        out.text("publisher", &plugin.publisher);
        out.text("summary", &plugin.summary);
        out.option("support", plugin.support.as_deref());
        out.option("privacy_policy", plugin.privacy_policy.as_deref());
        out.list("hints", self.hints.iter().map(|hint| hint.as_str().to_owned()));
        for (name, capability) in &self.capabilities {
            out.header(&format!("[capability.{name}]"));
            out.text("kind", capability.kind());
            out.capability(capability);
        }
        if let Some(Assets { folder }) = &self.assets {
            out.header("[assets]");
            out.text("folder", folder);
        }
        out.header("[limits]");
        for row in LIMITS {
            out.amount(row.name, row.bounds.unit, row.get(&self.limits));
        }
        self.tools.iter().for_each(|tool| out.tool(tool));
        self.prompts.iter().for_each(|prompt| out.prompt(prompt));
        self.resources.iter().for_each(|resource| out.resource(resource));
        self.widgets.iter().for_each(|widget| out.widget(widget));
        for Retired { name, instead, why } in &self.retired {
            out.header("[[retired]]");
            out.text("name", name.as_str());
            out.option("instead", instead.as_ref().map(ToolName::as_str));
            out.option("why", why.as_deref());
        }
        out.0
    }
}

impl Capability {
    /// The word that stands in `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kv(_) => "kv",
            Self::Http(_) => "http",
            Self::Files(_) => "files",
        }
    }
}

impl Partition {
    /// The word used in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Shared => "shared",
        }
    }
}

struct Printer(String);

impl Printer {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(line);
        self.0.push('\n');
    }

    fn header(&mut self, header: &str) {
        self.line(format_args!("\n{header}"));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.line(format_args!("{key} = {}", quote(text)));
    }

    fn option(&mut self, key: &str, text: Option<&str>) {
        text.into_iter().for_each(|text| self.text(key, text));
    }

    fn amount(&mut self, key: &str, unit: Unit, amount: u64) {
        match unit {
            Unit::Count => self.line(format_args!("{key} = {amount}")),
            unit => self.text(key, &unit.print(amount)),
        }
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.line(format_args!("{key} = {value}"));
    }

    fn list(&mut self, key: &str, words: impl Iterator<Item = String>) {
        let words: Vec<String> = words.map(|word| quote(&word)).collect();
        self.line(format_args!("{key} = [{}]", words.join(", ")));
    }

    fn capability(&mut self, capability: &Capability) {
        match capability {
            Capability::Kv(KvCapability { partition, quota, keys }) => {
                self.text("partition", partition.as_str());
                self.amount("quota", Unit::Bytes, *quota);
                self.amount("keys", Unit::Count, *keys);
            }
            Capability::Http(http) => self.http(http),
            Capability::Files(FilesCapability { partition, quota, files }) => {
                self.text("partition", partition.as_str());
                self.amount("quota", Unit::Bytes, *quota);
                self.amount("files", Unit::Count, *files);
            }
        }
    }

    fn http(&mut self, http: &HttpCapability) {
        self.text("origin", &http.origin().to_string());
        self.list("allow", http.allow().iter().map(ToString::to_string));
        if let Some(secret) = http.secret() {
            let (name, header, value) = (secret.name().as_str(), secret.header(), secret.value());
            let (name, header, value) = (quote(name), quote(header), quote(&value));
            self.line(format_args!("secret = {{ name = {name}, header = {header}, value = {value} }}"));
        }
        self.amount("redirects", Unit::Count, http.redirects().into());
        self.amount("retries", Unit::Count, http.retries().into());
    }

    fn tool(&mut self, tool: &Tool) {
        self.header("[[tool]]");
        self.text("name", tool.name.as_str());
        self.text("title", &tool.title);
        self.text("description", &tool.description);
        self.text("label", tool.label.as_str());
        // A tool that can't write has neither, and there is no word for that in a manifest.
        if tool.confirm() > Confirm::None {
            self.text("confirm", tool.confirm().as_str());
            self.text("preview", tool.preview.as_str());
        }
        self.list("ask", tool.ask.iter().map(|kind| kind.as_str().to_owned()));
        self.list("uses", tool.uses.iter().map(ToString::to_string));
        self.list("scopes", tool.scopes.iter().map(ToString::to_string));
        self.option("input", tool.input.as_deref());
        self.option("output", tool.output.as_deref());
        self.option("widget", tool.widget.as_ref().map(ToolName::as_str));
        self.list("visibility", tool.visibility.words().map(str::to_owned));
        self.option("invoking", tool.invoking.as_deref());
        self.option("invoked", tool.invoked.as_deref());
        self.list("file_params", tool.file_params.iter().cloned());
        self.text("task", tool.task.as_str());
    }

    fn prompt(&mut self, prompt: &Prompt) {
        self.header("[[prompt]]");
        self.text("name", prompt.name.as_str());
        self.text("title", &prompt.title);
        self.text("description", &prompt.description);
        self.list("ask", prompt.ask.iter().map(|kind| kind.as_str().to_owned()));
        self.list("uses", prompt.uses.iter().map(ToString::to_string));
        self.list("scopes", prompt.scopes.iter().map(ToString::to_string));
        for argument in &prompt.arguments {
            self.header("[[prompt.argument]]");
            self.text("name", argument.name.as_str());
            self.option("title", argument.title.as_deref());
            self.option("description", argument.description.as_deref());
            self.bool("required", argument.required);
            self.bool("complete", argument.complete);
        }
    }

    fn resource(&mut self, resource: &Resource) {
        self.header("[[resource]]");
        self.text("name", resource.name.as_str());
        self.text("title", &resource.title);
        self.text("description", &resource.description);
        self.option("mime", resource.mime.as_deref());
        // What the host answers has neither.
        if resource.asset.is_none() {
            self.list("ask", resource.ask.iter().map(|kind| kind.as_str().to_owned()));
            self.list("uses", resource.uses.iter().map(ToString::to_string));
        }
        self.list("scopes", resource.scopes.iter().map(ToString::to_string));
        self.text("uri", resource.uri.as_str());
        self.list("complete", resource.complete.iter().map(ToString::to_string));
        self.option("asset", resource.asset.as_ref().map(AssetPattern::as_str));
    }

    fn widget(&mut self, widget: &Widget) {
        self.header("[[widget]]");
        self.text("name", widget.name.as_str());
        self.text("title", &widget.title);
        self.text("description", &widget.description);
        self.text("asset", widget.asset.as_str());
        if let Some(version) = widget.version {
            self.amount("version", Unit::Count, version.into());
        }
        let lists = [
            ("connect", &widget.connect),
            ("load", &widget.load),
            ("frame", &widget.frame),
            ("redirect", &widget.redirect),
        ];
        for (key, origins) in lists {
            self.list(key, origins.iter().map(ToString::to_string));
        }
        if let Some(border) = widget.border {
            self.bool("border", border);
        }
        self.option("domain", widget.domain.as_ref().map(ToString::to_string).as_deref());
    }
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
