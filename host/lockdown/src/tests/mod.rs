//! On the kernel that runs the tests. What a test locks down is a thread of its own: a plan holds the thread that applies it and
//! those that it starts, so the others still see what became of it.

mod can;
mod cannot;
mod filter;
mod states;

use std::io;

use rustix::io::Errno;

use crate::{InForce, Kernel, Paths, Plan};

/// Runs `work` locked down to serve from `data`.
fn serving<T: Send>(data: &std::path::Path, work: impl FnOnce(&InForce) -> T + Send) -> T {
    let paths = Paths { data: Some(data.to_owned()), read: Vec::new() };
    locked(&Plan::to_serve(paths, Kernel::running()), work)
}

fn locked<T: Send>(plan: &Plan, work: impl FnOnce(&InForce) -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(|| work(&plan.apply())).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Fails unless this was refused with `errno`.
#[track_caller]
fn refused<T>(result: io::Result<T>, errno: Errno) {
    let error = result.err().expect("it was not refused");
    assert_eq!(error.raw_os_error(), Some(errno.raw_os_error()), "{error}");
}

/// Whether Landlock can be tested here; says so if not. Everything else is tested all the same.
fn landlock() -> bool {
    let there = Kernel::running().landlock;
    if !there {
        eprintln!("NOT TESTED HERE: Landlock, because this kernel has none or does not let this process have it");
    }
    there
}
