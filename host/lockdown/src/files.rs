//! Landlock: which files can be opened, and how. What it does not rule over (whether a path exists, who owns it, its mode)
//! stays visible.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, Scope, make_bitflags, path_beneath_rules,
};

use crate::Paths;

/// What is asked of the kernel; one that knows less does less, from Linux 5.13 on. Tested with this very version.
const KNOWN: ABI = ABI::V6;

/// What can be done in the data directory. No program is started from it, and no device, pipe, socket or link is made in it.
const IN_THE_DATA: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer
});

const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});

/// What runtimes and the C library ask of the system: how many processors there are, and how it counts memory.
const RUNTIME: [&str; 6] = [
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu/online",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
];

/// Public files of the system that a host reads while it serves. What is not there is left out.
const SYSTEM: [&str; 19] = [
    // Randomness: the host's key, SQLite.
    "/dev/urandom",
    // The names in a backtrace.
    "/proc/self/exe",
    // Names on the network. Whole folders where a service replaces the file: a rule holds for the file that was there.
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/run/systemd/resolve",
    "/run/NetworkManager/resolv.conf",
    // Roots of TLS. Not /etc/ssl or /etc/pki: private keys are kept there too.
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/pki/ca-trust-source",
];

/// Whether this kernel, as far as it lets this process, has Landlock at all.
pub(crate) fn available() -> bool {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create).is_ok()
}

/// Restricts the calling thread and every thread that it will start; says by which version.
pub(crate) fn restrict(paths: &Paths) -> Result<String, String> {
    let status = ruleset(paths)?.restrict_self().map_err(|error| error.to_string())?;
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => Ok(format!("version {effective_abi}")),
        _ => Err("the kernel took the rules and does not hold to them".to_owned()),
    }
}

fn ruleset(paths: &Paths) -> Result<RulesetCreated, String> {
    let ruled = |error: RulesetError| error.to_string();
    let mut ruleset = Ruleset::default();
    ruleset = ruleset.handle_access(AccessFs::from_all(KNOWN)).map_err(ruled)?;
    // Signals to processes outside, and sockets of theirs that have no file.
    ruleset = ruleset.scope(Scope::from_all(KNOWN)).map_err(ruled)?;
    let mut ruleset = ruleset.create().map_err(ruled)?;
    ruleset = ruleset.add_rules(path_beneath_rules(RUNTIME.map(Path::new), READ)).map_err(ruled)?;
    if let Some(data) = &paths.data {
        // The one that has to be there: without it nothing works, and later nobody would know why.
        let data = PathFd::new(data).map_err(|error| error.to_string())?;
        ruleset = ruleset.add_rule(PathBeneath::new(data, IN_THE_DATA)).map_err(ruled)?;
        ruleset = ruleset.add_rules(path_beneath_rules(SYSTEM.map(Path::new), READ)).map_err(ruled)?;
    }
    ruleset.add_rules(path_beneath_rules(&paths.read, READ)).map_err(ruled)
}
