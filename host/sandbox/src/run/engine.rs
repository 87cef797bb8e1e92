//! The engine that serves: threads of its own for guests, the clock that interrupts them, and the way of one call through
//! the sandbox.

use std::{
    fmt::Display,
    future::{Future as _, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use portcullis_admission::{Completes, Given, Permit};
use portcullis_manifest::Interface;
use tokio::{runtime::Runtime, task::JoinHandle};
use wasmtime::{Store, UpdateDeadline};

use super::{
    ending::{Ending, Keep, Kept, Lost, Ran, Stop},
    limiter::Limiter,
    pace::Held,
    plugin::{Linked, Plugin},
    running::Running,
    turns::Turns,
};
use crate::{
    EngineProfile, PoolLimits, ProposalEnabled, TargetUnsupported,
    capabilities::{Around, CallState, Notices, Services},
    contract::bindings::{exports::portcullis::plugin::completions::Target, portcullis::plugin::types::Argument},
    profile::check_target,
    proposals,
};

/// How often guests are interrupted (catalogue WX-28).
const TICK: Duration = Duration::from_millis(10);

/// Calls with more memory than this never begin on the thread that took the request: an instruction that fills all of it is not
/// interrupted (catalogue WX-08).
const SMALL: u64 = 16 << 20;

/// The engine was not started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This is no target for plugins.
    #[error(transparent)]
    Target(#[from] TargetUnsupported),
    /// A proposal that should be off is on.
    #[error(transparent)]
    Proposal(#[from] ProposalEnabled),
    /// The engine refuses its settings, or the pools do not fit the address space.
    #[error("the engine does not start: {0}")]
    Engine(String),
    /// A thread can't be started.
    #[error("the threads for guests do not start: {0}")]
    Threads(#[from] std::io::Error),
}

/// See the module.
pub struct Engine {
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

pub(super) struct Shared {
    engine: wasmtime::Engine,
    services: Arc<Services>,
    guests: tokio::runtime::Handle,
    turns: Turns,
    stopping: Arc<AtomicBool>,
}

/// Ends the guest when the call that waits for it is dropped: a client that goes away, a host that stops.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Engine {
    /// Starts the engine on a target that is supported, after proving that what should be off is off.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn start(pool: PoolLimits, services: Services) -> Result<Self, EngineError> {
        check_target(std::env::consts::ARCH, std::env::consts::OS)?;
        let config = EngineProfile::current().serving(pool);
        let engine = wasmtime::Engine::new(&config).map_err(|error| EngineError::Engine(format!("{error:#}")))?;
        proposals::prove_off(&engine)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // More than there are cores: one instruction that fills 100 MB can't be interrupted, and the kernel shares a core
        // more fairly than a thread that waits for it.
        let threads = 2 * cores + 1;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("guest")
            // Guests wait here for what they ask of the network, too.
            .enable_all()
            .build()?;
        let stopping = Arc::new(AtomicBool::new(false));
        start_clock(engine.clone(), stopping.clone())?;
        let shared = Arc::new(Shared {
            engine,
            services: Arc::new(services),
            guests: runtime.handle().clone(),
            turns: Turns::new(cores),
            stopping,
        });
        Ok(Self { shared, runtime: Some(runtime) })
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.shared.engine
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        if let Some(runtime) = self.runtime.take() {
            // A guest inside a long instruction sequence ends at its next tick; nobody waits for it here.
            runtime.shutdown_background();
        }
    }
}

/// From a thread of its own: a timer of an async runtime does not fire while guests hold all of its threads.
fn start_clock(engine: wasmtime::Engine, stopping: Arc<AtomicBool>) -> std::io::Result<()> {
    let tick = move || {
        while !stopping.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
            engine.increment_epoch();
        }
    };
    std::thread::Builder::new().name("epoch".to_owned()).spawn(tick).map(drop)
}

impl Plugin {
    /// Runs the call that `permit` allows, in a fresh instance, until it has ended or was ended. Dropping the future ends
    /// the guest at its next slice; `keep` is held until it is gone.
    ///
    /// # Errors
    /// [`Lost`], after a panic of the host.
    pub async fn run<K: Keep>(&self, permit: Permit, keep: K) -> Result<Ran<K>, Lost> {
        let start = Instant::now();
        let linked = self.linked().clone();
        let small = permit.tool().limits.memory <= SMALL;
        let step = self.linked().pace.begin();
        let mut call = Held::new(async move { linked.run_here(permit, keep, start).await });
        if small && step.may_begin_here() {
            // A panic of the host ends this call alone, as it does among the guests' threads, and not who asked for it.
            let here = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut call).poll(context))) {
                Ok(Poll::Ready(ended)) => Poll::Ready(Ok(Some(ended))),
                Ok(Poll::Pending) if call.is_quick() => Poll::Pending,
                Ok(Poll::Pending) => Poll::Ready(Ok(None)),
                Err(_) => Poll::Ready(Err(lost(&"it panicked"))),
            });
            if let Some((ran, held)) = here.await? {
                step.end(held);
                return Ok(ran);
            }
        }
        let mut task = AbortOnDrop(self.linked().engine.guests.spawn(call));
        match (&mut task.0).await {
            Ok((ran, held)) => {
                step.end(held);
                Ok(ran)
            }
            Err(error) => Err(lost(&error)),
        }
    }
}

/// Whoever runs the host is told that it failed; the panic itself is in the log.
fn lost(error: &dyn Display) -> Lost {
    tracing::error!(target: "portcullis::alert", alert = "host-panic", %error, "a call's task ended by itself");
    Lost
}

impl Linked {
    async fn run_here<K: Keep>(&self, permit: Permit, keep: K, start: Instant) -> Ran<K> {
        let tool = permit.tool().clone();
        let limits = &tool.limits;
        let deadline = start + limits.time;
        let limiter = Limiter::new(limits.memory, limits.table_elements);
        let reaches_out = tool.grants.iter().any(|grant| grant.capability.interface() == Interface::Egress);
        let witness = reaches_out.then(|| keep.witness());
        let notices = Notices::new(keep.listener(), limits.notices);
        let around = Around { services: self.engine.services.clone(), assets: self.assets.clone(), witness, notices };
        let state = CallState::new(permit, around, limiter, deadline);
        let mut running = Running::new(self.store(state, deadline), keep, start);
        let called = tokio::time::timeout_at(deadline.into(), self.call(running.store())).await;
        let ending = match called {
            Ok(Ok(ending)) => ending,
            Ok(Err(error)) => Ending::Stopped(self.stop(running.store(), &error)),
            Err(_) => Ending::Stopped(Stop::Time { limit: limits.time }),
        };
        let (mut state, usage, keep) = running.end();
        // With its streams goes what the guest had not ended with a newline: into the log.
        state.wasi = None;
        let (log, log_dropped) = state.log.take();
        let writes = state.take_writes();
        let ending = match ending {
            // It may do less than was previewed by failing, and not in silence.
            Ending::Done(_) if state.effects.lacks_some() => {
                let wanted = "end without the rest of what it was confirmed for".to_owned();
                Ending::Stopped(Stop::Diverged { wanted, sent: state.effects.sent().to_vec() })
            }
            ending => ending,
        };
        let (intended, unanswered, sent) = state.effects.end();
        let keep = Kept::new(keep, usage, sent.clone());
        let notices_dropped = state.notices.dropped();
        Ran { keep, ending, usage, writes, intended, unanswered, sent, log, log_dropped, notices_dropped }
    }

    fn store(&self, state: CallState, deadline: Instant) -> Store<CallState> {
        let limits = state.permit.tool().limits.clone();
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let mut store = Store::new(&self.engine.engine, state);
        store.limiter(|state| &mut state.limiter);
        // The engine meters fuel (`consume_fuel`), so this can't fail.
        let _ = store.set_fuel(limits.fuel);
        store.set_hostcall_fuel(size(limits.host_data));
        store.set_max_component_handles(size(limits.handles));
        store.set_epoch_deadline(1);
        let mut turn = self.engine.turns.join();
        let limit = limits.time;
        store.epoch_deadline_callback(move |_| {
            if Instant::now() >= deadline {
                return Err(Stop::Time { limit }.into());
            }
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(turn.next())))
        });
        store
    }

    async fn call(&self, store: &mut Store<CallState>) -> wasmtime::Result<Ending> {
        let begin = Instant::now();
        let instance = self.pre.instantiate_async(&mut *store).await?;
        store.data_mut().instantiate = begin.elapsed();
        let permit = &store.data().permit;
        let name = permit.tool().name.to_string();
        Ok(match permit.given() {
            Given::Tool(_) => {
                // The text of them: what was checked.
                let arguments = permit.arguments().to_owned();
                let tools = there(&self.exports.tools)?.load(&mut *store, &instance)?;
                tools.call_call(&mut *store, &name, &arguments).await?.into()
            }
            Given::Resource { uri, variables } => {
                let (uri, variables) = (uri.clone(), arguments(variables));
                let resources = there(&self.exports.resources)?.load(&mut *store, &instance)?;
                resources.call_read(&mut *store, &name, &uri, &variables).await?.into()
            }
            Given::Prompt(given) => {
                let given = arguments(given);
                let prompts = there(&self.exports.prompts)?.load(&mut *store, &instance)?;
                prompts.call_get(&mut *store, &name, &given).await?.into()
            }
            Given::Completion { of, argument, value, context } => {
                let target = match of {
                    Completes::Prompt => Target::Prompt(name),
                    Completes::Resource => Target::Resource(name),
                };
                let (argument, value, context) = (argument.clone(), value.clone(), arguments(context));
                let completions = there(&self.exports.completions)?.load(&mut *store, &instance)?;
                completions.call_complete(&mut *store, &target, &argument, &value, &context).await?.into()
            }
        })
    }

    /// A guest that is refused memory mostly ends itself in a panic; what ended it is the refusal.
    fn stop(&self, store: &Store<CallState>, error: &wasmtime::Error) -> Stop {
        let state = store.data();
        let limits = &state.permit.tool().limits;
        let stop = Stop::of(error, limits);
        match stop {
            Stop::Trap { .. } if state.limiter.memory_refused => Stop::Memory { limit: limits.memory },
            Stop::Trap { .. } if state.limiter.table_refused => Stop::Table { limit: limits.table_elements },
            stop => stop,
        }
    }
}

/// What a call needs was found to be there when its release was loaded.
fn there<T>(export: &Option<T>) -> Result<&T, Stop> {
    export.as_ref().ok_or_else(|| {
        tracing::error!(target: "portcullis::alert", alert = "export-missing", "a call of something that its component does not export");
        Stop::Host
    })
}

fn arguments(given: &[(String, String)]) -> Vec<Argument> {
    given.iter().map(|(name, value)| Argument { name: name.clone(), value: value.clone() }).collect()
}
