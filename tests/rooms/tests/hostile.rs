//! Attacks on a running host by its own plugins: every tool of `tests/hostile/zoo` under both of its manifests, and every
//! guest of `tests/hostile/wat`. What each must come to stands in `tests/hostile/README.md`.

#[path = "hostile/canonical.rs"]
mod canonical;
#[path = "hostile/outcomes.rs"]
mod outcomes;
#[path = "hostile/over_time.rs"]
mod over_time;
#[path = "hostile/state.rs"]
mod state;
#[path = "hostile/words.rs"]
mod words;
#[path = "hostile/zoo.rs"]
mod zoo;
