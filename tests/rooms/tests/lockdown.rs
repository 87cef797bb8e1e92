//! The second wall around the program itself, seen from outside (catalogue WX-32): what the kernel says of a host that serves, of
//! each of its threads, and of the processes that compile for it; and that everything still works behind it.
//! What the wall holds back is tried by the tests of `host/lockdown`, in threads that are behind it.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, symlink},
    thread,
    time::{Duration, Instant},
};

use portcullis_tests::{Era, Home, Served, plugin};
use rustix::process::{Pid, Signal, kill_process};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use serde_json::json;

/// The words of each measure in the log.
const MEASURES: [&str; 5] =
    ["no new privileges", "no core dumps", "no capabilities", "files (Landlock)", "system calls (seccomp)"];

/// A host with notes, served as this configuration says.
fn home(mode: &str) -> Home {
    let home = Home::copied([plugin("plugins/notes")]);
    home.configure(format!("four_eyes = false\n[lockdown]\nmode = \"{mode}\"\n"));
    home
}

/// Whether the default leaves nothing to be wished for here; says so if not.
fn whole(served: &Served) -> bool {
    let missing: Vec<_> =
        served.log().lines().filter(|line| line.contains("not in force")).map(str::to_owned).collect();
    if !missing.is_empty() {
        eprintln!("NOT TESTED HERE, because this system has it not: {missing:#?}");
    }
    missing.is_empty()
}

fn value(status: &str, key: &str) -> String {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("{key}: {status}")).trim().to_owned()
}

/// What the kernel says of each thread of a process.
fn threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the host is up");
    // One that ended meanwhile has no status.
    tasks.filter_map(|task| fs::read_to_string(task.expect("a thread").path().join("status")).ok()).collect()
}

/// A process that it started.
fn child(pid: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("a process is there");
    let last = children.split_whitespace().last().unwrap_or_else(|| panic!("{pid} has started nothing"));
    last.parse().expect("a process id")
}

/// Fails unless every thread of the process has given everything up.
fn is_locked_down(pid: u32) {
    let threads = threads(pid);
    assert!(threads.len() > 8, "{} threads", threads.len());
    for status in threads {
        let thread = value(&status, "Name");
        assert_eq!(value(&status, "NoNewPrivs"), "1", "{thread}");
        assert_eq!(value(&status, "Seccomp"), "2", "{thread}");
        for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(u64::from_str_radix(&value(&status, set), 16), Ok(0), "{thread}: {set}");
        }
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("the host is up");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("there is this limit");
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
}

/// A thread whose programs find no Landlock, as in a container whose runtime does not let its calls through.
fn without_landlock<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let calls = [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];
    let calls = calls.into_iter().map(|call| (call, Vec::new())).collect();
    let absent = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let target = std::env::consts::ARCH.try_into().expect("filters can be made for this machine");
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, absent, target);
    let program: BpfProgram = filter.and_then(TryInto::try_into).expect("this filter can be made");
    let work = move || {
        apply_filter(&program).expect("a thread may have a filter");
        work()
    };
    thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

#[test]
fn wx_32_every_thread_of_a_host_that_serves_has_given_everything_up() {
    let home = home("try");
    let served = home.serve();
    // Threads that start at need are there now.
    let mut client = served.client(Era::Legacy);
    for _ in 0..20 {
        assert!(client.call("notes_search", json!({}))["isError"].is_null());
    }
    for measure in MEASURES {
        let lines = served.log().lines().filter(|line| line.contains(measure)).count();
        assert_eq!(lines, 1, "one line for each measure: {measure}\n{}", served.log());
    }
    if whole(&served) {
        is_locked_down(served.pid());
    }
    let ended = served.stop();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn wx_32_a_host_on_stdio_has_given_everything_up() {
    let home = home("try");
    let mut stdio = home.stdio();
    let note = stdio.call("notes_create", &json!({ "title": "Milk", "body": "two litres" }));
    assert_eq!(note["structuredContent"]["title"], "Milk");
    // Others reach it while it serves.
    assert!(home.must(["call", "notes_search"]).contains("Milk"));
    if !stdio.log().contains("not in force") {
        is_locked_down(stdio.pid());
    }
    assert_eq!(stdio.end().code, 0);
}

#[test]
fn wx_32_a_locked_down_host_publishes_also_when_the_helper_was_killed() {
    let home = Home::new();
    let served = home.serve();
    home.publish(&plugin("plugins/notes"));
    let spawner = child(served.pid());
    let helper = child(spawner);
    let pid = Pid::from_raw(helper.cast_signed()).expect("a process id");
    kill_process(pid, Signal::KILL).expect("a child's child can be killed");
    home.publish(&plugin("examples/echo-rust"));
    assert_ne!(child(spawner), helper, "the spawner has started another");
    assert_eq!(served.call("echo_echo", json!({ "text": "x" }))["isError"], json!(null));
    assert!(served.call("notes_search", json!({}))["isError"].is_null());
    // Nothing that it started outlives it.
    let processes = [spawner, child(spawner)];
    assert_eq!(served.stop().code, 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    for process in processes {
        // Its stream has ended; when it gets to see that is the scheduler's to say.
        while fs::read_to_string(format!("/proc/{process}/status"))
            .is_ok_and(|it| !value(&it, "State").starts_with('Z'))
        {
            assert!(Instant::now() < deadline, "{process} still runs");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn wx_32_a_command_that_owns_the_directory_works_behind_the_whole_wall() {
    let home = home("require");
    if !whole(&Home::new().serve()) {
        return;
    }
    assert!(home.must(["call", "notes_create", r#"{"title":"Milk","body":"x"}"#]).contains("Milk"));
    home.publish(&plugin("examples/echo-rust"));
    assert!(home.must(["audit"]).contains("notes_create"));
    assert_eq!(home.serve().stop().code, 0);
}

#[test]
fn wx_32_require_refuses_to_start_and_names_what_is_missing_and_what_would_allow_it() {
    let strict = home("require");
    let words = ["`lockdown.mode = \"require\"`", "files (Landlock)", "this kernel has none", "Linux 5.13", "\"try\""];
    without_landlock(|| {
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["stdio"], &["call", "notes_search"]] {
            let ran = strict.run(command.iter().copied());
            ran.is(2, &words);
            assert!(ran.stdout.is_empty(), "{command:?}: {}", ran.stdout);
        }
    });
}

#[test]
fn wx_32_try_serves_with_what_there_is_and_says_what_is_not() {
    let home = home("try");
    let served = without_landlock(|| home.serve());
    let log = served.log();
    assert!(log.contains("WARN") && log.contains("lockdown: not in force: files (Landlock)"), "{log}");
    assert!(log.contains("lockdown: no new privileges: in force"), "{log}");
    assert!(served.call("notes_search", json!({}))["isError"].is_null());
    assert_eq!(value(&threads(served.pid())[0], "NoNewPrivs"), "1");
}

#[test]
fn wx_32_off_gives_nothing_up_and_says_so() {
    let home = home("off");
    let served = home.serve();
    let log = served.log();
    assert!(log.contains("WARN") && log.contains("`lockdown.mode = \"off\"`"), "{log}");
    let own = fs::read_to_string("/proc/self/status").expect("the kernel says");
    for status in threads(served.pid()) {
        for key in ["NoNewPrivs", "Seccomp", "CapEff"] {
            assert_eq!(value(&status, key), value(&own, key), "{key}");
        }
    }
}

#[test]
fn wx_32_a_link_that_leads_out_of_the_data_directory_leads_nowhere() {
    let walled = home("try");
    if !whole(&walled.serve()) {
        return;
    }
    for (mode, served) in [("off", true), ("try", false)] {
        let home = home(mode);
        let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
        let artefacts = home.data().join("artefacts");
        fs::rename(&artefacts, home.data().join("before")).expect("the copy has artefacts");
        fs::DirBuilder::new().mode(0o700).create(elsewhere.path().join("artefacts")).expect("a folder can be made");
        symlink(elsewhere.path().join("artefacts"), &artefacts).expect("a link can be made");
        let ran = home.run(["call", "notes_search"]);
        let written = fs::read_dir(elsewhere.path().join("artefacts")).expect("it is there").count();
        assert_eq!((ran.code == 0, written > 0), (served, served), "{mode}: {}{}", ran.stdout, ran.stderr);
    }
}
