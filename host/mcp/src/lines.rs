//! Lines of a stream, bounded: a line that is too long is passed over, not kept.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// Reads lines. What was read of a line survives a dropped future.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    limit: usize,
    line: Vec<u8>,
    too_long: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, line: Vec::new(), too_long: false }
    }

    /// The next line, or nothing at the end of the stream. A last line needs no line feed.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                let anything = self.too_long || !self.line.is_empty();
                return Ok(anything.then(|| self.take()));
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let piece = &available[..end.unwrap_or(available.len())];
            if self.too_long || self.line.len() + piece.len() > self.limit {
                self.too_long = true;
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(piece);
            }
            let consumed = piece.len() + usize::from(end.is_some());
            self.reader.consume(consumed);
            if end.is_some() {
                return Ok(Some(self.take()));
            }
        }
    }

    fn take(&mut self) -> Line {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.too_long) { Line::TooLong } else { Line::Whole(line) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::BufReader;

    use super::*;

    /// What a reader of whole texts would say.
    fn expected(bytes: &[u8], limit: usize) -> Vec<Line> {
        let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        // After the last line feed there is no line unless it holds something.
        if lines.last().is_some_and(|last| last.is_empty()) {
            lines.pop();
        }
        lines.iter().map(|line| if line.len() > limit { Line::TooLong } else { Line::Whole(line.to_vec()) }).collect()
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_arrive(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
            limit in 0_usize..20,
            buffer in 1_usize..20,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(async {
                let mut lines = Lines::new(BufReader::with_capacity(buffer, bytes.as_slice()), limit);
                let mut read = Vec::new();
                while let Some(line) = lines.next().await.unwrap() {
                    read.push(line);
                }
                read
            });
            prop_assert_eq!(read, expected(&bytes, limit));
        }
    }
}
