//! Attacks on the host, one to a tool. Each is an honest attempt: nothing here stops by itself before it has won, or
//! before a limit that any plugin meets. What must happen to each stands in `tests/hostile/README.md`.

mod answers;
mod authority;
mod counting;
mod data;
mod effort;
mod memory;
mod over_time;
mod sight;

use portcullis_plugin::plugin;
use serde::Serialize;

plugin! { tools: {
    "spin" => effort::spin,
    "memfill" => effort::memfill,
    "recursion" => effort::recursion,
    "recursion_frames" => effort::recursion_frames,
    "recursion_host_calls" => effort::recursion_host_calls,
    "clock_spin" => effort::clock_spin,
    "sleeper" => effort::sleeper,
    "trap" => effort::trap,
    "panic" => effort::panic,
    "exit" => effort::exit,

    "memory_bomb" => memory::bomb,
    "memory_touch" => memory::touch,
    "leave_canary" => memory::leave_canary,
    "find_canary" => memory::find_canary,
    "counter" => memory::counter,

    "flood_caller" => counting::flood_caller,
    "flood_kv" => counting::flood_kv,
    "flood_log" => counting::flood_log,
    "flood_stdout" => counting::flood_stdout,
    "leak_handles" => counting::leak_handles,
    "random_bomb" => counting::random_bomb,

    "huge_return" => data::huge_return,
    "huge_structure" => data::huge_structure,
    "huge_log" => data::huge_log,
    "huge_key" => data::huge_key,
    "huge_value" => data::huge_value,
    "many_blocks" => data::many_blocks,
    "deep_json" => data::deep_json,

    "keep" => authority::keep,
    "look" => authority::look,
    "write_by_set" => authority::write_by_set,
    "write_by_delete" => authority::write_by_delete,
    "write_by_swap" => authority::write_by_swap,
    "write_without_uses" => authority::write_without_uses,
    "trap_after_write" => authority::trap_after_write,
    "fail_after_write" => authority::fail_after_write,
    "unknown_capability" => authority::unknown_capability,
    "other_tools_capability" => authority::other_tools_capability,
    "escape_keys" => authority::escape_keys,
    "escape_pages" => authority::escape_pages,
    "fill_with_values" => authority::fill_with_values,
    "fill_with_keys" => authority::fill_with_keys,

    "not_json" => answers::not_json,
    "not_an_object" => answers::not_an_object,
    "wrong_shape" => answers::wrong_shape,
    "no_structure" => answers::no_structure,
    "undeclared_question" => answers::undeclared_question,
    "bad_link" => answers::bad_link,
    "bad_mime" => answers::bad_mime,
    "bad_meta" => answers::bad_meta,
    "poison" => answers::poison,
    "forged_log" => answers::forged_log,
    "forged_stdout" => answers::forged_stdout,

    "look_around" => sight::look_around,

    "turn" => over_time::turn,
    "who" => over_time::who,
    "iterate_all" => over_time::iterate_all,
} }

/// What an attempt learned: one line for each thing it tried. Output schema: `schemas/answers.json`.
#[derive(Default, Serialize)]
struct Answers {
    answers: Vec<String>,
}

/// A number that the host must have kept at what it should be. Output schema: `schemas/count.json`.
#[derive(Serialize)]
struct Count {
    count: u64,
}
