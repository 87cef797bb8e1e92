//! `docs/configuration.md` and `examples/portcullis.toml` have the keys that the program reads, no more and no fewer.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

fn file(path: &str) -> String {
    let crate_directory = std::env::var_os("CARGO_MANIFEST_DIR").expect("tests are run by cargo");
    let path = Path::new(&crate_directory).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The program, asked for its releases under `configuration`.
fn run(configuration: &str) -> Output {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("test.toml");
    fs::write(&config, configuration).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    program.arg("--config").arg(config).arg("--data").arg(home.path().join("data")).arg("releases");
    program.output().unwrap()
}

/// The keys that the program offers in place of one that it does not know; none if it is not of that table that it complains.
fn offered(table: &str) -> Option<Vec<String>> {
    let output = run(&format!("{table}\nno_such_key = 1\n"));
    assert_eq!(output.status.code(), Some(2), "{table}");
    let said = String::from_utf8(output.stderr).unwrap();
    let (_, expected) = said.split_once("unknown field `no_such_key`, expected ")?;
    Some(expected.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Every key that the program reads, those of tables with the table's name in front.
fn read_by_the_program() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for name in offered("").expect("the program lists its keys") {
        match offered(&format!("[{name}]")) {
            Some(inside) => keys.extend(inside.iter().map(|key| format!("{name}.{key}"))),
            None => drop(keys.insert(name)),
        }
    }
    assert!(keys.contains("four_eyes") && keys.contains("log.filter"), "{keys:?}");
    keys
}

/// The first cell of each row, under the heading that names its table.
fn documented() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut table = String::new();
    for line in file("docs/configuration.md").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            table = heading.strip_prefix("`[").and_then(|rest| rest.strip_suffix("]`")).unwrap_or_default().to_owned();
        }
        if let Some(key) = line.strip_prefix("| `").and_then(|row| row.split('`').next()) {
            let key = if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
            assert!(keys.insert(key), "twice: {line}");
        }
    }
    keys
}

/// The example with the keys that it shows switched off switched on.
fn example() -> String {
    let file = file("examples/portcullis.toml");
    let on = |line: &str| match line.strip_prefix("# ") {
        Some(rest)
            if rest
                .split_once(" = ")
                .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')) =>
        {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    file.lines().map(on).collect::<Vec<_>>().join("\n")
}

fn shown() -> BTreeSet<String> {
    let table: toml::Table = example().parse().unwrap();
    let keys = table.iter().flat_map(|(name, value)| match value {
        // A table without keys of its own is one that the operator fills.
        toml::Value::Table(inside) if !inside.is_empty() => inside.keys().map(|key| format!("{name}.{key}")).collect(),
        _ => vec![name.clone()],
    });
    keys.collect()
}

#[test]
fn the_page_has_every_key_that_the_program_reads_and_no_other() {
    assert_eq!(documented(), read_by_the_program());
}

#[test]
fn the_example_has_every_key_that_the_program_reads_and_no_other() {
    assert_eq!(shown(), read_by_the_program());
}

#[test]
fn the_example_is_a_configuration_that_the_program_takes() {
    for configuration in [file("examples/portcullis.toml"), example()] {
        let output = run(&configuration);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
