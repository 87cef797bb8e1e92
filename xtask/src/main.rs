//! The project's own commands: `cargo xtask demo`, `sign-in`, `test`, `catalogue` and `bench`, one file each. It starts other programs and says
//! what they did. It must never skip in silence what it was asked to do.

mod bench;
mod catalogue;
mod demo;
mod folders;
mod host;
mod machine;
mod place;
mod sign_in;
mod steps;
mod task;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  demo [--listen ADDR] [--data DIR]
      Builds the host and the plugins notes, docs and tables, publishes and approves them into an embedded store under DIR
      (.portcullis), serves http://ADDR/mcp (127.0.0.1:8080) and prints what to paste into an MCP client.

  sign-in [--listen ADDR] [--provider PORT] [--once]
      Builds the host and the plugin notes, starts an identity provider at localhost:8090 and the host at 127.0.0.1:8080, and
      prints each step of a person who signs in. Both keep running afterwards, without `--once`.

  test
      Formats, lints, builds and runs every suite. Installs what they need from npm and PyPI, and the wasm target through
      rustup; ends with a table of all steps. What could not be run is in it, with what would allow it.

  catalogue [--write]
      Prints which ids of the security catalogue (tests/catalogue.toml) have tests and which do not; fails when one that is
      required has none, or a test names one that is not there. `--write` writes the tables in docs/security.md.

  bench [--probe NAME=COMMAND]... [-- OPTION...]
      Measures the host with shipped defaults beside a bare axum answer and an rmcp native tool, release builds, and
      writes bench.json into the target directory. A probe is a command that prints a JSON object as its last line.
      Options after `--` go to `portcullis-bench all`, for instance `--seconds 1 --rounds 1`.

Everything is built in $CARGO_TARGET_DIR; without it in $XDG_CACHE_HOME/portcullis/target (~/.cache/portcullis/target)
if that folder is there, so that clones share it; otherwise in target/ of this clone.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut rest = arguments.iter().map(String::as_str);
    let command = rest.next().unwrap_or("--help");
    if arguments.iter().take_while(|word| *word != "--").any(|word| ["-h", "--help"].contains(&word.as_str())) {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let done = match command {
        "--help" | "help" => {
            print!("{USAGE}");
            Ok(())
        }
        "demo" => demo::run(rest),
        "sign-in" => sign_in::run(rest),
        "test" => test::run(rest),
        "catalogue" => catalogue::run(rest),
        "bench" => bench::run(rest),
        other => Err(task::Failure::of(format!("there is no command `{other}`\n\n{USAGE}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
