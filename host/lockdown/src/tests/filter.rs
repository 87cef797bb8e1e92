//! The filter itself, run here as the kernel runs it: for the calls that no safe function makes.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::calls::{Call, allowed};

const ALLOW: u32 = 0x7fff_0000;

/// What the program answers to a call, as far as it is made of the instructions that the compiler of filters emits.
fn answer(program: &BpfProgram, call: Call, arguments: [u64; 6]) -> u32 {
    let arch: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
    let mut data = Vec::new();
    data.extend(u32::try_from(call).unwrap().to_le_bytes());
    data.extend(arch.to_le_bytes());
    data.extend([0; 8]);
    arguments.iter().for_each(|argument| data.extend(argument.to_le_bytes()));
    let (mut at, mut value) = (0, 0_u32);
    loop {
        let step = &program[at];
        at += 1;
        let jump = |taken: bool| usize::from(if taken { step.jt } else { step.jf });
        match step.code {
            0x20 => {
                let offset = step.k as usize;
                value = u32::from_le_bytes(data[offset..offset + 4].try_into().unwrap());
            }
            0x54 => value &= step.k,
            0x05 => at += step.k as usize,
            0x15 => at += jump(value == step.k),
            0x25 => at += jump(value > step.k),
            0x35 => at += jump(value >= step.k),
            0x06 => return step.k,
            code => panic!("instruction {code:#x} is not known here"),
        }
    }
}

fn filter(network: bool) -> BpfProgram {
    let calls = allowed(network).unwrap();
    let target = std::env::consts::ARCH.try_into().unwrap();
    SeccompFilter::new(calls, SeccompAction::Errno(1), SeccompAction::Allow, target).unwrap().try_into().unwrap()
}

#[test]
fn wx_32_calls_that_reach_other_processes_or_old_corners_of_the_kernel_are_not_left() {
    let gone = [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_kcmp,
        libc::SYS_bpf,
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_open_tree,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_seccomp,
        libc::SYS_personality,
        libc::SYS_setuid,
        libc::SYS_setgid,
        libc::SYS_setresuid,
        libc::SYS_setgroups,
        libc::SYS_capset,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_mknodat,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_fchmodat,
        libc::SYS_fchownat,
        libc::SYS_truncate,
        libc::SYS_setxattr,
        libc::SYS_quotactl,
        libc::SYS_acct,
        libc::SYS_syslog,
        libc::SYS_sethostname,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_clock_adjtime,
        libc::SYS_shmget,
        libc::SYS_shmat,
        libc::SYS_msgget,
        libc::SYS_semget,
        libc::SYS_mq_open,
        libc::SYS_remap_file_pages,
        libc::SYS_pkey_mprotect,
        libc::SYS_memfd_secret,
        libc::SYS_vmsplice,
        libc::SYS_tee,
        libc::SYS_fanotify_init,
        libc::SYS_inotify_init1,
        libc::SYS_setpriority,
        libc::SYS_sched_setscheduler,
        libc::SYS_sched_setaffinity,
        libc::SYS_ioprio_set,
        libc::SYS_mlockall,
        libc::SYS_mbind,
        libc::SYS_landlock_create_ruleset,
    ];
    for network in [true, false] {
        let filter = filter(network);
        for call in gone {
            assert_ne!(answer(&filter, call, [0; 6]), ALLOW, "system call {call}");
        }
        // Numbers of the x32 table, and ones that no kernel has yet.
        for call in [0x4000_0000, 0x4000_0000 + libc::SYS_read, 900] {
            assert_ne!(answer(&filter, call, [0; 6]), ALLOW, "system call {call}");
        }
    }
}

#[test]
fn wx_32_what_is_left_is_left_for_some_arguments_only() {
    let filter = filter(true);
    let allows = |call, arguments| answer(&filter, call, arguments) == ALLOW;
    let numbers = |values: [i32; 3]| {
        let [one, two, three] = values.map(|value| u64::from(value.cast_unsigned()));
        [one, two, three, 0, 0, 0]
    };
    let (read, write, execute) = (libc::PROT_READ, libc::PROT_WRITE, libc::PROT_EXEC);
    let own = i32::try_from(std::process::id()).unwrap();
    // What glibc and musl start a thread with.
    let (thread, process) = (0x003d_0f00, libc::SIGCHLD);
    for (call, arguments, allowed) in [
        (libc::SYS_mmap, [0, 0, read | write], true),
        (libc::SYS_mmap, [0, 0, libc::PROT_NONE], true),
        (libc::SYS_mmap, [0, 0, write | execute], false),
        (libc::SYS_mprotect, [0, 0, read | execute], true),
        (libc::SYS_mprotect, [0, 0, read | write | execute], false),
        (libc::SYS_clone, [thread, 0, 0], true),
        (libc::SYS_clone, [process, 0, 0], false),
        (libc::SYS_clone, [libc::CLONE_VM | libc::CLONE_VFORK | process, 0, 0], false),
        (libc::SYS_clone, [thread | libc::CLONE_NEWUSER, 0, 0], false),
        (libc::SYS_socket, [libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0], true),
        (libc::SYS_socket, [libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP], true),
        (libc::SYS_socket, [libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_TCP], false),
        (libc::SYS_socket, [libc::AF_INET, libc::SOCK_STREAM, 262], false),
        (libc::SYS_socketpair, [libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0], true),
        (libc::SYS_socketpair, [libc::AF_UNIX, libc::SOCK_SEQPACKET, 0], false),
        (libc::SYS_setsockopt, [3, libc::IPPROTO_TCP, libc::TCP_NODELAY], true),
        (libc::SYS_setsockopt, [3, 282, 1], false),
        (libc::SYS_fcntl, [3, libc::F_SETLK, 0], true),
        (libc::SYS_fcntl, [3, libc::F_SETOWN, 1], false),
        (libc::SYS_fcntl, [3, 10, libc::SIGKILL], false),
        (libc::SYS_prctl, [libc::PR_SET_NAME, 0, 0], true),
        (libc::SYS_prctl, [libc::PR_SET_DUMPABLE, 1, 0], false),
        (libc::SYS_prctl, [libc::PR_SET_MM, 0, 0], false),
        (libc::SYS_prlimit64, [0, 7, 0], true),
        (libc::SYS_prlimit64, [0, 7, 1], false),
        (libc::SYS_process_madvise, [-10000, 0, 0], true),
        (libc::SYS_process_madvise, [3, 0, 0], false),
        (libc::SYS_tgkill, [own, own, libc::SIGABRT], true),
        (libc::SYS_tgkill, [1, 1, libc::SIGABRT], false),
    ] {
        assert_eq!(allows(call, numbers(arguments)), allowed, "system call {call} {arguments:?}");
    }
    assert!(allows(libc::SYS_ioctl, [1, libc::FIONBIO, 0, 0, 0, 0]));
    // `PAGEMAP_SCAN`, as linux/fs.h makes it: of `struct pm_scan_arg`, twelve numbers of eight bytes, read and written.
    let scan = 3 << 30 | (12 * 8) << 16 | u64::from(b'f') << 8 | 16;
    assert!(
        !allows(libc::SYS_ioctl, [3, scan, 0, 0, 0, 0]),
        "what it says of pages that are moved or swapped misleads"
    );
    assert!(!allows(libc::SYS_ioctl, [0, libc::TIOCSTI, 0, 0, 0, 0]));
    // A pointer is no null because its lower half is.
    assert!(!allows(libc::SYS_prlimit64, [0, 7, 1 << 32, 0, 0, 0]));
}

#[test]
fn wx_32_no_call_is_killed_for() {
    let program = filter(true);
    let answers = (0..600).map(|call| answer(&program, call, [0; 6]));
    let counts = answers.fold(BTreeMap::new(), |mut counts, answer| {
        *counts.entry(answer).or_insert(0) += 1;
        counts
    });
    // SECCOMP_RET_ERRNO with EPERM, and SECCOMP_RET_ALLOW.
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [0x0005_0001, ALLOW], "{counts:?}");
}
