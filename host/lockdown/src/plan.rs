//! What is to be given up, and the giving up.

use std::{os::unix::fs::MetadataExt as _, path::PathBuf};

use rustix::{
    io::Errno,
    process::{DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior, setrlimit},
    thread::{
        CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
        no_new_privs, remove_capability_from_bounding_set, secure_computing_mode, set_capabilities, set_no_new_privs,
    },
};

use crate::{InForce, Measure, Missing, calls, files};

/// What of the file system stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// The one folder that can be written. It has to be there. None: nothing is served here, so the few public files that
    /// serving needs (names on the network, roots of TLS) can't be read either.
    pub data: Option<PathBuf>,
    /// Files and folders that can be read. What is not there yet stays closed.
    pub read: Vec<PathBuf>,
}

/// What the kernel offers to this process. A container may take away what the kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Landlock.
    pub landlock: bool,
    /// Seccomp.
    pub seccomp: bool,
}

/// See [`Plan::apply`].
#[derive(Clone, Debug)]
pub struct Plan {
    paths: Paths,
    network: bool,
    kernel: Kernel,
}

impl Kernel {
    /// What is there.
    #[must_use]
    pub fn running() -> Self {
        Self { landlock: files::available(), seccomp: secure_computing_mode().is_ok() }
    }
}

impl Plan {
    /// For a process that serves: TCP and UDP stay, over IPv4 and IPv6, and the files of `paths`.
    #[must_use]
    pub fn to_serve(paths: Paths, kernel: Kernel) -> Self {
        Self { paths, network: true, kernel }
    }

    /// For a process that only computes, from one open file to another: no file, no socket.
    #[must_use]
    pub fn to_compute(kernel: Kernel) -> Self {
        Self { paths: Paths::default(), network: false, kernel }
    }

    /// Gives up what is planned, for the calling thread, for every thread it will start, and as far as core dumps go for the
    /// process. It goes on where a measure can't be had: see [`InForce::insist`].
    #[must_use]
    pub fn apply(&self) -> InForce {
        // The filter comes last: it lets none of these calls through any more.
        InForce(vec![
            state(Measure::NoNewPrivileges, no_privileges()),
            state(Measure::NoCoreDumps, no_core_dumps()),
            state(Measure::NoCapabilities, self.no_capabilities()),
            state(Measure::Files, self.files()),
            state(Measure::SystemCalls, self.system_calls()),
        ])
    }

    fn no_capabilities(&self) -> Result<String, String> {
        if let Some(owner) = self.stranger() {
            return Err(format!("the data directory is of uid {owner}, and this process enters it by being root"));
        }
        // Whether there are any to be lost.
        let had = !held().map_err(said)?.is_empty();
        let _ = clear_ambient_capability_set();
        // Who may not take one out of the bounding set could not use it either: no program gets a new one.
        for capability in CapabilitySet::all().iter() {
            if capability_is_in_bounding_set(capability) == Ok(true) {
                let _ = remove_capability_from_bounding_set(capability);
            }
        }
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none }).map_err(said)?;
        match held().map_err(said)? {
            left if left.is_empty() => Ok(if had { "given up" } else { "it had none" }.to_owned()),
            left => Err(format!("the kernel keeps {left:?}")),
        }
    }

    /// Who owns the data directory, if that is another user, whose files only a capability opens.
    fn stranger(&self) -> Option<u32> {
        let owner = self.paths.data.as_ref()?.metadata().ok()?.uid();
        let root = held().is_ok_and(|held| held.contains(CapabilitySet::DAC_OVERRIDE));
        (root && owner != rustix::process::geteuid().as_raw()).then_some(owner)
    }

    fn files(&self) -> Result<String, String> {
        if !self.kernel.landlock {
            return Err("this kernel has none, or does not let this process have it".to_owned());
        }
        let version = files::restrict(&self.paths)?;
        let data = self.paths.data.as_ref();
        Ok(data.map_or(version.clone(), |data| format!("{version}; writes only in {}", data.display())))
    }

    fn system_calls(&self) -> Result<String, String> {
        if !self.kernel.seccomp {
            return Err("this kernel has no seccomp".to_owned());
        }
        let allowed = calls::restrict(self.network)?;
        Ok(format!("{allowed} of them are left"))
    }
}

fn no_privileges() -> Result<String, String> {
    set_no_new_privs(true).map_err(said)?;
    match no_new_privs() {
        Ok(true) => Ok("for good".to_owned()),
        _ => Err("the kernel took it and does not hold to it".to_owned()),
    }
}

fn no_core_dumps() -> Result<String, String> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(said)?;
    // A dump that goes through a pipe is made whatever the limit is; one of a process that can't be dumped is not.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(said)?;
    match (getrlimit(Resource::Core), dumpable_behavior()) {
        (Rlimit { current: Some(0), maximum: Some(0) }, Ok(DumpableBehavior::NotDumpable)) => {
            Ok("and nobody of the same user traces it".to_owned())
        }
        _ => Err("the kernel took it and does not hold to it".to_owned()),
    }
}

/// Every capability that this thread has in any way.
fn held() -> rustix::io::Result<CapabilitySet> {
    capabilities(None).map(|sets| sets.effective | sets.permitted | sets.inheritable)
}

fn state(measure: Measure, done: Result<String, String>) -> Result<(Measure, String), Missing> {
    done.map(|detail| (measure, detail)).map_err(|why| Missing { measure, why, allows: allows(measure) })
}

fn allows(measure: Measure) -> &'static str {
    match measure {
        Measure::NoNewPrivileges => "every Linux since 3.5 has it",
        Measure::NoCoreDumps => "every Linux has it",
        Measure::NoCapabilities => "run it as the user who owns the data directory",
        Measure::Files => {
            "it takes Linux 5.13 or newer, `landlock` in the kernel's list of security modules (`lsm=`), and a container \
             runtime that lets landlock_create_ruleset, landlock_add_rule and landlock_restrict_self through"
        }
        Measure::SystemCalls => "it takes a kernel with CONFIG_SECCOMP_FILTER, on x86-64 or aarch64",
    }
}

fn said(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}
