//! The extension for tasks (SEP-2663), which revision 2026-07-28 has: `tasks/get`, `tasks/update`, `tasks/cancel`, and what
//! a task looks like wherever one is told of. What becomes a task, and whose it is, is the backend's to say.

use portcullis_backend::{Answer, Backend, CallRefused, Task, TaskId, TaskState, TaskUpdate, ToolAnswer};
use portcullis_manifest::Principal;
use serde_json::Value;
use uuid::Uuid;

use super::SERVER_INFO;
use crate::{
    asking,
    codec::{Capabilities, Field, Id, Params},
    era::Era,
    fault::Fault,
    protocol::Protocol,
    reply::{self, Reply, write},
};

/// The extension's identifier: among the capabilities of both sides.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Room for a task before its buffer has to grow.
const ROOM: usize = 1024;

const ID: &str = "`params.taskId` must be a string: the `taskId` that came with a result of type `task`";

impl<B: Backend> Protocol<B> {
    pub(crate) async fn get_task(&self, principal: &Principal, id: &Id, params: &Params) -> Result<Reply, Fault> {
        let (task, _) = named(params)?;
        let task = self.backend.task(principal, task).await.map_err(|refused| self.no_task(&refused))?;
        let mut out = reply::open(id, ROOM);
        out.extend_from_slice(br#"{"resultType":"complete","#);
        write_task(&mut out, &task);
        Ok(self.end(out))
    }

    pub(crate) async fn update_task(&self, principal: &Principal, id: &Id, params: Params) -> Result<Reply, Fault> {
        let (task, declared) = named(&params)?;
        let replies = asking::replies(params.input_responses)?;
        let update = TaskUpdate { principal: principal.clone(), id: task, replies, asking: declared.asking };
        self.backend.update_task(update).await.map_err(|refused| self.no_task(&refused))?;
        Ok(self.acknowledge(id))
    }

    pub(crate) async fn cancel_task(&self, principal: &Principal, id: &Id, params: &Params) -> Result<Reply, Fault> {
        let (task, _) = named(params)?;
        self.backend.cancel_task(principal, task).await.map_err(|refused| self.no_task(&refused))?;
        Ok(self.acknowledge(id))
    }

    /// `CreateTaskResult`.
    pub(crate) fn render_created(&self, id: &Id, task: &Task) -> Reply {
        let mut out = reply::open(id, ROOM);
        out.extend_from_slice(br#"{"resultType":"task","#);
        write_state(&mut out, task);
        self.end(out)
    }

    fn acknowledge(&self, id: &Id) -> Reply {
        let mut out = reply::open(id, ROOM);
        out.extend_from_slice(br#"{"resultType":"complete""#);
        self.end(out)
    }

    fn end(&self, mut out: Vec<u8>) -> Reply {
        out.extend_from_slice(br#","_meta":{"#);
        out.extend_from_slice(self.texts.server_member.as_bytes());
        out.extend_from_slice(b"}}");
        Reply::result(reply::close(out))
    }

    /// No call is refused by this, so none is named.
    fn no_task(&self, refused: &CallRefused) -> Fault {
        Fault { data: None, ..Fault::refused(Era::Modern, refused, Uuid::nil(), &self.challenges) }
    }
}

/// What the client declares with this request, if it takes tasks.
pub(super) fn declared(params: &Params) -> Result<Capabilities, Fault> {
    let Field::Is(meta) = &params.meta else { return Err(Fault::needs_tasks()) };
    match meta.capabilities {
        Field::Is(declared) if declared.tasks => Ok(declared),
        _ => Err(Fault::needs_tasks()),
    }
}

fn named(params: &Params) -> Result<(TaskId, Capabilities), Fault> {
    let declared = declared(params)?;
    let Field::Is(id) = &params.task_id else { return Err(Fault::params(ID)) };
    // A text that can't be one names no task either.
    let id = id.parse().map_err(|_| Fault::params(CallRefused::UnknownTask.to_string()))?;
    Ok((id, declared))
}

/// The members of a `DetailedTask`.
pub(super) fn write_task(out: &mut Vec<u8>, task: &Task) {
    write_state(out, task);
    match &task.state {
        TaskState::Working | TaskState::Cancelled => {}
        TaskState::Asking(questions) => {
            out.extend_from_slice(br#","inputRequests":"#);
            asking::write_all(out, questions);
        }
        TaskState::Completed(answer) => {
            out.extend_from_slice(br#","result":"#);
            match answer {
                Answer::Tool(answer) => write_result(out, answer),
                // Only tools become tasks.
                _ => write_result(out, &ToolAnswer::error("this answer is of no tool")),
            }
        }
        TaskState::Failed(why) => {
            out.extend_from_slice(br#","error":{"code":-32603,"message":"#);
            write(out, why);
            out.push(b'}');
        }
    }
}

/// The members of a `Task`.
fn write_state(out: &mut Vec<u8>, task: &Task) {
    let Task { id, state, message, created, updated, ttl, poll } = task;
    out.extend_from_slice(format!(r#""taskId":"{id}","status":"{}""#, state.as_str()).as_bytes());
    if let Some(message) = message {
        out.extend_from_slice(br#","statusMessage":"#);
        write(out, message);
    }
    let (created, updated) = (Utc(*created), Utc(*updated));
    let (ttl, poll) = (ttl.as_millis(), poll.as_millis());
    let rest = format!(r#","createdAt":"{created}","lastUpdatedAt":"{updated}","ttlMs":{ttl},"pollIntervalMs":{poll}"#);
    out.extend_from_slice(rest.as_bytes());
}

/// A `CallToolResult` inside a task, which names the server already.
fn write_result(out: &mut Vec<u8>, answer: &ToolAnswer) {
    let ToolAnswer { content, structured, is_error, meta } = answer;
    out.extend_from_slice(br#"{"resultType":"complete","content":"#);
    write(out, content);
    if let Some(structured) = structured {
        out.extend_from_slice(br#","structuredContent":"#);
        write(out, structured);
    }
    if *is_error {
        out.extend_from_slice(br#","isError":true"#);
    }
    if let Some(Value::Object(meta)) = meta {
        let mut meta = meta.clone();
        // Only the server names itself.
        meta.shift_remove(SERVER_INFO);
        out.extend_from_slice(br#","_meta":"#);
        write(out, &meta);
    }
    out.push(b'}');
}

/// Milliseconds since 1970, as ISO 8601 has it.
struct Utc(i64);

impl std::fmt::Display for Utc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, millis) = (self.0.div_euclid(1000), self.0.rem_euclid(1000));
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years that begin in March, in eras of 400 (Howard Hinnant, "chrono-compatible low-level date algorithms").
        let days = days + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let date = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_iso_8601_has_them() {
        for (millis, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_001, "2024-02-29T23:59:59.001Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (1_795_391_999_000, "2026-11-22T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Utc(millis).to_string(), written);
        }
    }
}
