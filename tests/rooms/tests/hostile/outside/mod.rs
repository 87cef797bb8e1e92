//! The plugin of `tests/hostile/outside`, which attacks what is behind the host: the network, secrets, files, what should be
//! gone. What is outside is real, and counts; that nothing at all leaves is seen by the kernel. What each attack must come to
//! stands in `tests/hostile/README.md`.

mod echo;
mod edges;
mod kept;
mod secrets;
mod silence;
mod tripwire;
mod way_out;
mod world;

use std::time::Duration;

use portcullis_tests::Holds;
use serde_json::{Value, json};

use crate::zoo::{Attack, LATE, SLACK, Zoo};
use world::World;

/// What the manifest of `outside` says.
const MEMORY: u64 = 16 << 20;
const TIME: Duration = Duration::from_secs(20);

/// A served host with `outside` in it, and the world that it reaches.
struct Siege {
    world: World,
    zoo: Zoo,
    base: u64,
    held: Holds,
}

impl Siege {
    fn lay() -> Self {
        let world = World::open();
        let mut zoo = Zoo::serve(world.home());
        zoo.serves_with_all_it_has();
        (0..4).for_each(|_| drop(zoo.attack("outside_file_by_name", json!({ "name": "none" }))));
        // A component's first call opens its memory image, and the first request what the host keeps for its connections.
        zoo.attack("outside_borrow_secret", json!({}));
        zoo.attack("outside_urls", json!({ "method": "GET", "urls": ["https://example.com/a/b"] }));
        let (base, held) = (zoo.served.resident(), zoo.served.holds());
        Self { world, zoo, base, held }
    }

    /// One attack that ends with `class`, with everything that must hold after it.
    fn attack(&mut self, tool: &str, arguments: Value, class: &str) -> Attack {
        let wire = format!("outside_{tool}");
        self.zoo.served.forget_peak();
        let attack = self.zoo.attack(&wire, arguments);
        let peak = self.zoo.served.peak();
        assert_eq!(attack.class(), class, "{wire}: {}", attack.text());
        assert_eq!(attack.is_error(), class != "ok", "{wire}: {}", attack.result);
        assert!(attack.wall() <= TIME + LATE, "{wire} took {:?}", attack.wall());
        assert!(attack.number("memory") <= MEMORY, "{wire}: {} bytes of memory", attack.number("memory"));
        let allowed = self.base + MEMORY + SLACK;
        assert!(peak <= allowed, "{wire}: the host grew to {peak} bytes; {allowed} are allowed");
        self.zoo.still_serves(&wire);
        attack
    }

    /// The host is as it was before the attacks; gives what it has logged.
    fn lift(self) -> (World, Zoo) {
        self.zoo.served.let_go(self.held);
        let after = self.zoo.served.resident();
        assert!(after <= self.base + SLACK, "the host has {after} bytes; before the attacks it had {}", self.base);
        (self.world, self.zoo)
    }

    /// Every audit row of requests, and of refusals of them.
    fn egress(&self) -> Vec<Value> {
        let rows = self.zoo.home.must(["audit", "--json", "--limit", "10000"]);
        let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"));
        let mut rows: Vec<Value> = rows.filter(|row| row["kind"] == "egress").collect();
        rows.sort_by_key(|row| row["seq"].as_i64());
        rows
    }
}

/// The vectors of host/egress: what is refused, with its kind, and what is sent.
struct Vectors {
    refused: Vec<(String, String)>,
    sent: Vec<String>,
}

impl Vectors {
    fn read() -> Self {
        let vectors: Value = toml::from_str(include_str!("../../../../../host/egress/vectors/destinations.toml"))
            .expect("the vectors are TOML");
        let mut found = Self { refused: Vec::new(), sent: Vec::new() };
        for vector in vectors["vector"].as_array().expect("there are vectors") {
            let kind = vector["kind"].as_str().expect("a vector has a kind");
            for url in vector["urls"].as_array().expect("a vector has URLs") {
                let url = url.as_str().expect("a URL is a text").to_owned();
                match kind {
                    "sent" => found.sent.push(url),
                    kind => found.refused.push((kind.to_owned(), url)),
                }
            }
        }
        assert!(found.refused.len() > 200 && found.sent.len() > 10);
        found
    }
}
