//! What the kernel says of it, and what is said where a measure can't be had.

use std::{fs, os::unix::fs::chown, sync::mpsc};

use rustix::{
    process::{DumpableBehavior, Resource, Rlimit, dumpable_behavior, geteuid, getrlimit},
    thread::gettid,
};

use super::{landlock, locked, serving};
use crate::{Kernel, Measure, Paths, Plan};

const BARE: Kernel = Kernel { landlock: false, seccomp: false };

#[test]
fn wx_32_every_measure_that_this_kernel_has_is_in_force_and_the_kernel_says_so() {
    let data = tempfile::tempdir().unwrap();
    let (say, said) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    // From outside of the wall: inside, nobody reads it.
    let watcher = std::thread::spawn(move || {
        let status = fs::read_to_string(format!("/proc/self/task/{}/status", said.recv().unwrap())).unwrap();
        drop(go);
        status
    });
    let missing = serving(data.path(), move |in_force| {
        say.send(gettid().as_raw_pid()).unwrap();
        assert!(wait.recv().is_err());
        let core = getrlimit(Resource::Core);
        assert_eq!(core, Rlimit { current: Some(0), maximum: Some(0) });
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(in_force.each().count(), 5);
        in_force.each().filter_map(Result::err).map(|missing| missing.measure).collect::<Vec<_>>()
    });
    let status = watcher.join().unwrap();
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("{key}: {status}")).trim().to_owned()
    };
    assert_eq!(value("NoNewPrivs"), "1");
    assert_eq!(value("Seccomp"), "2");
    for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(u64::from_str_radix(&value(set), 16), Ok(0), "{set}");
    }
    let expected: &[Measure] = if landlock() { &[] } else { &[Measure::Files] };
    assert_eq!(missing, expected);
}

#[test]
fn wx_32_what_the_kernel_has_not_is_said_and_the_rest_is_in_force() {
    let data = tempfile::tempdir().unwrap();
    let paths = Paths { data: Some(data.path().to_owned()), read: Vec::new() };
    locked(&Plan::to_serve(paths, BARE), |in_force| {
        let states: Vec<_> = in_force.each().map(|state| state.map(|(measure, _)| measure)).collect();
        assert_eq!(states[0], Ok(Measure::NoNewPrivileges));
        assert_eq!(states[1], Ok(Measure::NoCoreDumps));
        assert_eq!(states[2], Ok(Measure::NoCapabilities));
        assert!(states[3].is_err() && states[4].is_err());
        // It is true, too.
        assert!(fs::read("/proc/version").is_ok());
        let said = in_force.insist().unwrap_err().to_string();
        for words in
            ["files (Landlock): this kernel has none", "Linux 5.13", "system calls (seccomp)", "SECCOMP_FILTER"]
        {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("core dumps"), "{said}");
    });
}

#[test]
fn wx_32_a_data_directory_that_is_not_there_is_no_wall() {
    if !landlock() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    serving(&home.path().join("missing"), |in_force| {
        let missing: Vec<_> = in_force.each().filter_map(Result::err).map(|missing| missing.measure).collect();
        assert_eq!(missing, [Measure::Files]);
    });
}

#[test]
fn wx_32_root_on_the_directory_of_another_user_says_that_it_keeps_its_capabilities() {
    if !geteuid().is_root() {
        eprintln!("NOT TESTED HERE: capabilities on another user's directory, which only root has");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    chown(data.path(), Some(65_533), None).unwrap();
    serving(data.path(), |in_force| {
        let said = in_force.insist().unwrap_err().to_string();
        assert!(said.starts_with("no capabilities: the data directory is of uid 65533"), "{said}");
        assert!(said.ends_with("run it as the user who owns the data directory"), "{said}");
        // Which is why: it can still do its work.
        fs::write(data.path().join("file"), "text").unwrap();
    });
}
