//! The commands: each reads its arguments, asks one question of the host, and prints the answer.

mod call;
mod denied;
mod inspect;
mod lists;
mod source;
pub(crate) mod terminal;

use std::{future::Future, path::Path};

use portcullis_identity::{Denials, Identity};
use portcullis_manifest::visible;
use serde_json::Value;

use crate::{
    cli::{Cli, Command},
    config::Config,
    control::{Access, Request, Response},
    doctor,
    exit::Failure,
    host, logging, serve,
};

pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { config, data, command } = cli;
    match command {
        // These run before anything is configured: they inherit nothing and log nothing.
        Command::CompileSpawner => portcullis_sandbox::spawner_main("compile-helper").map_err(Failure::refused),
        Command::CompileHelper => portcullis_sandbox::helper_main("compile-worker").map_err(Failure::refused),
        Command::CompileWorker { limits } => match portcullis_sandbox::worker_main(&limits) {
            Ok(0) => Ok(()),
            Ok(code) => std::process::exit(code.into()),
            Err(error) => Err(Failure::refused(error)),
        },
        Command::Check { path, prefix } => inspect::check(&source::read(&path, prefix)?),
        command => {
            let again = named_again(config.as_deref(), data.as_deref());
            let config = Config::load(config.as_deref(), data.as_deref())?;
            logging::start(&config.log)?;
            work(config, command, again)
        }
    }
}

/// Runs `work` on a runtime. An owner is locked down by now: every thread that is started here is held to it.
fn on_a_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::refused)?;
    let result = runtime.block_on(work);
    // stdin is read by a thread that can't be interrupted; nothing of ours waits for it.
    runtime.shutdown_background();
    result
}

/// How the next command names this host, for what is printed to be typed.
fn named_again(config: Option<&Path>, data: Option<&Path>) -> String {
    let option = |name: &str, path: Option<&Path>| {
        path.map_or_else(String::new, |path| format!(" --{name} {}", visible(&path.display().to_string())))
    };
    option("config", config) + &option("data", data)
}

fn work(mut config: Config, command: Command, again: String) -> Result<(), Failure> {
    match command {
        Command::Serve { listen } => {
            config.listen = listen.or(config.listen);
            let bound = serve::ready(&config)?;
            return on_a_runtime(serve::serve(&config, bound));
        }
        Command::Measure { tool, arguments, times } => {
            let arguments = call::arguments(&arguments)?;
            let Access::Here(ready) = Access::open(&config, false)? else {
                return Err(Failure::data("another process owns the data directory; measure one that nobody serves"));
            };
            return on_a_runtime(async {
                let owner = host::start(&config, *ready, Identity::local(), Denials::default()).await?;
                call::measure(&owner, &tool, &arguments, times).await
            });
        }
        Command::Doctor { url, json } => return on_a_runtime(doctor::run(&config, url.as_deref(), json)),
        Command::Stdio => {
            let access = Access::open(&config, true)?;
            return on_a_runtime(access.stdio(&config));
        }
        _ => {}
    }
    let makes = matches!(command, Command::Publish { .. } | Command::Deny(_));
    // Arguments are read before the host is reached, so that a mistake in them costs nothing.
    let (request, print): (Request, Print) = match command {
        Command::Publish { path, prefix, approve } => (
            source::read(&path, prefix)?.into_request(approve),
            Box::new(move |answer| lists::published(answer, &again)),
        ),
        Command::Approve { release, without_sign_in } => {
            (Request::Decide { release, approve: true, without_sign_in }, Box::new(lists::approved))
        }
        Command::Withdraw { release } => {
            let without_sign_in = Vec::new();
            (Request::Decide { release, approve: false, without_sign_in }, Box::new(lists::withdrawn))
        }
        Command::Releases { json } => (Request::Releases, Box::new(move |answer| lists::releases(answer, json))),
        Command::Tools { retired: true, json } => {
            (Request::Retired, Box::new(move |answer| lists::retired(answer, json)))
        }
        Command::Tools { retired: false, json } => (Request::Tools, Box::new(move |answer| lists::tools(answer, json))),
        Command::Call { tool, arguments, preview, confirm, json } => {
            let mut arguments = call::arguments(&arguments)?;
            if let Some(confirmation) = confirm {
                arguments.insert(portcullis_calls::CONFIRMATION.to_owned(), confirmation.into());
            }
            (Request::Call { tool, arguments, preview }, Box::new(move |answer| call::print(answer, json)))
        }
        Command::Deny(arguments) => (Request::Deny { denied: denied::line(arguments) }, Box::new(denied::denied)),
        Command::Allow(arguments) => (Request::Allow { denied: denied::line(arguments) }, Box::new(denied::allowed)),
        Command::Denied { json } => (Request::Denied, Box::new(move |answer| denied::list(answer, json))),
        Command::Failures { json } => (Request::Failures, Box::new(move |answer| denied::failures(answer, json))),
        Command::Audit { tool, call, before, limit, json } => {
            (Request::Audit { tool, call, before, limit }, Box::new(move |answer| lists::audit(answer, json)))
        }
        Command::Serve { .. } | Command::Stdio | Command::Measure { .. } | Command::Doctor { .. } => {
            unreachable!("handled above")
        }
        Command::Check { .. } | Command::CompileSpawner | Command::CompileHelper | Command::CompileWorker { .. } => {
            unreachable!("handled by the caller")
        }
    };
    // It is made for whoever asks, and asked for what it can't have it is perhaps not the one that was meant.
    if !makes && !config.data().exists() {
        eprintln!("note: there was no data directory {}; it is made now, and is empty", config.data().display());
    }
    let access = Access::open(&config, false)?;
    on_a_runtime(async { print(access.ask(&config, request).await?) })
}

type Print = Box<dyn FnOnce(Response) -> Result<(), Failure>>;

/// Writes JSON for people and programs.
fn json(value: &Value) {
    println!("{}", terminal::json(&format!("{value:#}")));
}

/// The answer to another question: a fault of the program.
fn unexpected() -> Failure {
    Failure::refused(
        "the owner of the data directory answered another question; is it another version of this program?",
    )
}
