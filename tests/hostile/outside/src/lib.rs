//! Attacks on what is behind the host: the network, secrets, files, what should be gone. Each is an honest attempt, and each
//! says line by line what it got. What must happen to each stands in `tests/hostile/README.md`.

mod edges;
mod files;
mod secrets;
mod time;
mod way_out;

use portcullis_plugin::plugin;
use serde::Serialize;

plugin! { tools: {
    "urls" => way_out::urls,
    "read_urls" => way_out::read_urls,
    "labels" => way_out::labels,
    "requests_for_ever" => way_out::requests_for_ever,

    "seek_secret" => secrets::seek,
    "misuse" => secrets::misuse,
    "borrow_secret" => secrets::borrow,

    "file_names" => files::names,
    "fill_with_files" => files::fill_with_files,
    "fill_with_bytes" => files::fill_with_bytes,
    "file_by_name" => files::by_name,
    "write_file_without_uses" => files::without_uses,

    "expire" => time::expire,
    "after" => time::after,
    "expire_never" => time::never,

    "amount" => edges::amount,
} }

/// What an attack learned: one line for each thing it tried. Output schema: `schemas/answers.json`.
#[derive(Default, Serialize)]
struct Answers {
    answers: Vec<String>,
}

/// A number that the host must have kept at what it should be. Output schema: `schemas/count.json`.
#[derive(Serialize)]
struct Count {
    count: u64,
}
