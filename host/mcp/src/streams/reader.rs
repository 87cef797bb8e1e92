//! Whoever reads a stream.

use std::sync::Arc;

use bytes::Bytes;
use portcullis_manifest::Principal;
use tokio::{sync::watch, time::Instant};

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

    /// Whoever reads has proven to be `principal`, and what is told from now on is what they see.
    pub(crate) fn renew(&self, principal: &Principal) {
        // Somebody else who reads on may hold more by now, or less.
        if self.stream.log().reader == self.nth {
            self.stream.renew(principal);
        }
    }

    /// The next event. Dropped before it is ready, it has lost nothing.
    pub(crate) async fn next(&mut self) -> Read {
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
            if self.changes.changed().await.is_err() {
                return Read::End;
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
