//! Bad input, everywhere it can enter the real program: a plugin's folder, arguments, HTTP, the configuration, the data
//! directory, the command line. (Bad lines on stdio are in stdio.rs, hostile code in hostile.rs.) Each is refused with a
//! clear word and the right code; nothing that was kept is lost; what is served goes on being served.

mod arguments;
mod commands;
mod configuration;
mod folders;
mod http;

use portcullis_tests::{Era, Home, Mcp, Served, plugin};
use serde_json::{Value, json};

/// A host with one note in it, which has to outlive everything that a test does.
struct Witness {
    served: Served,
    client: Mcp,
    note: Value,
    releases: Vec<(String, String, String)>,
    home: Home,
}

impl Witness {
    fn new() -> Self {
        let home = Home::with([plugin("plugins/notes")]);
        let served = home.serve();
        let mut client = served.client(Era::Modern);
        let note = client.call("notes_create", json!({ "title": "kept", "body": "through everything" }));
        let releases = releases(&home);
        Self { served, client, note: note["structuredContent"].clone(), releases, home }
    }

    /// Reads the note, on the connection that was there before, and on a new one.
    fn is_unharmed_by(&mut self, what: &str) {
        assert!(self.served.is_up(), "{what}: the host has ended");
        let id = json!({ "id": self.note["id"] });
        let read = self.client.call("notes_read", id.clone());
        assert_eq!(read["structuredContent"], self.note, "{what}");
        let read = self.served.client(Era::Legacy).call("notes_read", id);
        assert_eq!(read["structuredContent"], self.note, "{what}");
    }

    /// That nothing was taken in or decided since it was last asked.
    fn has_the_same_releases_after(&mut self, what: &str) {
        let now = releases(&self.home);
        let before = std::mem::replace(&mut self.releases, now);
        assert_eq!(self.releases, before, "{what}");
    }
}

/// Name, state and fingerprint of each.
fn releases(home: &Home) -> Vec<(String, String, String)> {
    let releases: Value = serde_json::from_str(&home.must(["releases", "--json"])).expect("--json prints JSON");
    let text = |release: &Value, key: &str| release[key].as_str().expect("a release has it").to_owned();
    let releases = releases.as_array().expect("a list").iter();
    releases.map(|one| (text(one, "release"), text(one, "state"), text(one, "fingerprint"))).collect()
}

/// Runs `check` for each case, and fails with the names of all for which it fails.
fn each<C>(cases: impl IntoIterator<Item = C>, mut check: impl FnMut(&C), name: impl Fn(&C) -> String) {
    let mut wrong = Vec::new();
    for case in cases {
        // What a panicking check leaves behind is seen by the next ones, which then fail, too.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&case))).is_err() {
            wrong.push(name(&case));
        }
    }
    assert!(wrong.is_empty(), "each of these said above what is wrong: {}", wrong.join("; "));
}

/// Fails unless `text` has each of `words`.
fn says(text: &str, words: &[&str], what: &str) {
    for word in words {
        assert!(text.contains(word), "{what}: {word:?} is not in: {text}");
    }
}
