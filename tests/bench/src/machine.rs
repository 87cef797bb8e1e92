//! On what was measured. No name, no path: a report can be published as it is.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

/// The machine and the build.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) kernel: String,
    /// Runnable processes in the minute before the run; above zero, others were at work.
    pub(crate) load_before: Option<f64>,
    /// What the client and the two peers allocate with.
    pub(crate) allocator: &'static str,
    pub(crate) optimised: bool,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
        Self {
            processor: model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned()),
            processors: available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: read("/proc/loadavg").split_ascii_whitespace().next().and_then(|load| load.parse().ok()),
            allocator: if cfg!(feature = "mimalloc") { "mimalloc" } else { "the system's" },
            optimised: !cfg!(debug_assertions),
        }
    }
}

impl Display for Machine {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { processor, processors, kernel, allocator, .. } = self;
        write!(f, "{processors} x {processor}, Linux {kernel}, client and servers on the same processors")?;
        write!(f, "\nallocator of client and peers: {allocator}")?;
        if let Some(load) = self.load_before {
            write!(f, "; load in the minute before: {load}")?;
        }
        if !self.optimised {
            write!(f, "\nNOT OPTIMISED: this is a debug build of client and peers; its figures say nothing")?;
        }
        Ok(())
    }
}
