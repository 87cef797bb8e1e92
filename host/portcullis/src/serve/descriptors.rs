//! Open files: every connection is one, and a process that has no more of them can't even accept to refuse.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::exit::Failure;

/// What the host itself may need: database, listener, control socket and who asks there, the compiling helper.
const RESERVE: u64 = 64;

/// Raises this process's limit of open files as far as the system lets it, and refuses more connections than fit below.
/// `outgoing` are the connections that may leave the host; each has a socket, and one more while its name is looked up.
pub(super) fn raise(connections: usize, outgoing: usize) -> Result<(), Failure> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    enough(connections as u64, RESERVE + 2 * outgoing as u64, if raised { maximum } else { current })
}

/// No limit is none.
fn enough(connections: u64, reserve: u64, files: Option<u64>) -> Result<(), Failure> {
    match files {
        Some(files) if files < connections.saturating_add(reserve) => {
            let most = files.saturating_sub(reserve);
            let lower = if most > 0 { format!(", or set it to at most {most}") } else { String::new() };
            Err(Failure::usage(format_args!(
                "configuration: `http.connections` is {connections}, and this process may have {files} files open, of which \
                 the host keeps {reserve} for itself and for what leaves it (`egress.connections`): let it have {} (`ulimit -Hn`, or `LimitNOFILE=` of systemd){lower}",
                connections.saturating_add(reserve)
            )))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_and_a_reserve_have_to_fit() {
        for files in [None, Some(1088), Some(u64::MAX)] {
            assert!(enough(1024, RESERVE, files).is_ok(), "{files:?}");
        }
        let said = format!("{:?}", enough(1024, RESERVE, Some(1087)).unwrap_err());
        for words in ["`http.connections` is 1024", "may have 1087 files", "let it have 1088", "to at most 1023"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!format!("{:?}", enough(1, RESERVE, Some(64)).unwrap_err()).contains("at most"));
    }
}
