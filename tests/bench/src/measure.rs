//! One cell: one target under a closed loop on a number of kept connections, for a while. The window of measurement
//! opens after a warm-up and is the same for the clock, the calls and the processor times.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

use crate::client::{Call, CallError, Connection, Endpoint};
use crate::config::Load;
use crate::histogram::Histogram;
use crate::process::{Usage, machine_busy};

/// A connection that fails so often in a row gives up: the server is not there, and trying is load too.
const FAILURES_IN_A_ROW: u32 = 3;
/// How long after the window the last answers may take.
const PATIENCE: Duration = Duration::from_secs(10);
const MIB: f64 = 1024.0;

/// A server that takes calls.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) tool: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// Whose processor time and memory it is, where known.
    pub(crate) pid: Option<u32>,
}

/// All rounds of one target at one number of connections.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) target: String,
    pub(crate) connections: usize,
    pub(crate) rounds: Vec<Round>,
}

/// What one window showed.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Round {
    pub(crate) calls: u64,
    pub(crate) calls_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) longest_ms: f64,
    /// Processor time of the server and its descendants, per call.
    pub(crate) server_cpu_us: Option<f64>,
    pub(crate) client_cpu_us: Option<f64>,
    pub(crate) rss_mib: Option<f64>,
    pub(crate) peak_mib: Option<f64>,
    pub(crate) children_mib: Option<f64>,
    /// Share of the machine's processors (0 to 1) that went to neither client nor server.
    pub(crate) elsewhere: Option<f64>,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Window,
    Over,
}

/// What the connections of a cell share; they run on one thread.
struct Shared {
    phase: Cell<Phase>,
    next: Cell<u64>,
    latencies: RefCell<Histogram>,
    errors: Cell<u64>,
    first_error: RefCell<Option<String>>,
}

/// The clocks at one edge of a window.
struct Edge {
    at: Instant,
    server: Option<Usage>,
    client: Option<Duration>,
    machine: Option<Duration>,
}

/// Measures every target at every number of connections, and does so once in each round, in turn, so that whatever
/// else the machine does falls on all targets alike.
pub(crate) async fn measure(targets: &[Target], load: &Load) -> Vec<Measured> {
    let mut all: Vec<_> = load.connections.iter().flat_map(|&connections| blank(targets, connections)).collect();
    for round in 0..load.rounds {
        for (row, &connections) in load.connections.iter().enumerate() {
            for turn in 0..targets.len() {
                // Each round begins with another target, so that none is always the one after an expensive one.
                let at = (turn + round) % targets.len();
                let measured = cell(&targets[at], connections, load).await;
                eprintln!(
                    "round {} of {}, {connections} connections, {}: {:.0} calls/s, {} errors",
                    round + 1,
                    load.rounds,
                    targets[at].name,
                    measured.calls_per_second,
                    measured.errors,
                );
                all[row * targets.len() + at].rounds.push(measured);
            }
        }
    }
    all
}

fn blank(targets: &[Target], connections: usize) -> impl Iterator<Item = Measured> {
    targets.iter().map(move |target| Measured { target: target.name.clone(), connections, rounds: Vec::new() })
}

async fn cell(target: &Target, connections: usize, load: &Load) -> Round {
    let shared = Rc::new(Shared {
        phase: Cell::new(Phase::WarmUp),
        next: Cell::new(0),
        latencies: RefCell::new(Histogram::new()),
        errors: Cell::new(0),
        first_error: RefCell::new(None),
    });
    let run = async {
        let mut loops = JoinSet::new();
        for _ in 0..connections {
            let call = Call::new(&target.endpoint, &target.tool, &target.headers);
            loops.spawn_local(closed_loop(target.endpoint.clone(), call, Rc::clone(&shared)));
        }
        sleep(Duration::from_secs_f64(load.warmup_seconds)).await;
        let from = Edge::now(target.pid);
        shared.phase.set(Phase::Window);
        sleep(Duration::from_secs_f64(load.seconds)).await;
        shared.phase.set(Phase::Over);
        let to = Edge::now(target.pid);
        let ended = timeout(PATIENCE, async { while loops.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            shared.note(format!("{} calls had no answer {PATIENCE:?} after the window", loops.len()));
        }
        (from, to)
    };
    let (from, to) = LocalSet::new().run_until(run).await;
    shared.round(&from, &to)
}

async fn closed_loop(endpoint: Endpoint, mut call: Call, shared: Rc<Shared>) {
    let mut connection = None;
    let mut failures = 0;
    while shared.phase.get() != Phase::Over && failures < FAILURES_IN_A_ROW {
        call.renumber(shared.next.replace(shared.next.get() + 1));
        match once(&endpoint, &mut connection, &call).await {
            Ok(latency) => {
                failures = 0;
                if shared.phase.get() == Phase::Window {
                    shared.latencies.borrow_mut().record(latency);
                }
            }
            Err(error) => {
                failures += 1;
                connection = None;
                shared.note(error.to_string());
            }
        }
    }
}

/// One call; connecting is not part of its latency.
async fn once(endpoint: &Endpoint, connection: &mut Option<Connection>, call: &Call) -> Result<Duration, CallError> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(endpoint.connect().await?),
    };
    let started = Instant::now();
    connection.call(call).await?;
    Ok(started.elapsed())
}

impl Shared {
    fn note(&self, error: String) {
        self.errors.set(self.errors.get() + 1);
        self.first_error.borrow_mut().get_or_insert(error);
    }

    fn round(&self, from: &Edge, to: &Edge) -> Round {
        let latencies = self.latencies.borrow();
        let calls = latencies.total();
        let wall = (to.at - from.at).as_secs_f64();
        let server = from.server.zip(to.server).map(|(from, to)| to.cpu.saturating_sub(from.cpu));
        let client = from.client.zip(to.client).map(|(from, to)| to.saturating_sub(from));
        let machine = from.machine.zip(to.machine).map(|(from, to)| to.saturating_sub(from));
        let per_call = |spent: Duration| (calls > 0).then(|| spent.as_secs_f64() * 1e6 / calls as f64);
        let millis = |latency: Duration| latency.as_secs_f64() * 1e3;
        let mib = |kib: u64| kib as f64 / MIB;
        let processors = available_parallelism().map_or(1, usize::from) as f64;
        Round {
            calls,
            calls_per_second: calls as f64 / wall,
            p50_ms: millis(latencies.quantile(0.5)),
            p99_ms: millis(latencies.quantile(0.99)),
            longest_ms: millis(latencies.longest()),
            server_cpu_us: server.and_then(per_call),
            client_cpu_us: client.and_then(per_call),
            rss_mib: to.server.map(|usage| mib(usage.rss_kib)),
            peak_mib: to.server.map(|usage| mib(usage.peak_kib)),
            children_mib: to.server.map(|usage| mib(usage.children_kib)),
            elsewhere: server.zip(client).zip(machine).map(|((server, client), machine)| {
                machine.saturating_sub(server + client).as_secs_f64() / (wall * processors)
            }),
            errors: self.errors.get(),
            first_error: self.first_error.borrow().clone(),
        }
    }
}

impl Edge {
    fn now(pid: Option<u32>) -> Self {
        Self {
            server: pid.and_then(|pid| Usage::of(pid).ok()),
            // Not with its descendants: those are the servers.
            client: Usage::alone(std::process::id()).map(|usage| usage.cpu).ok(),
            machine: machine_busy().ok(),
            at: Instant::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const QUICK: Load = Load { connections: Vec::new(), seconds: 0.2, warmup_seconds: 0.05, rounds: 1 };

    fn target(url: &str) -> Target {
        let (endpoint, tool) = (url.parse().unwrap(), "echo".to_owned());
        Target { name: "it".to_owned(), endpoint, tool, headers: BTreeMap::new(), pid: Some(std::process::id()) }
    }

    /// The real axum route is a process of its own; here a loop that repeats the id is server enough.
    async fn echo_server(listener: TcpListener, wrong_every: u64) {
        let served = Rc::new(Cell::new(0_u64));
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let served = Rc::clone(&served);
            tokio::task::spawn_local(async move {
                let mut request = [0; 4096];
                while let Ok(1..) = stream.read(&mut request).await {
                    served.set(served.get() + 1);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let id: String = text.split("\"id\":").nth(1).unwrap().chars().take(10).collect();
                    let word = if served.get().is_multiple_of(wrong_every) { "hullo" } else { "hello" };
                    let body = format!(
                        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{word}"}}]}}}}"#
                    );
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    }

    async fn measured(wrong_every: u64, connections: usize) -> Round {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let set = LocalSet::new();
        set.spawn_local(echo_server(listener, wrong_every));
        set.run_until(async { cell(&target(&url), connections, &QUICK).await }).await
    }

    #[tokio::test]
    async fn a_cell_counts_calls_times_them_and_says_what_they_cost() {
        let round = measured(u64::MAX, 4).await;
        assert_eq!((round.errors, round.first_error.as_deref()), (0, None));
        assert!(round.calls > 10 && round.p50_ms > 0.0 && round.p99_ms >= round.p50_ms, "{round:?}");
        assert!(round.longest_ms >= round.p99_ms && round.rss_mib.unwrap() > 1.0, "{round:?}");
        let rate = round.calls as f64 / 0.2;
        assert!(round.calls_per_second <= rate && round.calls_per_second > rate / 4.0, "{round:?}");
    }

    #[tokio::test]
    async fn a_wrong_answer_is_an_error_and_not_a_call() {
        let round = measured(5, 1).await;
        assert!(round.errors > 0 && round.calls > 0, "{round:?}");
        assert!(round.first_error.unwrap().contains("not the echo of this call"));
    }

    #[tokio::test]
    async fn an_absent_server_is_an_error_per_attempt_and_the_cell_ends() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let round = cell(&target(&format!("http://{free}/mcp")), 2, &QUICK).await;
        assert_eq!((round.calls, round.errors), (0, 2 * u64::from(FAILURES_IN_A_ROW)));
        assert!(round.first_error.unwrap().contains("the connection failed"));
    }

    #[tokio::test]
    async fn every_target_is_measured_once_per_round_and_size() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let targets = [target(&format!("http://{free}/a")), target(&format!("http://{free}/b"))];
        let load = Load { connections: vec![1, 2], seconds: 0.01, warmup_seconds: 0.0, rounds: 3 };
        let all = measure(&targets, &load).await;
        let shape: Vec<_> = all.iter().map(|cell| (cell.connections, cell.rounds.len())).collect();
        assert_eq!(shape, [(1, 3), (1, 3), (2, 3), (2, 3)]);
    }
}
