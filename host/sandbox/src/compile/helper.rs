//! The helper: one worker for each job, one after the other.

use std::{
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt as _,
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    time::Instant,
};

use super::{
    CompileLimits,
    frame::{self, Ended},
    worker,
};

/// Serves jobs from stdin until it ends. `worker` is the argument with which this program calls [`super::worker_main`].
///
/// # Errors
/// When a pipe breaks, a job is not of its digest, or this program can't be started again.
pub fn helper_main(worker: &str) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    while let Some(frame::Job { limits, digest, component }) = frame::read_job(&mut input)? {
        let ended = run(worker, &limits, component)?;
        frame::write_answer(&mut output, digest, &ended)?;
    }
    Ok(())
}

fn run(worker: &str, limits: &CompileLimits, component: Vec<u8>) -> io::Result<Ended> {
    // `/proc/self/exe` is this very program, whatever has been put in its place on disk meanwhile.
    let mut child = Command::new("/proc/self/exe")
        .arg(worker)
        .args(worker::arguments(limits))
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().expect("piped");
    let mut output = child.stdout.take().expect("piped");
    // A worker may die before it has read everything; that is told by how it ended, not by the broken pipe.
    let feeder = std::thread::spawn(move || {
        let _ = input.write_all(&component);
    });
    let (send, receive) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut answer = Vec::new();
        let read = output.read_to_end(&mut answer).map(|_| answer);
        let _ = send.send(read);
    });
    let deadline = Instant::now() + limits.wall;
    let answer = receive.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    let late = answer.is_err();
    if late {
        child.kill()?;
    }
    let status = child.wait()?;
    let _ = feeder.join();
    let _ = reader.join();
    match answer {
        Err(_) => Ok(Ended::Wall),
        Ok(answer) => Ok(judge(status, answer?)),
    }
}

fn judge(status: ExitStatus, answer: Vec<u8>) -> Ended {
    const SIGXCPU: i32 = 24;
    const SIGKILL: i32 = 9;
    /// What Rust's runtime exits with after a panic.
    const PANICKED: i32 = 101;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ended::Artefact(answer),
        (Some(worker::INVALID), _) => Ended::Invalid(String::from_utf8_lossy(&answer).into_owned()),
        (Some(PANICKED), _) => Ended::Invalid("the compiler failed on this component".to_owned()),
        (_, Some(SIGXCPU | SIGKILL)) => Ended::Cpu,
        // Rust aborts when an allocation fails under RLIMIT_AS, and mmap failures end the compiler with an error.
        _ => Ended::Memory,
    }
}
