//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

/// A host for WebAssembly plugins behind one MCP connector.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    after_help = "Exit codes: 0 done; 1 refused or failed, stderr says why; 2 usage or configuration; 3 the data directory or \
                  the store can't be used; 4 `call`: the tool answered with an error.\n\nThe first process on a data directory \
                  owns it; the commands of other processes go through its socket."
)]
pub(crate) struct Cli {
    /// Configuration file (TOML). Without it, `portcullis.toml` in the data directory if there is one, else the defaults.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory: database, keys, compiled artefacts. Overrides `data` of the configuration [default: .portcullis]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve MCP over HTTP: on loopback, or anywhere where callers sign in
    Serve {
        /// Address and port; port 0 takes any. Overrides `listen` of the configuration
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
    },
    /// Serve MCP on stdin and stdout, for the person who started it
    Stdio,
    /// Read a plugin and tell what it could do, and why. Keeps nothing and runs nothing
    Check {
        /// The plugin's folder, or its plugin.toml
        path: PathBuf,
        /// What stands before its tools' names on the wire [default: the plugin's name and _]
        #[arg(long)]
        prefix: Option<String>,
    },
    /// Take a plugin's release in: check, compile and keep it as pending
    Publish {
        /// The plugin's folder, or its plugin.toml
        path: PathBuf,
        /// What stands before its tools' names on the wire [default: what the plugin's release has that is served, or was
        /// approved last; else the plugin's name and _]
        #[arg(long)]
        prefix: Option<String>,
        /// Approve it at once; only where `four_eyes = false`
        #[arg(long)]
        approve: bool,
    },
    /// Approve exactly one release and serve it
    Approve {
        /// `plugin@version`, or the first 8 or more digits of its fingerprint
        release: String,
        /// A tool of it that may be called without sign-in, where the operator lets any be: by its name on the wire or in the
        /// manifest; once for each. Only tools labelled read, that use nothing of one person's own. What is not named here needs sign-in
        #[arg(long, value_name = "TOOL")]
        without_sign_in: Vec<String>,
    },
    /// Serve a release no longer
    Withdraw {
        /// `plugin@version`, or the first 8 or more digits of its fingerprint
        release: String,
    },
    /// List releases: what waits, what is served, who approved it
    Releases {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List what is served: tools with their labels, prompts, resources
    #[command(alias = "prompts", alias = "resources")]
    Tools {
        /// Those that are served no longer instead: since when, and how often they were called since
        #[arg(long)]
        retired: bool,
        /// The tools as JSON, as a client gets them
        #[arg(long)]
        json: bool,
    },
    /// Call a tool once, as the local principal, and print what it used
    Call {
        /// Its name on the wire, such as notes_create
        tool: String,
        /// A JSON object; `@FILE` reads it from a file, `-` from stdin
        #[arg(default_value = "{}")]
        arguments: String,
        /// Tell what it would do, and do nothing of it
        #[arg(long)]
        preview: bool,
        /// Do what a preview showed: the confirmation that it gave, with the same arguments
        #[arg(long, value_name = "CONFIRMATION", conflicts_with = "preview")]
        confirm: Option<String>,
        /// Answer and usage as one JSON document
        #[arg(long)]
        json: bool,
    },
    /// List audit records, newest first. Reading them is recorded too
    Audit {
        /// Only this tool, by its name on the wire
        #[arg(long)]
        tool: Option<String>,
        /// Only this call, by its correlation id
        #[arg(long, value_name = "ID")]
        call: Option<uuid::Uuid>,
        /// Only records older than this one, by the number that a record begins with: what comes after the last one listed
        #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(i64).range(1..))]
        before: Option<i64>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// As JSON, one record on each line
        #[arg(long)]
        json: bool,
    },
    /// Look at the set-up from outside, as a client would, and say of each fault what to change. Sends no token, needs no secret
    Doctor {
        /// The URL that clients are given [default: `public_url` of the configuration]
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Shut a subject, a client or tokens out: their tokens are refused at once, good ones too
    Deny(DeniedArgs),
    /// Let in again what `deny` has shut out
    Allow(DeniedArgs),
    /// List who is shut out, newest first
    Denied {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell how many access tokens this host has refused since it started
    Failures {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Internal, for the benchmark: call a tool many times in this process and print the medians of what was used
    #[command(hide = true)]
    Measure {
        /// Its name on the wire
        tool: String,
        /// A JSON object
        arguments: String,
        /// How often
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        times: u32,
    },
    /// Internal: starts helpers for the process that started it
    #[command(hide = true)]
    CompileSpawner,
    /// Internal: compiles for the process that asked for it
    #[command(hide = true)]
    CompileHelper,
    /// Internal: compiles one component and ends
    #[command(hide = true)]
    CompileWorker {
        /// As the helper gives them
        limits: Vec<String>,
    },
}

/// What is shut out, and of which issuer.
#[derive(Debug, Args)]
pub(crate) struct DeniedArgs {
    #[command(flatten)]
    pub(crate) what: DeniedWhat,
    /// Only of this issuer: `iss`, exactly [default: of any]
    #[arg(long, value_name = "ISS")]
    pub(crate) issuer: Option<String>,
}

/// Exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct DeniedWhat {
    /// Every token of this subject: `sub`, exactly
    #[arg(long, value_name = "SUB", allow_hyphen_values = true)]
    pub(crate) subject: Option<String>,
    /// Every token that was given to this client: `client_id`, exactly
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) client: Option<String>,
    /// The one token with this `jti`
    #[arg(long, value_name = "JTI", allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// Every token that was issued before this time: seconds since 1970, or `now`
    #[arg(long, value_name = "TIME")]
    pub(crate) issued_before: Option<String>,
}
