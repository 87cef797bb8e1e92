//! The zoo of `tests/hostile`, served beside `notes`: attacks on it, and what each left in the audit and in the process.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use portcullis_tests::{Era, Home, Mcp, Served, built, plugin, root};
use serde_json::{Value, json};

/// Beyond its `time`, how late a call may end (WX-08).
pub(crate) const LATE: Duration = Duration::from_millis(250);

/// Beyond its `memory`, how much a call may make the process grow (WX-10).
pub(crate) const SLACK: u64 = 32 << 20;

/// How soon after its answer a call's outcome is in the audit: far above the 50 ms that a flush waits.
const RECORDED: Duration = Duration::from_secs(2);

/// The two manifests of the zoo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    /// `plugin.toml`: little fuel, much time.
    Fuel,
    /// `plugin-time.toml`: little time, much fuel.
    Time,
}

/// A host with the zoo in it.
pub(crate) struct Zoo {
    pub(crate) home: Home,
    pub(crate) served: Served,
    client: Mcp,
    /// The newest audit row of each tool that was looked at.
    seen: HashMap<String, i64>,
}

/// A call that has ended.
#[derive(Debug)]
pub(crate) struct Attack {
    /// What the client got.
    pub(crate) result: Value,
    /// Its row in the audit: the kind `call` or `outcome`.
    pub(crate) row: Value,
}

impl Short {
    /// The tool's name on the wire.
    pub(crate) fn wire(self, tool: &str) -> String {
        match self {
            Self::Fuel => format!("zoo_{tool}"),
            Self::Time => format!("zoo_time_{tool}"),
        }
    }
}

impl Zoo {
    pub(crate) fn open() -> Self {
        let _ = built("tests/hostile/zoo/zoo.wasm");
        let zoo = root().join("tests/hostile/zoo");
        let home = Home::with([plugin("plugins/notes"), zoo.join("plugin.toml"), zoo.join("plugin-time.toml")]);
        Self::serve(home)
    }

    /// A home of the test's own.
    pub(crate) fn serve(home: Home) -> Self {
        // Memory and descriptors of a process that is locked down are for root's eyes. Who else runs this measures the same
        // host without that wall; `lockdown.rs` tests the wall, for everybody.
        if !rustix::process::geteuid().is_root() {
            let config = fs::read_to_string(home.config()).expect("the configuration can be read");
            home.configure(format!("{config}\n[lockdown]\nmode = \"off\"\n"));
        }
        let served = home.serve();
        let client = served.client(Era::Legacy);
        Self { home, served, client, seen: HashMap::new() }
    }

    /// The same data directory, served by a new process.
    pub(crate) fn restart(self) -> Self {
        let Self { home, served, client, seen } = self;
        drop(client);
        assert_eq!(served.stop().code, 0, "the host stops as it was told to");
        let served = home.serve();
        let client = served.client(Era::Legacy);
        Self { home, served, client, seen }
    }

    /// Calls a tool over HTTP, as a client does.
    pub(crate) fn call(&mut self, wire: &str, arguments: Value) -> Value {
        self.client.call(wire, arguments)
    }

    /// Calls a tool and looks for its one outcome in the audit.
    pub(crate) fn attack(&mut self, wire: &str, arguments: Value) -> Attack {
        let result = self.call(wire, arguments);
        let mut outcomes = self.outcomes(wire, 1);
        assert_eq!(outcomes.len(), 1, "{wire}: one outcome in the audit: {outcomes:?}");
        Attack { result, row: outcomes.remove(0) }
    }

    /// The outcomes of a tool since it was looked at last: waits for `expected` of them, for as long as that may take.
    pub(crate) fn outcomes(&mut self, wire: &str, expected: usize) -> Vec<Value> {
        let deadline = Instant::now() + RECORDED;
        let mut outcomes = self.new_outcomes(wire);
        while outcomes.len() < expected && Instant::now() < deadline {
            outcomes.extend(self.new_outcomes(wire));
        }
        outcomes
    }

    /// The outcomes of a tool since this was asked last; each has its intent.
    pub(crate) fn new_outcomes(&mut self, wire: &str) -> Vec<Value> {
        let listed = self.home.must(["audit", "--json", "--tool", wire, "--limit", "10000"]);
        let seen = self.seen.entry(wire.to_owned()).or_default();
        let rows: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect();
        let fresh = |row: &&Value| row["seq"].as_i64().expect("a number") > *seen;
        let of_kind = |kind: &'static str| rows.iter().filter(move |row| row["kind"] == kind);
        let outcomes: Vec<Value> = of_kind("outcome").filter(fresh).cloned().collect();
        let calls: Vec<Value> = of_kind("call").filter(fresh).cloned().collect();
        for outcome in &outcomes {
            let intent = of_kind("intent").find(|intent| intent["correlation"] == outcome["correlation"]);
            let intent = intent.unwrap_or_else(|| panic!("{wire}: an outcome without intent: {outcome}"));
            assert!(intent["seq"].as_i64() < outcome["seq"].as_i64(), "{wire}: the intent comes first");
        }
        *seen = rows.iter().filter_map(|row| row["seq"].as_i64()).max().unwrap_or(*seen).max(*seen);
        outcomes.into_iter().chain(calls).collect()
    }

    /// A neighbour's call: the host is up and serves others.
    pub(crate) fn still_serves(&mut self, after: &str) {
        let found = self.call("notes_search", json!({}));
        assert!(found["isError"].is_null() && found["structuredContent"].is_object(), "after {after}: {found}");
    }

    /// As before anything is measured: each of the store's readers opens a file at its first read, which stays open with it.
    pub(crate) fn serves_with_all_it_has(&mut self) {
        for _ in 0..4 {
            self.still_serves("the start");
        }
    }
}

impl Attack {
    /// The audit's word for how it ended.
    pub(crate) fn class(&self) -> &str {
        self.row["class"].as_str().expect("an outcome has a class")
    }

    /// From admission to outcome.
    pub(crate) fn wall(&self) -> Duration {
        Duration::from_micros(self.number("wall_us"))
    }

    /// A number of the audit's row.
    pub(crate) fn number(&self, key: &str) -> u64 {
        self.row[key].as_u64().unwrap_or_else(|| panic!("{key} in {}", self.row))
    }

    /// Whether the client was told of an error.
    pub(crate) fn is_error(&self) -> bool {
        self.result["isError"] == true
    }

    /// All the text that the client got.
    pub(crate) fn text(&self) -> String {
        let blocks = self.result["content"].as_array().expect("a result has content");
        blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// `structuredContent.answers`.
    pub(crate) fn answers(&self) -> Vec<&str> {
        let answers = self.result["structuredContent"]["answers"].as_array();
        let answers = answers.unwrap_or_else(|| panic!("no answers: {}", self.result));
        answers.iter().filter_map(Value::as_str).collect()
    }

    /// `structuredContent.count`.
    pub(crate) fn count(&self) -> u64 {
        self.result["structuredContent"]["count"].as_u64().unwrap_or_else(|| panic!("no count: {}", self.result))
    }
}
