use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::*;

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn wx_06_only_a_binary_component_is_looked_at() {
    for (bytes, what) in [
        (&b"\x7fELF\x02\x01\x01"[..], "an ELF file"),
        (b"(component)", "WebAssembly text"),
        (b"\n ;; text\n(module)", "WebAssembly text"),
        (b"", "an empty file"),
        (b"#!/bin/sh", "something else"),
        (&component("(module)"), "a core WebAssembly module"),
    ] {
        let error = check_structure(bytes).unwrap_err().to_string();
        assert!(error.starts_with(&format!("this is {what}")), "{error}");
    }
}

#[test]
fn wx_30_counts_have_limits_and_the_error_says_which() {
    let modules = |count| format!("(component {})", "(core module)".repeat(count));
    assert!(check_structure(&component(&modules(64))).is_ok());
    assert_eq!(
        check_structure(&component(&modules(65))).unwrap_err().to_string(),
        "the component has 65 core modules; this host takes 64"
    );
    let nested = |depth: usize| format!("{}{}", "(component ".repeat(depth), ")".repeat(depth));
    assert!(check_structure(&component(&nested(8))).is_ok());
    assert_eq!(
        check_structure(&component(&nested(9))).unwrap_err().to_string(),
        "the component has 9 levels of nesting; this host takes 8"
    );
    let functions = format!("(component (core module {}))", "(func)".repeat(200_001));
    assert_eq!(
        check_structure(&component(&functions)).unwrap_err().to_string(),
        "the component has 200001 functions; this host takes 200000"
    );
}

#[test]
fn a_component_cut_short_anywhere_is_refused_and_never_panics() {
    let whole =
        component(r#"(component (import "portcullis:plugin/log@0.1.0" (instance)) (core module (func (export "f"))))"#);
    assert_eq!(check_structure(&whole).unwrap().imports, ["portcullis:plugin/log@0.1.0"]);
    for end in 0..whole.len() {
        // A cut between sections is a shorter component; one inside a section is damage.
        let _ = check_structure(&whole[..end]);
    }
    assert!(check_structure(&whole[..whole.len() - 1]).is_err());
}

#[test]
fn the_worker_compiles_what_the_serving_engine_can_load_and_refuses_what_is_invalid() {
    let artefact = worker::compile(&component("(component)")).unwrap();
    assert!(artefact.starts_with(b"\x7fELF"));
    let error = worker::compile(&component("(component (core module (func (result i32))))")).unwrap_err();
    assert!(error.contains("type mismatch"), "{error}");
}

#[test]
fn frames_come_out_as_they_went_in() {
    let limits = CompileLimits::default();
    let digest = Digest::of(b"abc");
    let mut pipe = Vec::new();
    frame::write_job(&mut pipe, &limits, digest, b"abc").unwrap();
    let mut from = pipe.as_slice();
    let job = frame::Job { limits, digest, component: b"abc".to_vec() };
    assert_eq!(frame::read_job(&mut from).unwrap(), Some(job));
    assert_eq!(frame::read_job(&mut from).unwrap(), None);
    for (ended, wanted) in [
        (frame::Ended::Artefact(b"x".to_vec()), Ok(b"x".to_vec())),
        (frame::Ended::Invalid("why".to_owned()), Err(CompileRefused::Invalid("why".to_owned()))),
        (
            frame::Ended::Cpu,
            Err(CompileRefused::Limit { limit: "its CPU time", value: "120 s".to_owned(), key: "cpu" }),
        ),
    ] {
        let mut pipe = Vec::new();
        frame::write_answer(&mut pipe, digest, &ended).unwrap();
        assert_eq!(frame::read_answer(&mut pipe.as_slice(), &limits, digest).unwrap(), wanted);
    }
    let too_long = [&[0u8][..], &digest.0, &u64::MAX.to_le_bytes()].concat();
    assert!(frame::read_answer(&mut too_long.as_slice(), &limits, digest).is_err());
}

#[test]
fn rg_02_a_job_or_an_answer_of_another_digest_is_refused() {
    let limits = CompileLimits::default();
    let (asked, other) = (Digest::of(b"abc"), Digest::of(b"abd"));
    let mut pipe = Vec::new();
    frame::write_job(&mut pipe, &limits, other, b"abc").unwrap();
    assert!(frame::read_job(&mut pipe.as_slice()).is_err());
    for ended in [frame::Ended::Artefact(b"x".to_vec()), frame::Ended::Invalid("why".to_owned())] {
        let mut pipe = Vec::new();
        frame::write_answer(&mut pipe, other, &ended).unwrap();
        assert!(frame::read_answer(&mut pipe.as_slice(), &limits, asked).is_err());
    }
}

/// A compiler whose helpers are this shell script. The spawner is a thread here, and otherwise what a host has.
fn with_helpers(shell: &Path, script: String) -> Compiler {
    let (ours, its) = UnixStream::pair().unwrap();
    let shell = shell.to_owned();
    std::thread::spawn(move || {
        spawner::serve(its, || {
            let mut command = Command::new(&shell);
            command.args(["-c", &script]);
            command
        })
    });
    Compiler::over(ours, None, CompileLimits::default()).unwrap()
}

/// For `printf`.
fn octal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()
}

/// The frame of a job.
fn job(component: &[u8]) -> Vec<u8> {
    let mut job = Vec::new();
    frame::write_job(&mut job, &CompileLimits::default(), Digest::of(component), component).unwrap();
    job
}

#[test]
fn rg_02_what_is_left_in_the_stream_after_a_broken_answer_is_nobodys_artefact() {
    let component = component("(component)");
    let digest = Digest::of(&component);
    let mut whole = Vec::new();
    frame::write_answer(&mut whole, digest, &frame::Ended::Artefact(b"left over".to_vec())).unwrap();
    let mut unknown = whole.clone();
    unknown[0] = 9;
    let mut another = whole.clone();
    another[1] ^= 1;
    for broken in [unknown, another] {
        let bytes = octal(&[broken, whole.clone()].concat());
        let compiler = with_helpers(Path::new("/bin/sh"), format!("printf '{bytes}'; while read -r _; do :; done"));
        for _ in 0..3 {
            let error = compiler.compile(&component).unwrap_err().to_string();
            assert!(error.ends_with("and was ended; try again: a fresh one is started"), "{error}");
        }
    }
}

#[test]
fn rg_02_a_helper_that_says_something_unasked_is_replaced() {
    let component = component("(component)");
    let mut answer = Vec::new();
    let ended = frame::Ended::Artefact(b"artefact".to_vec());
    frame::write_answer(&mut answer, Digest::of(&component), &ended).unwrap();
    let home = tempfile::tempdir().unwrap();
    let started = home.path().join("started");
    let job = job(&component).len();
    // Two answers to one job.
    let script = format!(
        "echo >> {}; head -c {job} > /dev/null; printf '{}'; exec cat > /dev/null",
        started.display(),
        octal(&answer.repeat(2))
    );
    let compiler = with_helpers(Path::new("/bin/sh"), script);
    for jobs in 1..4 {
        assert_eq!(compiler.compile(&component), Ok(b"artefact".to_vec()));
        assert_eq!(std::fs::read(&started).unwrap().len(), jobs, "each job has a helper of its own");
    }
}

#[test]
fn a_helper_that_was_killed_is_replaced_and_costs_at_most_one_job() {
    // A custom section whose name is a line break, so that a shell's `read` finds an end in each job.
    let component = [component("(component)"), vec![0, 2, 1, b'\n']].concat();
    let mut answer = Vec::new();
    let ended = frame::Ended::Artefact(b"artefact".to_vec());
    frame::write_answer(&mut answer, Digest::of(&component), &ended).unwrap();
    let home = tempfile::tempdir().unwrap();
    let pids = home.path().join("pids");
    let lines = job(&component).iter().filter(|byte| **byte == b'\n').count();
    let reads = vec!["read -r _"; lines].join(" && ");
    // Nothing but builtins: a child of the shell would hold the stream when the shell is gone.
    let script = format!("echo $$ >> {}; while {reads}; do printf '{}'; done", pids.display(), octal(&answer));
    let compiler = with_helpers(Path::new("/bin/sh"), script);
    let helpers = || std::fs::read_to_string(&pids).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let kill = |and_wait: bool| {
        let pid = helpers().last().unwrap().parse().ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        let helpers = compiler.helpers.lock();
        // Its stream ends when the kernel has ended it.
        while and_wait && recv(helpers.running.as_ref().unwrap(), &mut [0_u8; 1][..], RecvFlags::PEEK) != Ok((0, 0)) {}
    };
    assert_eq!(compiler.compile(&component), Ok(b"artefact".to_vec()));
    assert_eq!(compiler.compile(&component), Ok(b"artefact".to_vec()));
    assert_eq!(helpers().len(), 1, "one helper serves many jobs");
    kill(true);
    assert_eq!(compiler.compile(&component), Ok(b"artefact".to_vec()), "one that has ended costs none");
    assert_eq!(helpers().len(), 2);
    kill(false);
    // It may be dead already, or still on its way.
    if let Err(error) = compiler.compile(&component) {
        assert!(matches!(error, CompileRefused::Helper(_)), "{error}");
    }
    assert_eq!(compiler.compile(&component), Ok(b"artefact".to_vec()));
}

#[test]
fn a_helper_that_cannot_be_started_again_is_told() {
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("helper");
    std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
    let compiler = with_helpers(&program, "exit".to_owned());
    let component = component("(component)");
    // The first may have ended before it was asked; then its successor is the one that fails.
    assert!(compiler.compile(&component).is_err());
    std::fs::remove_file(&program).unwrap();
    assert_eq!(
        compiler.compile(&component).unwrap_err().to_string(),
        "the compiling helper cannot be started again (entity not found); restart the host"
    );
}

#[test]
fn without_a_spawner_no_helper_is_started_again_and_that_is_told() {
    let (ours, its) = UnixStream::pair().unwrap();
    let spawner = std::thread::spawn(move || {
        let once = std::cell::Cell::new(false);
        spawner::serve(its, || {
            assert!(!once.replace(true), "the spawner ends here");
            Command::new("/bin/true")
        })
    });
    let compiler = Compiler::over(ours, None, CompileLimits::default()).unwrap();
    let component = component("(component)");
    let told = loop {
        match compiler.compile(&component).unwrap_err().to_string() {
            error if error.contains("try again") => {}
            error => break error,
        }
    };
    assert!(told.starts_with("the compiling helper cannot be started again (") && told.ends_with("restart the host"));
    assert!(spawner.join().is_err());
}
