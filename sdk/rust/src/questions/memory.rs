//! A stand-in for a person, for tests of a plugin's logic.

use alloc::string::{String, ToString};
use core::cell::RefCell;

use super::{Ask, Reply, Round};
use crate::ToolError;

/// A person, and a client, who have answered nothing yet, or what a test says. Answers are not held against their form: that is the host's.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    round: RefCell<Option<Round>>,
}

impl Memory {
    /// The first round: nothing has been asked.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A person who has replied to one question.
    #[must_use]
    pub fn replied(key: &str, reply: Reply<String>) -> Self {
        Self { round: RefCell::new(Some(Round { answers: [(key.to_string(), reply)].into(), ..Round::default() })) }
    }

    /// Answers what a tool has asked by ending with `asked`: with a JSON object for each key, and no to every other.
    ///
    /// # Panics
    /// When `asked` asks nothing.
    pub fn accept<'a>(&self, asked: ToolError, answers: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let Some(questions) = asked.questions().cloned() else { panic!("this asks nothing: {asked}") };
        let answers: alloc::vec::Vec<(&str, &str)> = answers.into_iter().collect();
        let reply = |key: &str| {
            let given = answers.iter().find(|(known, _)| *known == key);
            given.map_or(Reply::Declined, |(_, json)| Reply::Accepted((*json).to_string()))
        };
        let answers = questions.keys().map(|key| (key.to_string(), reply(key))).collect();
        self.round.replace(Some(Round { answers, state: questions.state }));
    }
}

impl Ask for Memory {
    fn answered(&self) -> Option<Round> {
        self.round.borrow().clone()
    }
}
