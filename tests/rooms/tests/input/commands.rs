//! The command line.

use portcullis_tests::{Home, plugin};

use super::{Witness, each, says};

/// What is wrong, the words on the command line, the exit code, and what stderr has to say.
type Case = (&'static str, &'static [&'static str], i32, &'static [&'static str]);

const CASES: &[Case] = &[
    ("no command", &[], 2, &["Usage: portcullis"]),
    ("an unknown command", &["install"], 2, &["unrecognized subcommand 'install'"]),
    ("an unknown option", &["tools", "--all"], 2, &["unexpected argument '--all'"]),
    ("too many words", &["tools", "notes"], 2, &["unexpected argument 'notes'"]),
    ("nothing to approve", &["approve"], 2, &["<RELEASE>"]),
    ("nothing to publish", &["publish"], 2, &["<PATH>"]),
    ("no number", &["audit", "--limit", "many"], 2, &["--limit"]),
    ("too low a number", &["audit", "--limit", "0"], 2, &["--limit"]),
    ("too high a number", &["audit", "--limit", "10001"], 2, &["--limit"]),
    ("no id", &["audit", "--call", "first"], 2, &["--call"]),
    ("no such release", &["approve", "notes@9.9.9"], 1, &["`notes@9.9.9` names 0 releases", "portcullis releases"]),
    ("no such plugin", &["withdraw", "diary@0.1.0"], 1, &["`diary@0.1.0` names 0 releases"]),
    ("no such fingerprint", &["approve", "0123456789abcdef"], 1, &["names 0 releases"]),
    ("too short a fingerprint", &["withdraw", "0123456"], 1, &["names 0 releases"]),
    ("an empty fingerprint", &["withdraw", ""], 1, &["names 0 releases"]),
    ("no fingerprint at all", &["withdraw", "sha256:"], 1, &["names 0 releases"]),
    ("a plugin alone", &["withdraw", "notes"], 1, &["`notes` names 0 releases"]),
    ("a pattern", &["withdraw", "%@%"], 1, &["names 0 releases"]),
    ("a quotation mark", &["withdraw", "notes@0.1.0'"], 1, &["names 0 releases"]),
];

#[test]
fn a_bad_command_is_refused_and_changes_nothing() {
    let mut witness = Witness::new();
    let refused = |home: &Home, (what, arguments, code, words): &Case| {
        let ran = home.run(arguments.iter());
        assert_eq!((ran.code, ran.stdout.as_str()), (*code, ""), "{what}: {ran:?}");
        says(&ran.stderr, words, what);
        assert!(!ran.stderr.contains("panicked"), "{what}: {}", ran.stderr);
    };
    each(CASES, |case| refused(&witness.home, case), |(what, ..)| (*what).to_owned());
    witness.is_unharmed_by("bad commands");
    witness.has_the_same_releases_after("bad commands");
    // The same without an owner.
    witness.served.stop().is(0, &[]);
    each(CASES, |case| refused(&witness.home, case), |(what, ..)| format!("{what}, without an owner"));
}

#[test]
fn a_release_is_named_by_the_first_8_digits_and_never_by_fewer() {
    let witness = Witness::new();
    let (_, _, fingerprint) = &witness.releases[0];
    let digits = fingerprint.strip_prefix("sha256:").expect("it names its kind");
    witness.home.run(["withdraw", &digits[..7]]).is(1, &["names 0 releases"]);
    assert!(witness.served.tool_names().contains(&"notes_read".to_owned()));
    for name in [&digits[..8], digits, fingerprint, &fingerprint[.."sha256:".len() + 8]] {
        assert!(witness.home.must(["withdraw", name]).contains("withdrawn: notes@0.1.0"), "{name}");
        assert_eq!(witness.served.tool_names(), [""; 0], "{name}");
        assert!(witness.home.must(["approve", name]).contains("notes@0.1.0"), "{name}");
        assert_eq!(witness.served.tool_names().len(), 4, "{name}");
    }
}

#[test]
fn au_07_with_four_eyes_nobody_approves_what_they_published() {
    // Four eyes are the default.
    let home = Home::configured("");
    let notes = plugin("plugins/notes");
    let refusal = ["published this release", "four eyes", "another person must approve it", "`four_eyes = false`"];
    let ran = home.run(["publish".as_ref(), "--approve".as_ref(), notes.as_os_str()]);
    ran.is(1, &["notes@0.1.0 is published and pending"]);
    ran.is(1, &refusal);
    home.run(["approve", "notes@0.1.0"]).is(1, &refusal);
    assert!(home.must(["releases"]).contains("notes@0.1.0  pending"));
    let served = home.serve();
    home.run(["approve", "notes@0.1.0"]).is(1, &refusal);
    assert_eq!(served.tool_names(), [""; 0]);
    // Withdrawing closes something: one person may.
    assert!(home.must(["withdraw", "notes@0.1.0"]).contains("withdrawn"));
}

#[test]
fn a_reader_that_goes_away_early_is_no_fault_of_the_program() {
    // As in `portcullis audit | head -1`.
    let witness = Witness::new();
    for arguments in
        [&["audit"][..], &["audit", "--json"], &["releases"], &["releases", "--json"], &["tools", "--json"]]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let mut command = witness.home.command(arguments.iter());
        let output = command.stdout(writer).output().expect("the program can be started");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        assert_ne!(output.status.code(), Some(101), "{arguments:?}: {stderr}");
    }
}
