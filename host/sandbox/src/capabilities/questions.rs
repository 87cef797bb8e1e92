//! `questions`: what the person answered in the round before. Open to every plugin; has no effect, and asks nothing itself: a
//! tool asks by ending with `needs-input`.

use portcullis_admission::Answered;
use portcullis_manifest::{HostFunction, Interface};

use super::{CallState, function};
use crate::contract::bindings::portcullis::plugin::questions::{Answer, Host, Reply, Round};

const ANSWERED: &HostFunction = function(Interface::Questions, "answered");

impl Host for CallState {
    fn answered(&mut self) -> wasmtime::Result<Option<Round>> {
        self.enter(ANSWERED)?;
        Ok(self.permit.answered().map(|round| {
            let answer = |(key, answered): &(String, Answered)| {
                let reply = match answered {
                    Answered::Accepted(json) => Reply::Accepted(json.clone()),
                    Answered::Declined => Reply::Declined,
                    Answered::Cancelled => Reply::Cancelled,
                };
                Answer { key: key.clone(), reply }
            };
            Round { state: round.state.clone(), answers: round.answers.iter().map(answer).collect() }
        }))
    }
}
