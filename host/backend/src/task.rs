//! Calls that go on without their requests: MCP's extension `io.modelcontextprotocol/tasks` (SEP-2663).

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use portcullis_manifest::Principal;

use crate::{Answer, Asking, Question, Reply};

/// Names a task: 128 random bits, so that nobody finds one by trying. On the wire 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub [u8; 16]);

/// A text that names no task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task's id is 32 digits of 0-9 and a-f")]
pub struct InvalidTaskId;

/// A call that goes on without its request, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What it is asked for by.
    pub id: TaskId,
    /// How far it has come.
    pub state: TaskState,
    /// About its state, for the person and the model.
    pub message: Option<String>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub updated: i64,
    /// How long after [`Task::created`] it is kept at least. It can only grow.
    pub ttl: Duration,
    /// How long a client should wait before it asks again.
    pub poll: Duration,
}

/// How far a task has come.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskState {
    /// It runs.
    Working,
    /// It waits for the replies to these. A key stands for one question in all the life of the task.
    Asking(Vec<Question>),
    /// It has its answer, an error of the tool's own included.
    Completed(Answer),
    /// There is no answer: the host stopped it, or could not go on with it. JSON-RPC -32603.
    Failed(String),
    /// Somebody has ended it.
    Cancelled,
}

/// `tasks/update`. Nothing of it is checked by the transport.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskUpdate {
    /// Who sends it.
    pub principal: Principal,
    /// Which task.
    pub id: TaskId,
    /// By [`Question::key`]. Some may be missing, others may be too many.
    pub replies: BTreeMap<String, Reply>,
    /// What the client can be asked when the task goes on.
    pub asking: Asking,
}

impl TaskState {
    /// `status` on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Asking(_) => "input_required",
            Self::Completed(_) => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Who has the id of somebody's task still can't read it; all the same it is not written where it need not be.
impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

impl FromStr for TaskId {
    type Err = InvalidTaskId;

    fn from_str(text: &str) -> Result<Self, InvalidTaskId> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(InvalidTaskId),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(InvalidTaskId) };
        let pairs: &[[u8; 2]; 16] = pairs.try_into().map_err(|_| InvalidTaskId)?;
        let mut id = [0; 16];
        for (byte, [high, low]) in id.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_id_is_read_as_it_is_written_and_in_no_other_form() {
        let id = TaskId([0, 1, 0x2f, 0xff, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xf0]);
        assert_eq!(id.to_string(), "00012fff0405060708090a0b0c0d0ef0");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            "",
            "00012fff0405060708090a0b0c0d0ef",
            "00012fff0405060708090a0b0c0d0ef00",
            "00012FFF0405060708090a0b0c0d0ef0",
            "é0012fff0405060708090a0b0c0d0ef",
        ] {
            assert_eq!(wrong.parse::<TaskId>(), Err(InvalidTaskId), "{wrong}");
        }
    }
}
