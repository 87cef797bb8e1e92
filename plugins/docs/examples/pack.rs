//! `cargo run --example pack`: writes `assets/`, all of it anew: the pages, their index and the widget. `--help` has the options.

use std::{env, error::Error, fs, path::PathBuf, process::ExitCode};

use docs::pack::{Options, Packed, check_redirect, pack};

/// Where this repository's own pages would stand. Whoever packs others says where those are.
const BASE: &str = "https://docs.portcullis.example/";

const HELP: &str = "cargo run --example pack -- [--docs FOLDER] [--base-url URL] [--extension TEXT]
Writes assets/, all of it anew: the pages, their index and the widget.

  --docs FOLDER      Markdown: files that end in .md or .markdown, in folders inside it too (../../docs)
  --base-url URL     where people read the pages; begins with https:// and ends with / (https://docs.portcullis.example/)
  --extension TEXT   what stands in an address in the place of .md; may be empty (.md)";

/// How many names of one kind are printed.
const NAMES: usize = 5;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let folder =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|_| "run it with cargo, which says where it is")?);
    let mut options =
        Options { docs: folder.join("../../docs"), base_url: BASE.to_owned(), extension: ".md".to_owned() };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--docs" => options.docs = value()?.into(),
            "--base-url" => options.base_url = value()?,
            "--extension" => options.extension = value()?,
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            other => return Err(format!("`{other}` is none of --docs, --base-url, --extension and --help").into()),
        }
    }
    let Packed { mut files, skipped, cut } = pack(&options)?;
    let manifest = folder.join("plugin.toml");
    let manifest = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    check_redirect(&manifest, &options.base_url)?;
    files.insert("widget/results.html".to_owned(), fs::read(folder.join("widget/results.html"))?);
    let assets = folder.join("assets");
    if assets.exists() {
        fs::remove_dir_all(&assets)?;
    }
    for (name, data) in &files {
        let path = assets.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&assets))?;
        fs::write(path, data)?;
    }
    let pages = files.keys().filter(|name| name.starts_with("pages/")).count();
    let bytes: usize = files.values().map(Vec::len).sum();
    println!("{pages} pages and their index: {} files, {bytes} bytes in assets/", files.len());
    note("left out, because no page", &skipped);
    note("longer than 100000 bytes without a heading, and not searched beyond that", &cut);
    Ok(())
}

/// What a reader would not see in what was made.
fn note(what: &str, names: &[String]) {
    if !names.is_empty() {
        let more = if names.len() > NAMES { ", ..." } else { "" };
        println!("{what}: {} ({}{more})", names.len(), names[..names.len().min(NAMES)].join(", "));
    }
}
