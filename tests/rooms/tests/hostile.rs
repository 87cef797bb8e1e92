//! Attacks on a running host by its own plugins: every tool of `tests/hostile/zoo` under both of its manifests, every guest of
//! `tests/hostile/wat`, and every tool of `tests/hostile/outside`. What each must come to stands in `tests/hostile/README.md`.

#[path = "hostile/canonical.rs"]
mod canonical;
#[path = "hostile/outcomes.rs"]
mod outcomes;
#[path = "hostile/outside/mod.rs"]
mod outside;
#[path = "hostile/over_time.rs"]
mod over_time;
#[path = "hostile/state.rs"]
mod state;
#[path = "hostile/words.rs"]
mod words;
#[path = "hostile/zoo.rs"]
mod zoo;
