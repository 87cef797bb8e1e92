//! What a call tells its client while it runs, handed to whoever has the client's stream.

use std::{future::Future, pin::Pin};

use portcullis_backend as seam;
use portcullis_manifest::NoticeLevel;
use portcullis_sandbox::{Listener, Notice};

/// See the module.
pub(super) struct Telling {
    notices: seam::Notices,
    /// The plugin: who speaks, for a reader of several.
    logger: String,
}

impl Telling {
    pub(super) fn new(notices: seam::Notices, logger: String) -> Self {
        Self { notices, logger }
    }
}

impl Listener for Telling {
    fn wants_progress(&self) -> bool {
        self.notices.progress
    }

    fn wants(&self, level: NoticeLevel) -> bool {
        self.notices.log.is_some_and(|least| level >= least)
    }

    fn tell(&self, notice: Notice) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let notice = match notice {
            Notice::Progress { done, total, message } => seam::Notice::Progress { done, total, message },
            Notice::Line { level, text } => seam::Notice::Message { level, logger: self.logger.clone(), text },
        };
        Box::pin(async move {
            // Nobody listens any longer: there is nobody to tell, and the call goes on.
            let _ = self.notices.sender.send(notice).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_line_is_told_at_the_level_that_was_asked_for_and_above_with_the_plugins_name() {
        let (sender, mut receiver) = mpsc::channel(1);
        let notices = seam::Notices { sender, progress: false, log: Some(NoticeLevel::Warning) };
        let telling = Telling::new(notices, "docs".to_owned());
        assert!(!telling.wants_progress());
        let levels = [NoticeLevel::Debug, NoticeLevel::Info, NoticeLevel::Notice, NoticeLevel::Warning];
        assert_eq!(levels.map(|level| telling.wants(level)), [false, false, false, true]);
        assert!(telling.wants(NoticeLevel::Emergency));
        telling.tell(Notice::Line { level: NoticeLevel::Error, text: "x".to_owned() }).await;
        let told = seam::Notice::Message { level: NoticeLevel::Error, logger: "docs".to_owned(), text: "x".to_owned() };
        assert_eq!(receiver.recv().await, Some(told));
    }

    #[tokio::test]
    async fn whoever_tells_waits_while_there_is_no_room_and_no_longer_than_somebody_is_there() {
        let (sender, mut receiver) = mpsc::channel(1);
        let notices = seam::Notices { sender, progress: true, log: None };
        let telling = Telling::new(notices, "docs".to_owned());
        assert!(!telling.wants(NoticeLevel::Emergency));
        let report = |done| Notice::Progress { done, total: None, message: None };
        telling.tell(report(1.0)).await;
        let mut second = telling.tell(report(2.0));
        assert!(futures_poll(&mut second).is_none(), "there is no room");
        assert!(receiver.recv().await.is_some());
        second.await;
        assert!(matches!(receiver.recv().await, Some(seam::Notice::Progress { done, .. }) if done == 2.0));
        telling.tell(report(3.0)).await;
        let third = telling.tell(report(4.0));
        drop(receiver);
        third.await;
    }

    /// Polls once.
    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        match Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}
