//! Whoever reads a stream.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{Place, Stream};

/// Whoever reads a stream now. There is one at a time: who comes later takes over.
#[derive(Debug)]
pub(crate) struct Reader {
    stream: Arc<Stream>,
    changes: watch::Receiver<()>,
    nth: u64,
    after: u64,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Event(Place, Bytes),
    /// Nothing has happened for so long.
    Idle,
    /// There is no more, or somebody else reads on.
    End,
}

impl Reader {
    pub(super) fn new(stream: Arc<Stream>, changes: watch::Receiver<()>, nth: u64, after: u64) -> Self {
        Self { stream, changes, nth, after }
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        Place { kind: self.stream.kind, stream: self.stream.id, event: self.after }
    }

    /// The next event; waits for it no longer than `patience`.
    pub(crate) async fn next(&mut self, patience: Duration) -> Read {
        loop {
            {
                let log = self.stream.log();
                if log.reader != self.nth {
                    return Read::End;
                }
                // What has made room is passed over.
                let at = log.events.partition_point(|(number, _)| *number <= self.after);
                if let Some((number, event)) = log.events.get(at) {
                    self.after = *number;
                    let event = event.clone();
                    drop(log);
                    return Read::Event(self.place(), event);
                }
                if log.ended {
                    return Read::End;
                }
            }
            if timeout(patience, self.changes.changed()).await.is_err() {
                return Read::Idle;
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stream.change(|log| {
            if log.reader == self.nth {
                log.alone = Some(Instant::now());
            }
        });
    }
}
