//! What the process of a served host costs the machine, as the kernel says.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::Served;

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Open files, sockets and pipes.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
}

impl Served {
    /// Descriptors and threads of the process.
    ///
    /// # Panics
    /// When it is gone.
    #[must_use]
    pub fn holds(&self) -> Holds {
        let count = |what: &str| {
            let entries = fs::read_dir(format!("/proc/{}/{what}", self.pid()));
            entries.unwrap_or_else(|error| panic!("the host is gone: {error}")).count()
        };
        Holds { descriptors: count("fd"), threads: count("task") }
    }

    /// Waits until the process holds no more than `base`: what a call opened is closed soon after it, not with it, and a thread of
    /// the pool for blocking work goes when it has had none for ten seconds.
    ///
    /// # Panics
    /// When it still holds more after twenty seconds.
    pub fn let_go(&self, base: Holds) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let now = self.holds();
            if now.descriptors <= base.descriptors && now.threads <= base.threads {
                return;
            }
            if Instant::now() > deadline {
                let open = fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("the host is up");
                let open: Vec<_> = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).collect();
                panic!("the host holds {now:?}; before the attacks it held {base:?}: {open:?}");
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// Bytes that are resident now.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.status("VmRSS")
    }

    /// The most bytes that were resident since [`Served::forget_peak`].
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.status("VmHWM")
    }

    /// Lets the kernel begin again with the peak.
    ///
    /// # Panics
    /// When it does not.
    pub fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("the peak of a child can be reset");
    }

    fn status(&self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the host is up");
        let line =
            status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
        line.and_then(|number| number.trim().parse::<u64>().ok()).expect("a number of kB") << 10
    }
}
