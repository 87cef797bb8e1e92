//! A wire around the whole host: the kernel kills a process of it, with all its threads, at the first socket that could reach
//! a network. It needs no tool, no privilege and no namespace, holds in containers too, and leaves nothing to count: a host
//! that has answered has asked the kernel for no such socket since it was started, and without one no packet leaves it.
//!
//! The programs that a thread starts inherit its filter. So the thread that starts the host sets the wire, and is done then.

use std::{collections::BTreeMap, thread};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

/// Families of sockets from which a packet could leave. What is left is AF_UNIX, for the control socket and the runtime, and
/// AF_NETLINK, by which a process asks for its own addresses.
const FAMILIES: [i32; 4] = [libc::AF_INET, libc::AF_INET6, libc::AF_PACKET, libc::AF_VSOCK];

/// Does `start` in a thread whose programs die when they ask for a network. That thread must not ask for one itself.
pub(crate) fn tripwired<T: Send>(start: impl FnOnce() -> T + Send) -> T {
    let program = program();
    thread::scope(|scope| {
        let started = scope.spawn(|| {
            apply_filter(&program).expect("a thread may give things up");
            start()
        });
        started.join().expect("what is started under the wire does not panic")
    })
}

fn program() -> BpfProgram {
    let family = |family: i32| {
        let family = u64::try_from(family).expect("families are small numbers");
        let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, family);
        SeccompRule::new(vec![condition.expect("the first argument is one")]).expect("one condition is enough")
    };
    let calls = BTreeMap::from([
        (libc::SYS_socket, FAMILIES.map(family).to_vec()),
        // By which a socket could be asked for without the call.
        (libc::SYS_io_uring_setup, Vec::new()),
    ]);
    let here = std::env::consts::ARCH.try_into().expect("seccomp is known for this machine");
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, SeccompAction::KillProcess, here);
    filter.and_then(TryInto::try_into).expect("the filter is good")
}
