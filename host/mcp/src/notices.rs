//! What a call says while it runs, as notifications: how far it is, and lines for the client's log.

use bytes::Bytes;
use portcullis_backend::{Notice, Notices};
use portcullis_manifest::NoticeLevel;
use tokio::sync::mpsc;

use crate::{codec::Id, reply::write};

/// What one call has said and no transport has taken yet: a call that says more waits for its client. On stdio all calls share it.
pub(crate) const WAITING: usize = 16;

/// Where one request's notices come out, and what its client wants of them.
#[derive(Debug)]
pub(crate) struct Listener {
    notices: mpsc::Receiver<Notice>,
    /// What progress is reported under.
    token: Option<Id>,
    level: Option<NoticeLevel>,
    /// The last progress that was told: it has to rise, also over the rounds of a call.
    told: f64,
}

impl Listener {
    /// For a client that wants something; nothing is made for one that does not.
    pub(crate) fn new(token: Option<Id>, level: Option<NoticeLevel>) -> Option<(Notices, Self)> {
        if token.is_none() && level.is_none() {
            return None;
        }
        let (sender, notices) = mpsc::channel(WAITING);
        let asked = Notices { sender, progress: token.is_some(), log: level };
        Some((asked, Self { notices, token, level, told: f64::NEG_INFINITY }))
    }

    /// The next notification. It never comes when nobody can say anything any more.
    pub(crate) async fn next(&mut self) -> Bytes {
        loop {
            match self.notices.recv().await {
                Some(notice) => {
                    if let Some(message) = self.render(&notice) {
                        return message;
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// A notification that is there already.
    pub(crate) fn waiting(&mut self) -> Option<Bytes> {
        loop {
            let notice = self.notices.try_recv().ok()?;
            if let Some(message) = self.render(&notice) {
                return Some(message);
            }
        }
    }

    /// The notification, if it is one that the client wants.
    fn render(&mut self, notice: &Notice) -> Option<Bytes> {
        let mut out = Vec::with_capacity(192);
        match notice {
            Notice::Progress { done, total, message } => {
                let token = self.token.as_ref()?;
                if !done.is_finite() || *done <= self.told {
                    return None;
                }
                self.told = *done;
                out.extend_from_slice(
                    br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"#,
                );
                token.write(&mut out);
                out.extend_from_slice(br#","progress":"#);
                number(&mut out, *done);
                if let Some(total) = total.filter(|total| total.is_finite()) {
                    out.extend_from_slice(br#","total":"#);
                    number(&mut out, total);
                }
                if let Some(message) = message {
                    out.extend_from_slice(br#","message":"#);
                    write(&mut out, message);
                }
            }
            Notice::Message { level, logger, text } => {
                if self.level.is_none_or(|least| *level < least) {
                    return None;
                }
                out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":""#);
                out.extend_from_slice(level.as_str().as_bytes());
                out.extend_from_slice(br#"","logger":"#);
                write(&mut out, logger);
                out.extend_from_slice(br#","data":"#);
                write(&mut out, text);
            }
        }
        out.extend_from_slice(b"}}");
        Some(out.into())
    }
}

/// A whole number without a fraction, as people write it.
fn number(out: &mut Vec<u8>, number: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is a whole number that 64 bits hold")]
        write(out, &(number as i64));
    } else {
        write(out, &number);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::assert_valid;

    fn progress(done: f64) -> Notice {
        Notice::Progress { done, total: Some(100.0), message: None }
    }

    fn line(level: NoticeLevel) -> Notice {
        Notice::Message { level, logger: "notes".into(), text: "a\nb".into() }
    }

    fn told(listener: &mut Listener, notices: Vec<Notice>) -> Vec<Value> {
        let rendered = notices.iter().filter_map(|notice| listener.render(notice));
        rendered.map(|message| serde_json::from_slice(&message).unwrap()).collect()
    }

    #[test]
    fn nothing_is_made_for_a_client_that_wants_nothing() {
        assert!(Listener::new(None, None).is_none());
        let (notices, _) = Listener::new(None, Some(NoticeLevel::Error)).unwrap();
        assert_eq!((notices.progress, notices.log), (false, Some(NoticeLevel::Error)));
        let (notices, _) = Listener::new(Some(Id::Signed(3)), None).unwrap();
        assert_eq!((notices.progress, notices.log), (true, None));
    }

    #[test]
    fn progress_only_rises_and_has_the_token_as_it_came() {
        let (_, mut listener) = Listener::new(Some(Id::Text("t\"1".into())), None).unwrap();
        let steps = [0.0, 50.0, 50.0, 20.0, f64::NAN, 50.5, f64::INFINITY, 100.0];
        let told = told(&mut listener, steps.map(progress).to_vec());
        for message in &told {
            assert_valid("2025-11-25", "ProgressNotification", message);
            assert_valid("2026-07-28", "ProgressNotification", message);
            assert_eq!(message["params"]["progressToken"], "t\"1");
        }
        let steps: Vec<&Value> = told.iter().map(|message| &message["params"]["progress"]).collect();
        assert_eq!(json!(steps), json!([0, 50, 50.5, 100]));
        let odd = Notice::Progress { done: 101.0, total: Some(f64::NAN), message: Some("al\"most".into()) };
        let odd: Value = serde_json::from_slice(&listener.render(&odd).unwrap()).unwrap();
        assert_eq!(odd["params"], json!({ "progressToken": "t\"1", "progress": 101, "message": "al\"most" }));
        assert!(listener.render(&line(NoticeLevel::Emergency)).is_none());
    }

    #[test]
    fn lines_below_the_level_are_not_sent_and_none_where_none_are_wanted() {
        for least in NoticeLevel::ALL {
            let (_, mut listener) = Listener::new(None, Some(least)).unwrap();
            let told = told(&mut listener, NoticeLevel::ALL.map(line).to_vec());
            assert_eq!(told.len(), NoticeLevel::ALL.into_iter().filter(|level| *level >= least).count());
            for message in &told {
                assert_valid("2025-11-25", "LoggingMessageNotification", message);
                assert_valid("2026-07-28", "LoggingMessageNotification", message);
                assert_eq!(
                    (&message["params"]["logger"], &message["params"]["data"]),
                    (&json!("notes"), &json!("a\nb"))
                );
            }
            assert!(listener.render(&progress(1.0)).is_none());
        }
    }
}
