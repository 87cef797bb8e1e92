//! The processes under measurement: started each on its own, so that the kernel can say what each one cost; known to be
//! ready; read through `/proc`; ended politely.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::client::{Endpoint, EndpointError};
use crate::config::Command;

/// `/proc` counts in hundredths of a second: USER_HZ is 100 on every architecture that Cranelift compiles for.
const TICK: Duration = Duration::from_millis(10);
/// Between two looks at a health page: often enough for starts of some milliseconds, too seldom to slow them.
const POLL: Duration = Duration::from_millis(1);
const PATIENCE_AT_END: Duration = Duration::from_secs(10);

/// A started process that said it was ready. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    /// Held apart from the child, which would close it as soon as its end is awaited; peers serve until it closes.
    stdin: Option<ChildStdin>,
    pub(crate) pid: u32,
    /// From just before the spawn until ready.
    pub(crate) ready: Duration,
    /// The URL of its `ready` line, if it printed one so far.
    pub(crate) announced: Option<String>,
    /// The port that `{port}` stood for.
    port: u16,
}

/// What the kernel says of a process and of everything it started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Processor time, all threads, user and system, descendants included.
    pub(crate) cpu: Duration,
    /// Resident memory of the process alone.
    pub(crate) rss_kib: u64,
    /// The most it ever was.
    pub(crate) peak_kib: u64,
    /// Resident memory of its descendants.
    pub(crate) children_kib: u64,
}

/// Why a process is not there to be measured.
#[derive(Debug, Error)]
pub(crate) enum LaunchError {
    #[error("`{program}` cannot be started: {error}")]
    Spawn { program: String, error: io::Error },
    #[error("something answers at {0} before the start; end it, or use {{port}} in the command and its URLs")]
    Occupied(String),
    #[error("it ended with {status} before it was ready; its last words: {words}")]
    Ended { status: ExitStatus, words: String },
    #[error("it was not ready after {seconds} s; its last words: {words}")]
    NotReady { seconds: f64, words: String },
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("the bench itself failed: {0}")]
    Own(#[from] io::Error),
}

impl Running {
    /// Starts `command` and waits until it is ready.
    pub(crate) async fn start(command: &Command) -> Result<Self, LaunchError> {
        let port = free_port()?;
        let health = command.health.as_ref().map(|url| fill(url, port).parse::<Endpoint>()).transpose()?;
        if let (Some(endpoint), Some(url)) = (&health, &command.health)
            && endpoint.connect().await.is_ok()
        {
            return Err(LaunchError::Occupied(fill(url, port)));
        }
        let mut words = tempfile::tempfile()?;
        let started = Instant::now();
        let mut child = spawn(command, port, words.try_clone()?)?;
        let pid = child.id().ok_or_else(|| io::Error::other("a child that was not awaited has no id"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("a piped stdout is missing"))?;
        let mut announced = follow(stdout);
        let ready = async {
            match health {
                Some(endpoint) => healthy(&endpoint).await,
                // The sender lives as long as the stdout; a process that closes it is judged by its end or the time.
                None => match announced.wait_for(Option::is_some).await {
                    Ok(_) => {}
                    Err(_) => std::future::pending().await,
                },
            }
        };
        let outcome = tokio::select! {
            waited = timeout(Duration::from_secs_f64(command.ready_seconds), ready) => waited.ok(),
            status = child.wait() => return Err(LaunchError::Ended { status: status?, words: last(&mut words)? }),
        };
        let ready = started.elapsed();
        if outcome.is_none() {
            return Err(LaunchError::NotReady { seconds: command.ready_seconds, words: last(&mut words)? });
        }
        let announced = announced.borrow().clone();
        Ok(Self { child, stdin, pid, ready, announced, port })
    }

    /// `text` with this process's port in the place of `{port}`.
    pub(crate) fn fill(&self, text: &str) -> String {
        fill(text, self.port)
    }

    /// Asks the process to end, and ends it if it does not.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        drop(self.stdin.take());
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            // It may have ended by itself when its stdin closed, which is as good.
            let _ = kill_process(pid, Signal::TERM);
        }
        match timeout(PATIENCE_AT_END, self.child.wait()).await {
            Ok(status) => status.map(drop),
            Err(_) => self.child.kill().await,
        }
    }
}

impl Usage {
    /// Reads the usage of `pid` without its descendants; an error if there is no such process.
    pub(crate) fn alone(pid: u32) -> io::Result<Self> {
        let (rss_kib, peak_kib) = memory_of(pid)?;
        Ok(Self { cpu: cpu_of(pid)?, rss_kib, peak_kib, children_kib: 0 })
    }

    /// Reads the usage of `pid` and its descendants; an error if there is no such process.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let mut usage = Self::alone(pid)?;
        for child in descendants(pid) {
            // One that has just ended is no error: it is gone, and its time is its parent's now.
            usage.cpu += cpu_of(child).unwrap_or_default();
            usage.children_kib += memory_of(child).unwrap_or_default().0;
        }
        Ok(usage)
    }
}

/// Runs `command` to its end and answers the last line of its stdout.
pub(crate) async fn last_line(command: &Command) -> Result<String, LaunchError> {
    let mut words = tempfile::tempfile()?;
    let child = spawn(command, free_port()?, words.try_clone()?)?;
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        return Err(LaunchError::Ended { status: output.status, words: last(&mut words)? });
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    Ok(stdout.lines().last().unwrap_or_default().to_owned())
}

/// Processor time that the whole machine has spent on anything, and the time in which it could have.
pub(crate) fn machine_busy() -> io::Result<Duration> {
    Ok(busy(fs::read_to_string("/proc/stat")?.lines().next().unwrap_or_default()))
}

fn spawn(command: &Command, port: u16, stderr: File) -> Result<Child, LaunchError> {
    let argv: Vec<_> = command.argv.iter().map(|argument| fill(argument, port)).collect();
    let program = argv.first().cloned().unwrap_or_default();
    let mut process = tokio::process::Command::new(&program);
    process.args(&argv[1.min(argv.len())..]);
    process.envs(command.env.iter().map(|(name, value)| (name, fill(value, port))));
    if let Some(directory) = &command.directory {
        process.current_dir(directory);
    }
    process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr).kill_on_drop(true);
    process.spawn().map_err(|error| LaunchError::Spawn { program, error })
}

fn fill(text: &str, port: u16) -> String {
    text.replace("{port}", &port.to_string())
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Reads a stdout to its end, so that its writer never blocks, and passes on the first `ready` line.
fn follow(stdout: ChildStdout) -> watch::Receiver<Option<String>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(url) = line.strip_prefix("ready ") {
                sender.send_replace(Some(url.trim().to_owned()));
            }
        }
    });
    receiver
}

async fn healthy(endpoint: &Endpoint) {
    while !matches!(endpoint.get().await, Ok(200)) {
        sleep(POLL).await;
    }
}

/// The end of what a process said on stderr.
fn last(words: &mut File) -> io::Result<String> {
    let length = words.seek(SeekFrom::End(0))?;
    words.seek(SeekFrom::Start(length.saturating_sub(2000)))?;
    let mut bytes = Vec::new();
    words.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    Ok(if text.is_empty() { "(none)".to_owned() } else { text })
}

fn descendants(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for thread in fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            parents.extend(children.split_ascii_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        found.push(parent);
    }
    found.split_off(1)
}

fn cpu_of(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    cpu(&stat).ok_or_else(|| io::Error::other("the kernel's stat line is not understood"))
}

fn memory_of(pid: u32) -> io::Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok((kib(&status, "VmRSS:"), kib(&status, "VmHWM:")))
}

/// `utime` + `stime`, fields 14 and 15. The second field is the program's name, which may itself hold spaces and
/// parentheses; so fields are counted from the last parenthesis.
fn cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * ticks()? + TICK * ticks()?)
}

fn kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// User, nice, system, interrupts and stolen time of a `cpu` line; idle (4) and waiting (5) are left out.
fn busy(line: &str) -> Duration {
    let fields = line.split_ascii_whitespace().skip(1).take(8).enumerate();
    fields.filter(|(at, _)| !matches!(at, 3 | 4)).map(|(_, ticks)| TICK * ticks.parse::<u32>().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn shell(script: &str) -> Command {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        Command { argv, env: BTreeMap::new(), directory: None, health: None, ready_seconds: 10.0 }
    }

    #[test]
    fn processor_time_is_read_behind_a_name_with_spaces_and_parentheses() {
        let stat = "7 (a b) R 1) S 1 7 7 0 -1 4194304 98 0 0 0 250 50 9 9 20 0 1 0 111936";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu("7 (short) S 1"), None);
    }

    #[test]
    fn memory_lines_are_found_by_name_and_missing_ones_are_zero() {
        let status = "Name:\tx\nVmHWM:\t    4096 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!((kib(status, "VmRSS:"), kib(status, "VmHWM:"), kib(status, "VmSwap:")), (1024, 4096, 0));
    }

    #[test]
    fn a_machine_is_busy_with_everything_but_idling_and_waiting() {
        assert_eq!(busy("cpu  1 2 4 1000 2000 8 16 32 64 128"), TICK * 63);
    }

    #[test]
    fn this_process_uses_memory_and_its_peak_is_not_below() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss_kib > 0 && usage.peak_kib >= usage.rss_kib, "{usage:?}");
    }

    #[tokio::test]
    async fn a_ready_line_makes_a_process_ready_and_its_port_is_one() {
        let running = Running::start(&shell("echo noise; echo ready http://localhost:{port}/mcp; cat")).await.unwrap();
        assert_eq!(running.announced, Some(running.fill("http://localhost:{port}/mcp")));
        assert!(Usage::of(running.pid).is_ok());
        let pid = running.pid;
        running.stop().await.unwrap();
        assert!(Usage::of(pid).is_err());
    }

    #[tokio::test]
    async fn children_are_counted_with_their_parent() {
        let script = "sh -c 'while :; do :; done' & echo ready x; read end; kill $!";
        let running = Running::start(&shell(script)).await.unwrap();
        sleep(Duration::from_millis(300)).await;
        let usage = Usage::of(running.pid).unwrap();
        assert!(usage.children_kib > 0 && usage.cpu >= Duration::from_millis(20), "{usage:?}");
        let children = descendants(running.pid);
        assert_eq!(children.len(), 1);
        let child = i32::try_from(children[0]).ok().and_then(Pid::from_raw).unwrap();
        kill_process(child, Signal::KILL).unwrap();
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_process_that_ends_too_soon_is_quoted() {
        let error = Running::start(&shell("echo the reason >&2; exit 3")).await.err().unwrap();
        assert!(error.to_string().contains("the reason"), "{error}");
    }

    #[tokio::test]
    async fn a_process_that_is_never_ready_is_given_up() {
        let error = Running::start(&Command { ready_seconds: 0.1, ..shell("cat") }).await.err().unwrap();
        assert!(matches!(error, LaunchError::NotReady { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_health_url_that_answers_before_the_start_is_refused() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let health = Some(format!("http://{}/health", other.local_addr().unwrap()));
        let error = Running::start(&Command { health, ..shell("cat") }).await.err().unwrap();
        assert!(matches!(error, LaunchError::Occupied(_)), "{error}");
    }

    #[tokio::test]
    async fn the_last_line_of_a_probe_is_its_answer_and_its_failure_an_error() {
        assert_eq!(last_line(&shell("echo one; echo two")).await.unwrap(), "two");
        assert!(last_line(&shell("echo one; exit 1")).await.is_err());
    }
}
