//! What a locked down thread tries in vain.

use std::{
    fs::{self, File},
    io,
    net::TcpListener,
    os::unix::{
        fs::symlink,
        net::{UnixDatagram, UnixStream},
        process::CommandExt as _,
    },
    process::Command,
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    sys::ptrace,
    unistd::Pid,
};
use rustix::{
    io::Errno,
    net::{AddressFamily, Protocol, SocketType, ipproto, socket},
    process::{DumpableBehavior, Resource, Rlimit, Signal, getppid, kill_process, set_dumpable_behavior, setrlimit},
    thread::{set_no_new_privs, set_thread_gid},
};

use super::{landlock, refused, serving};

#[test]
fn wx_32_files_outside_cannot_be_opened_listed_made_changed_or_removed() {
    if !landlock() {
        return;
    }
    let (data, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = outside.path().join("secret");
    fs::write(&secret, "kept").unwrap();
    symlink(&secret, data.path().join("link")).unwrap();
    serving(data.path(), |_| {
        for path in ["/etc/passwd", "/proc/self/environ", "/proc/self/mem", "/proc/version", "/bin/sh", "/dev/null"] {
            refused(File::open(path), Errno::ACCESS);
        }
        refused(File::open(&secret), Errno::ACCESS);
        refused(File::open(data.path().join("link")), Errno::ACCESS);
        refused(fs::write(&secret, "changed"), Errno::ACCESS);
        refused(File::options().append(true).open(&secret), Errno::ACCESS);
        refused(File::create(outside.path().join("new")), Errno::ACCESS);
        refused(fs::create_dir(outside.path().join("folder")), Errno::ACCESS);
        refused(fs::remove_file(&secret), Errno::ACCESS);
        for folder in ["/", "/etc", "/proc", "/tmp"] {
            refused(fs::read_dir(folder), Errno::ACCESS);
        }
        let inside = data.path().join("inside");
        fs::write(&inside, "mine").unwrap();
        assert!(fs::rename(&inside, outside.path().join("moved")).is_err());
        assert!(fs::rename(&secret, data.path().join("taken")).is_err());
        assert!(fs::hard_link(&secret, data.path().join("linked")).is_err());
    });
    assert_eq!(fs::read_to_string(&secret).unwrap(), "kept");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn wx_32_no_link_pipe_or_socket_is_made_even_in_the_data_directory() {
    let data = tempfile::tempdir().unwrap();
    serving(data.path(), |_| {
        refused(symlink("/etc/passwd", data.path().join("link")), Errno::PERM);
        // By way of `fchmodat`, which can be tried on what Landlock does not judge.
        refused(fs::set_permissions(data.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)), Errno::PERM);
        refused(std::os::unix::net::UnixListener::bind(data.path().join("socket")), Errno::PERM);
    });
}

#[test]
fn wx_32_no_program_can_be_started() {
    let data = tempfile::tempdir().unwrap();
    let brought = data.path().join("brought");
    fs::copy("/bin/true", &brought).unwrap();
    assert!(Command::new(&brought).status().unwrap().success(), "outside of the wall it runs");
    serving(data.path(), |_| {
        for program in ["/bin/true".as_ref(), brought.as_path()] {
            refused(Command::new(program).spawn(), Errno::PERM);
        }
        // Were it let through, this test would end as `false` ends.
        refused(Err::<(), _>(Command::new("/bin/false").exec()), Errno::PERM);
    });
}

#[test]
fn wx_32_no_socket_but_tcp_and_udp_is_made() {
    let data = tempfile::tempdir().unwrap();
    let (bound, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _somebody = std::os::unix::net::UnixListener::bind(outside.path().join("socket")).unwrap();
    let _datagrams = UnixDatagram::bind(bound.path().join("socket")).unwrap();
    serving(data.path(), |_| {
        let made = |family, kind, protocol: Option<Protocol>| socket(family, kind, protocol).map_err(io::Error::from);
        for (family, kind, protocol) in [
            (AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP)),
            (AddressFamily::INET, SocketType::DGRAM, Some(ipproto::ICMP)),
            (AddressFamily::INET6, SocketType::RAW, Some(ipproto::ICMPV6)),
            (AddressFamily::INET, SocketType::STREAM, Some(ipproto::SCTP)),
            (AddressFamily::NETLINK, SocketType::RAW, None),
            (AddressFamily::NETLINK, SocketType::DGRAM, None),
            (AddressFamily::PACKET, SocketType::RAW, None),
            (AddressFamily::UNIX, SocketType::STREAM, None),
            (AddressFamily::UNIX, SocketType::DGRAM, None),
            (AddressFamily::VSOCK, SocketType::STREAM, None),
            (AddressFamily::from_raw(38), SocketType::SEQPACKET, None),
        ] {
            refused(made(family, kind, protocol), Errno::PERM);
        }
        refused(UnixStream::connect(outside.path().join("socket")), Errno::PERM);
        // A pair of datagram sockets could be connected to somebody else.
        refused(UnixDatagram::pair(), Errno::PERM);
    });
}

#[test]
fn wx_32_no_process_is_traced_signalled_or_left_and_no_file_system_is_mounted() {
    let data = tempfile::tempdir().unwrap();
    let parent = getppid().unwrap();
    serving(data.path(), |_| {
        let errno = |result: nix::Result<()>| result.map_err(io::Error::from);
        refused(errno(ptrace::traceme()), Errno::PERM);
        refused(errno(ptrace::attach(Pid::from_raw(parent.as_raw_pid()))), Errno::PERM);
        for namespace in [CloneFlags::CLONE_NEWUSER, CloneFlags::CLONE_NEWNS, CloneFlags::CLONE_NEWNET] {
            refused(errno(unshare(namespace)), Errno::PERM);
        }
        refused(errno(mount(None::<&str>, data.path(), Some("tmpfs"), MsFlags::empty(), None::<&str>)), Errno::PERM);
        refused(kill_process(parent, Signal::CONT).map_err(io::Error::from), Errno::PERM);
    });
}

#[test]
fn wx_32_what_was_given_up_is_not_taken_back() {
    let data = tempfile::tempdir().unwrap();
    serving(data.path(), |_| {
        let core = Rlimit { current: Some(0), maximum: Some(0) };
        for taken in [
            set_dumpable_behavior(DumpableBehavior::Dumpable),
            setrlimit(Resource::Core, core),
            set_no_new_privs(false),
            set_thread_gid(rustix::process::getgid()),
        ] {
            refused(taken.map_err(io::Error::from), Errno::PERM);
        }
    });
}

#[test]
fn wx_32_a_thread_that_it_starts_is_held_to_the_same() {
    let data = tempfile::tempdir().unwrap();
    serving(data.path(), |_| {
        let child =
            std::thread::spawn(|| (Command::new("/bin/true").spawn().is_err(), File::open("/etc/passwd").is_err()));
        let (program, file) = child.join().unwrap();
        assert!(program);
        assert!(file || !landlock());
    });
}

#[test]
fn wx_32_who_only_computes_has_neither_files_nor_sockets() {
    let home = tempfile::tempdir().unwrap();
    let inside = home.path().join("file");
    fs::write(&inside, "text").unwrap();
    super::locked(&crate::Plan::to_compute(crate::Kernel::running()), |_| {
        refused(TcpListener::bind("127.0.0.1:0"), Errno::PERM);
        refused(UnixStream::pair(), Errno::PERM);
        if landlock() {
            for path in [inside.as_path(), "/etc/resolv.conf".as_ref(), "/dev/urandom".as_ref()] {
                refused(File::open(path), Errno::ACCESS);
            }
        }
        let sums = std::thread::spawn(|| vec![1_u8; 1 << 24].iter().map(|byte| u64::from(*byte)).sum::<u64>());
        assert_eq!(sums.join().unwrap(), 1 << 24);
    });
}
