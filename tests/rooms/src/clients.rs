//! The scripts of tests/clients, run against a host. All that the host says to them is held against the protocol's schemas.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{Home, Pipe, Proxy, place::root};

/// How a client reaches the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// It is given the address of a host that serves.
    Http,
    /// It starts the host itself.
    Stdio,
}

/// Runs a script of tests/clients with `runtime` against a host on `home`, to the end of both; gives the line that the script
/// prints when everything was as it expects.
///
/// # Panics
/// When it was not, with what the script and the host said.
pub fn drive(runtime: &Path, script: &str, home: &Home, era: &str, transport: Transport) -> Value {
    let folder = root().join("tests/clients");
    if Path::new(script).extension().is_some_and(|kind| kind == "mjs") {
        let modules = folder.join("node_modules/@modelcontextprotocol/client");
        assert!(modules.is_dir(), "{} is missing; build it first: cargo xtask test", modules.display());
    }
    let mut command = Command::new(runtime);
    // Python must not leave its cache in the repository.
    command.arg(folder.join(script)).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder);
    command.args(["--era", era]);
    let served = (transport == Transport::Http).then(|| home.serve());
    let proxy = served.as_ref().map(|served| Proxy::start(served.address));
    let pipe = Pipe::new();
    match &proxy {
        Some(proxy) => command.args(["--url", &proxy.url]),
        None => {
            let line = pipe.command_line(home.command_line(["stdio"]));
            let line: Vec<&str> = line.iter().map(|word| word.to_str().expect("temporary paths are UTF-8")).collect();
            command.args(["--stdio", &Value::from(line).to_string()])
        }
    };
    let output = command.output().expect("the client can be started");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script} {era} {transport:?}: {}\n{stdout}\n{stderr}", output.status);
    proxy.map_or_else(|| pipe.verdict(), |proxy| proxy.verdict()).assert();
    // Told to stop rather than killed: then everything that it has to record is recorded.
    if let Some(served) = served {
        served.stop().is(0, &[]);
    }
    serde_json::from_str(stdout.trim()).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

/// The revision that a client of `era` comes to.
#[must_use]
pub fn revision(era: &str) -> &'static str {
    if era == "legacy" { "2025-11-25" } else { "2026-07-28" }
}
