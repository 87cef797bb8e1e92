//! Seccomp: the system calls that are left. Any other is answered with EPERM, which programs know how to take; nothing is
//! killed for asking.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

pub(crate) use libc::c_long as Call;

/// Names of libc, many to a line.
macro_rules! calls {
    ($($name:ident)*) => { &[$(libc::$name),*] };
}

/// With whatever arguments. Files are Landlock's to judge; everything here works on what is open, on memory, on threads of
/// this process, on time, or says who and where it is.
const ALWAYS: &[Call] = calls! {
    // Files.
    SYS_openat SYS_openat2 SYS_close SYS_read SYS_write SYS_readv SYS_writev SYS_pread64 SYS_pwrite64 SYS_preadv
    SYS_pwritev SYS_lseek SYS_fstat SYS_newfstatat SYS_statx SYS_fstatfs SYS_faccessat SYS_faccessat2 SYS_getdents64
    SYS_getcwd SYS_readlinkat SYS_renameat SYS_renameat2 SYS_mkdirat SYS_unlinkat SYS_ftruncate SYS_fallocate
    SYS_fsync SYS_fdatasync SYS_fadvise64 SYS_flock SYS_fchmod SYS_fchown SYS_dup SYS_dup3 SYS_pipe2 SYS_umask
    // Memory. What is written can't be executed at the same time: see `CODE`.
    SYS_munmap SYS_mremap SYS_madvise SYS_msync SYS_brk SYS_mincore SYS_memfd_create SYS_membarrier
    // Threads and their signals.
    SYS_futex SYS_set_robust_list SYS_get_robust_list SYS_rseq SYS_sched_yield SYS_sched_getaffinity SYS_getcpu
    SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigreturn SYS_rt_sigtimedwait SYS_sigaltstack SYS_restart_syscall
    SYS_exit SYS_exit_group SYS_wait4 SYS_waitid
    // Waiting.
    SYS_ppoll SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_eventfd2 SYS_nanosleep
    SYS_clock_nanosleep
    // Time, randomness, what is used.
    SYS_clock_gettime SYS_clock_getres SYS_gettimeofday SYS_getrandom SYS_getrusage SYS_sysinfo
    // Who and where.
    SYS_getpid SYS_gettid SYS_getppid SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_uname SYS_capget
    // On sockets that are open.
    SYS_getsockname SYS_getpeername SYS_getsockopt SYS_sendto SYS_recvfrom SYS_sendmsg SYS_recvmsg SYS_shutdown
};

/// Older forms of the above, which aarch64 never had.
#[cfg(target_arch = "x86_64")]
const OLD: &[Call] = calls! {
    SYS_open SYS_stat SYS_lstat SYS_access SYS_readlink SYS_rename SYS_mkdir SYS_rmdir SYS_unlink SYS_poll
    SYS_epoll_wait SYS_time
};
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[Call] = &[];

/// What opens a way to others.
const NETWORK: &[Call] = calls! {
    SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_connect SYS_sendmmsg SYS_recvmmsg
};

/// TCP and UDP over IPv4 and IPv6. Not AF_UNIX: what listens there (a container runtime, a message bus) often may do
/// anything. Not netlink, not raw, not packets.
const FAMILIES: [i32; 2] = [libc::AF_INET, libc::AF_INET6];
const TYPES: [i32; 2] = [libc::SOCK_STREAM, libc::SOCK_DGRAM];
const PROTOCOLS: [i32; 3] = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP];

/// What SQLite, the standard library and the engine ask of an open file. Not `F_SETOWN` or `F_SETSIG`: they send signals.
const FCNTL: [i32; 14] = [
    libc::F_DUPFD,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_GETLK,
    libc::F_SETLK,
    libc::F_SETLKW,
    libc::F_OFD_GETLK,
    libc::F_OFD_SETLK,
    libc::F_OFD_SETLKW,
    libc::F_DUPFD_CLOEXEC,
    libc::F_ADD_SEALS,
    libc::F_GET_SEALS,
];

/// This process, where the kernel wants a descriptor of one (libc has no name for it yet).
const PIDFD_SELF: i32 = -10000;

/// Not `TIOCSTI`, which types into the terminal of who started the host.
const IOCTL: [u64; 3] = [libc::FIONBIO, libc::FIOCLEX, libc::TCGETS];

/// Names of threads and of memory, and questions. `PR_GET_AUXV` (libc has no name for it) tells where the clock is.
const PRCTL: [i32; 7] = [
    libc::PR_SET_NAME,
    libc::PR_GET_NAME,
    libc::PR_SET_VMA,
    libc::PR_GET_DUMPABLE,
    libc::PR_GET_NO_NEW_PRIVS,
    libc::PR_CAPBSET_READ,
    0x4155_5856,
];

/// A namespace of its own would give a process every capability inside it, and old code of the kernel to try them on.
const NEW_NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// What memory may be, of what can be asked for: written or executed, not both. The engine writes code, and then makes it
/// executable.
const CODE: i32 = libc::PROT_WRITE | libc::PROT_EXEC;
const WRITTEN_OR_EXECUTED: [i32; 3] = [0, libc::PROT_WRITE, libc::PROT_EXEC];

/// Restricts the calling thread and every thread that it will start; says how many calls are left.
pub(crate) fn restrict(network: bool) -> Result<usize, String> {
    let target: TargetArch = std::env::consts::ARCH.try_into().map_err(said)?;
    let allowed = allowed(network).map_err(said)?;
    let count = allowed.len();
    // glibc falls back to `clone`, whose flags a filter can see, only where it is told that there is no `clone3`.
    let absent = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let absent = SeccompFilter::new(absent, SeccompAction::Allow, errno(libc::ENOSYS), target);
    let others = SeccompFilter::new(allowed, errno(libc::EPERM), SeccompAction::Allow, target);
    for filter in [absent, others] {
        let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(said)?;
        apply_filter(&program).map_err(said)?;
    }
    Ok(count)
}

pub(crate) fn allowed(network: bool) -> Result<BTreeMap<Call, Vec<SeccompRule>>, BackendError> {
    let mut allowed = BTreeMap::new();
    let plain = [ALWAYS, OLD, if network { NETWORK } else { &[] }];
    allowed.extend(plain.into_iter().flatten().map(|call| (*call, Vec::new())));
    // The first filter has answered it; this one must not say otherwise.
    allowed.insert(libc::SYS_clone3, Vec::new());
    allowed.insert(libc::SYS_clone, vec![rule([masked(0, libc::CLONE_THREAD | NEW_NAMESPACES, libc::CLONE_THREAD)?])?]);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let each = WRITTEN_OR_EXECUTED.map(|what| rule([masked(2, CODE, what)?]));
        allowed.insert(call, each.into_iter().collect::<Result<_, _>>()?);
    }
    allowed.insert(libc::SYS_fcntl, one_of(1, FCNTL.map(number))?);
    allowed.insert(libc::SYS_ioctl, one_of(1, IOCTL)?);
    // It gives memory back in several places at once: in this process, and in no other.
    allowed.insert(libc::SYS_process_madvise, one_of(0, [number(PIDFD_SELF)])?);
    allowed.insert(libc::SYS_prctl, one_of(0, PRCTL.map(number))?);
    // Its own limits can be read; nobody's can be set.
    let none = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    allowed.insert(libc::SYS_prlimit64, vec![rule([none])?]);
    // `abort` and `raise`, and no other process.
    let own = u64::from(std::process::id());
    allowed.insert(libc::SYS_tgkill, one_of(0, [own])?);
    if network {
        let levels = [libc::SOL_SOCKET, libc::IPPROTO_TCP, libc::IPPROTO_IP, libc::IPPROTO_IPV6];
        allowed.insert(libc::SYS_setsockopt, one_of(1, levels.map(number))?);
        let mut sockets = Vec::new();
        for family in FAMILIES {
            for kind in TYPES {
                for protocol in PROTOCOLS {
                    sockets.push(rule([exactly(0, number(family))?, kind_of(kind)?, exactly(2, number(protocol))?])?);
                }
            }
        }
        allowed.insert(libc::SYS_socket, sockets);
        // Signals come to the runtime through a pair. A pair of streams can't be connected to anything else.
        let pair = rule([exactly(0, number(libc::AF_UNIX))?, kind_of(libc::SOCK_STREAM)?])?;
        allowed.insert(libc::SYS_socketpair, vec![pair]);
    }
    Ok(allowed)
}

fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into())
}

fn one_of<const N: usize>(argument: u8, values: [u64; N]) -> Result<Vec<SeccompRule>, BackendError> {
    values.into_iter().map(|value| rule([exactly(argument, value)?])).collect()
}

/// The kernel looks at these arguments as `int`, so the upper half does not count.
fn exactly(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: i32, value: i32) -> Result<SeccompCondition, BackendError> {
    let compare = SeccompCmpOp::MaskedEq(number(mask));
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, number(value))
}

/// A socket's type, whatever flags stand beside it.
fn kind_of(kind: i32) -> Result<SeccompCondition, BackendError> {
    masked(1, 0xf, kind)
}

/// As the filter sees an `int`.
fn number(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(number.cast_unsigned())
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
