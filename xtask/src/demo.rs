//! `cargo xtask demo`: from a fresh clone to a host that serves three real plugins, by the program's own commands.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;

use serde_json::json;

use crate::folders::{NodeFolder, RustFolder};
use crate::host;
use crate::machine;
use crate::place::Place;
use crate::task::{Failure, Task};

const INSPECTOR: &str = "@modelcontextprotocol/inspector@2.12.0";
const PLUGINS: [&str; 3] = ["plugins/notes", "plugins/docs", "plugins/tables"];

const CONFIGURATION: &str = "\
# Written by `cargo xtask demo`; yours to change, it is not written again.

# Here one person publishes and approves. A real host leaves this out: then an approver must be somebody else than the
# publisher, and the store refuses everything else. Each approval records that it was given without.
four_eyes = false
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    listen: String,
    data: Option<PathBuf>,
}

/// Runs it; comes back only if something fails.
pub(crate) fn run<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let place = Place::find()?;
    // What a person gives is meant from where that person is.
    let data = options.data.map_or_else(|| Ok(place.root.join(".portcullis")), std::path::absolute)?;
    println!("building in {}", place.target.display());
    build(&place)?;
    prepare(&data)?;
    let portcullis = place.program("debug", "portcullis");
    let command = || Task::new(&portcullis, &place.root).arg("--data").arg(&data);
    for plugin in PLUGINS {
        println!("==> publish and approve {plugin}");
        if let Err(failure) = command().args(["publish", plugin, "--approve"]).shown() {
            let releases = command().args(["releases", "--json"]).stdout()?;
            let name = plugin.rsplit('/').next().unwrap_or(plugin);
            if !is_served(&releases, name) {
                return Err(failure);
            }
            // The JavaScript engine is put into a component in another order at each build, so this is no edge case.
            println!(
                "{name} is served as it was published before. To serve what was built now: raise `version` in \
                 {plugin}/plugin.toml, or remove {} to begin anew.",
                data.display()
            );
        }
    }
    println!("{}", instructions(&options.listen, &portcullis, &data));
    let mut serve = command().args(["serve", "--listen", &options.listen]).into_command();
    // It takes this process's place: what ends this command ends the host, and nothing stands between.
    Err(serve.stdin(Stdio::inherit()).exec().into())
}

/// Whether a release of the plugin is served, in what `releases --json` prints.
fn is_served(releases: &str, name: &str) -> bool {
    let releases: Vec<serde_json::Value> = serde_json::from_str(releases).unwrap_or_default();
    let of = format!("{name}@");
    releases.iter().any(|release| {
        release["state"] == "served" && release["release"].as_str().is_some_and(|release| release.starts_with(&of))
    })
}

fn build(place: &Place) -> Result<(), Failure> {
    let [notes, docs, tables] = PLUGINS.map(|plugin| place.root.join(plugin));
    machine::c_compiler(place)?;
    machine::node(place)?;
    machine::wasm_target(place)?;
    thread::scope(|scope| {
        println!("==> install and build {} (npm)", place.name(&tables));
        let foreign = scope.spawn(|| {
            let folder = NodeFolder::read(tables.clone())?;
            folder.install()?;
            folder.script("build")
        });
        let native = [&notes, &docs].into_iter().try_for_each(|plugin| {
            println!("==> build {}", place.name(plugin));
            RustFolder::read(place, plugin.clone())?.build(place)
        });
        let native = native.and_then(|()| host::build(place));
        // A panic there is a fault of xtask itself and goes on as one.
        native.and(foreign.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// The data directory and its configuration, where the program finds it by itself.
fn prepare(data: &Path) -> Result<(), Failure> {
    let wrong = |error| Failure::of(format!("{}: {error}", data.display()));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(wrong)?;
    let file = data.join("portcullis.toml");
    if !file.exists() {
        fs::write(&file, CONFIGURATION).map_err(wrong)?;
    }
    Ok(())
}

fn instructions(listen: &str, portcullis: &Path, data: &Path) -> String {
    let port = listen.rsplit(':').next().unwrap_or_default();
    let (url, note) = match port {
        "0" => (format!("http://{}PORT/mcp", &listen[..listen.len() - 1]), "  (PORT is in the last line, `ready ...`)"),
        _ => (format!("http://{listen}/mcp"), ""),
    };
    let client = |server| format!("{:#}", json!({ "mcpServers": { "portcullis": server } }));
    let http = client(json!({ "type": "http", "url": url }));
    let (program, data) = (portcullis.display(), data.display());
    let stdio = client(json!({ "command": program.to_string(), "args": ["--data", data.to_string(), "stdio"] }));
    format!(
        "
Served: the plugins notes, tables and docs, at {url}{note}

MCP clients that speak Streamable HTTP; paste:
{http}

MCP clients that start a program; paste:
{stdio}

The Inspector's command line (Node.js 22.19 or newer):
npx {INSPECTOR} --cli {url} --transport http --method tools/list

One call from a shell, with what it used:
{program} --data {data} call notes_create '{{\"title\": \"First\", \"body\": \"Kept by Portcullis\"}}'

Ctrl-C ends it; what was kept stays in {data}.
"
    )
}

impl Options {
    fn read<'a>(mut arguments: impl Iterator<Item = &'a str>) -> Result<Self, Failure> {
        let mut options = Self { listen: "127.0.0.1:8080".to_owned(), data: None };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| Failure::of(format!("`{name}` needs a value")));
            match name {
                "--listen" => options.listen = value()?.to_owned(),
                "--data" => options.data = Some(value()?.into()),
                other => {
                    let rule = "demo takes --listen ADDR and --data DIR";
                    return Err(Failure::of(format!("{rule}, not `{other}`")));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_served_if_one_of_its_releases_is() {
        let releases = r#"[{"release":"notes@2.0.0","state":"pending"},{"release":"notes@1.0.0","state":"served"},
                           {"release":"tables@1.0.0","state":"retired"}]"#;
        assert!(is_served(releases, "notes"));
        assert!(!is_served(releases, "tables"));
        assert!(!is_served(releases, "note"));
        assert!(!is_served("portcullis: damaged", "notes"));
    }

    #[test]
    fn options_have_defaults_and_unknown_ones_are_refused() {
        let read = |words: &[&'static str]| Options::read(words.iter().copied());
        assert_eq!(read(&[]).unwrap().listen, "127.0.0.1:8080");
        assert_eq!(read(&["--data", "x"]).unwrap().data.as_deref(), Some(Path::new("x")));
        assert!(read(&["--port", "1"]).unwrap_err().to_string().contains("not `--port`"));
        assert!(read(&["--listen"]).unwrap_err().to_string().contains("needs a value"));
    }

    #[test]
    fn what_is_printed_can_be_pasted() {
        let text = instructions("127.0.0.1:8080", Path::new("/p/portcullis"), Path::new("/d"));
        let pasted: Vec<serde_json::Value> = text
            .split("paste:\n")
            .skip(1)
            .map(|part| serde_json::from_str(part.split("\n\n").next().unwrap()).unwrap())
            .collect();
        assert_eq!(pasted[0]["mcpServers"]["portcullis"]["url"], "http://127.0.0.1:8080/mcp");
        assert_eq!(pasted[1]["mcpServers"]["portcullis"]["args"], json!(["--data", "/d", "stdio"]));
        assert!(instructions("127.0.0.1:0", Path::new("/p"), Path::new("/d")).contains("http://127.0.0.1:PORT/mcp"));
    }
}
