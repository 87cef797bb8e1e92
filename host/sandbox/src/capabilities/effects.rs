//! What a call does to the world, in order. Every write function asks here after it has found that it may and before it does
//! anything; what it is told depends on the permit's mode.
//!
//! | mode | an effect is |
//! |---|---|
//! | normal | done |
//! | preview | listed and not done |
//! | confirmed | done if it is the next one that was previewed; anything else ends the call |

use std::sync::Arc;

use portcullis_admission::{Intended, Mode, Previewed};

use crate::run::Stop;

/// Most effects that a preview lists. A person can't read more, and the host keeps them until the call is confirmed.
pub(crate) const MAX_EFFECTS: usize = 256;

/// See the module.
pub(crate) struct Effects {
    mode: Doing,
    /// Requests that have left the host, or may have, in plain words: what can't be taken back.
    sent: Vec<String>,
    /// The guest was told that there is no answer, because this is a preview.
    unanswered: bool,
}

enum Doing {
    All,
    Nothing { listed: Vec<Intended> },
    Previewed { previewed: Arc<Previewed>, next: usize },
}

/// What becomes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Do it.
    Do,
    /// It was listed: don't.
    Record,
}

impl Effects {
    pub(crate) fn new(mode: &Mode) -> Self {
        let mode = match mode {
            Mode::Normal => Doing::All,
            Mode::Preview(_) => Doing::Nothing { listed: Vec::new() },
            Mode::Confirmed(previewed) => Doing::Previewed { previewed: previewed.clone(), next: 0 },
        };
        Self { mode, sent: Vec::new(), unanswered: false }
    }

    /// Asks for one effect, which is put into words only where they are needed.
    pub(super) fn ask(&mut self, intended: impl FnOnce() -> Intended) -> wasmtime::Result<Verdict> {
        match &mut self.mode {
            Doing::All => Ok(Verdict::Do),
            Doing::Nothing { listed } => {
                if listed.len() >= MAX_EFFECTS {
                    return Err(Stop::Effects { limit: MAX_EFFECTS }.into());
                }
                listed.push(intended());
                Ok(Verdict::Record)
            }
            Doing::Previewed { previewed, next } => {
                let intended = intended();
                match previewed.effects.get(*next) {
                    Some(expected) if *expected == intended => *next += 1,
                    // What comes after an answer from outside was approved unseen (`preview = "partial"`).
                    None if !previewed.whole => {}
                    _ => return Err(Stop::Diverged { wanted: intended.to_string(), sent: self.sent.clone() }.into()),
                }
                Ok(Verdict::Do)
            }
        }
    }

    /// A request leaves the host now.
    pub(super) fn sends(&mut self, what: String) {
        self.sent.push(what);
    }

    /// What [`Effects::sends`] told last has not left the host after all.
    pub(super) fn did_not_send(&mut self) {
        self.sent.pop();
    }

    /// The guest gets no answer.
    pub(super) fn gives_no_answer(&mut self) {
        self.unanswered = true;
    }

    /// A confirmed run that has not done all that was previewed.
    pub(crate) fn lacks_some(&self) -> bool {
        matches!(&self.mode, Doing::Previewed { previewed, next } if *next < previewed.effects.len())
    }

    /// Requests that may have left the host.
    pub(crate) fn sent(&self) -> &[String] {
        &self.sent
    }

    /// What was listed and not done; whether the guest lacked an answer; and what was sent.
    pub(crate) fn end(self) -> (Vec<Intended>, bool, Vec<String>) {
        let listed = if let Doing::Nothing { listed } = self.mode { listed } else { Vec::new() };
        (listed, self.unanswered, self.sent)
    }
}

#[cfg(test)]
mod tests {
    use portcullis_admission::Fixed;
    use uuid::Uuid;

    use super::*;

    const FIXED: Fixed = Fixed { seed: [1; 32], clock: 2, call: Uuid::nil() };

    fn removal(key: &str) -> Intended {
        Intended::KvDelete { capability: "c".to_owned(), key: key.to_owned() }
    }

    fn confirmed(keys: &[&str], whole: bool) -> Effects {
        let effects = keys.iter().map(|key| removal(key)).collect();
        Effects::new(&Mode::Confirmed(Arc::new(Previewed { fixed: FIXED, effects, whole })))
    }

    fn stop(result: wasmtime::Result<Verdict>) -> Stop {
        result.unwrap_err().downcast_ref::<Stop>().unwrap().clone()
    }

    #[test]
    fn wr_05_a_preview_lists_and_does_nothing() {
        let mut effects = Effects::new(&Mode::Preview(FIXED));
        assert_eq!(effects.ask(|| removal("a")).unwrap(), Verdict::Record);
        assert_eq!(effects.ask(|| removal("b")).unwrap(), Verdict::Record);
        assert_eq!(effects.end().0, [removal("a"), removal("b")]);
    }

    #[test]
    fn wr_05_a_preview_lists_only_so_many() {
        let mut effects = Effects::new(&Mode::Preview(FIXED));
        for _ in 0..MAX_EFFECTS {
            effects.ask(|| removal("a")).unwrap();
        }
        assert_eq!(stop(effects.ask(|| removal("a"))), Stop::Effects { limit: MAX_EFFECTS });
    }

    #[test]
    fn wr_05_a_confirmed_run_does_what_was_previewed_in_its_order_and_nothing_else() {
        let mut effects = confirmed(&["a", "b"], true);
        assert_eq!(effects.ask(|| removal("a")).unwrap(), Verdict::Do);
        assert_eq!(effects.ask(|| removal("b")).unwrap(), Verdict::Do);
        assert!(matches!(stop(effects.ask(|| removal("b"))), Stop::Diverged { .. }), "one more");
        let mut effects = confirmed(&["a", "b"], true);
        assert!(matches!(stop(effects.ask(|| removal("b"))), Stop::Diverged { .. }), "another order");
    }

    #[test]
    fn wr_05_a_confirmed_run_that_does_only_a_part_is_known() {
        let mut effects = confirmed(&["a", "b"], true);
        effects.ask(|| removal("a")).unwrap();
        assert!(effects.lacks_some());
        effects.ask(|| removal("b")).unwrap();
        assert!(!effects.lacks_some());
    }

    #[test]
    fn wr_05_beyond_a_partial_preview_only_the_grants_bind() {
        let mut effects = confirmed(&["a"], false);
        assert!(matches!(stop(effects.ask(|| removal("x"))), Stop::Diverged { .. }), "what was previewed comes first");
        let mut effects = confirmed(&["a"], false);
        assert_eq!(effects.ask(|| removal("a")).unwrap(), Verdict::Do);
        assert_eq!(effects.ask(|| removal("x")).unwrap(), Verdict::Do);
    }

    #[test]
    fn wr_05_a_divergence_tells_what_has_been_sent() {
        let mut effects = confirmed(&[], true);
        effects.sends("POST https://a.example/".to_owned());
        let Stop::Diverged { sent, wanted } = stop(effects.ask(|| removal("x"))) else { panic!("it diverged") };
        assert_eq!(sent, ["POST https://a.example/"]);
        assert_eq!(wanted, removal("x").to_string());
    }
}
