//! `cargo run --example pack -- --base-url https://docs.example.com/ [--docs FOLDER] [--extension .html]`: writes `assets/`, all of it
//! anew: the pages, their index and the widget.

use std::{env, error::Error, fs, path::PathBuf};

use docs::pack::{Options, pack};

/// Where this repository's own pages would stand. Whoever packs others says where those are.
const BASE: &str = "https://docs.portcullis.example/";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut options =
        Options { docs: folder.join("../../docs"), base_url: BASE.to_owned(), extension: ".md".to_owned() };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--docs" => options.docs = value()?.into(),
            "--base-url" => options.base_url = value()?,
            "--extension" => options.extension = value()?,
            other => return Err(format!("`{other}` is none of --docs, --base-url and --extension").into()),
        }
    }
    let mut files = pack(&options)?;
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
    Ok(())
}
