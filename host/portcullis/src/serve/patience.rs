//! How long a connection is waited for, where hyper has no limit of its own: for a client that does not take its answers,
//! and for one that has ended its side and may still want its answer (catalogue MC-40, WX-29).

use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// Bytes for each second of which a client that does not keep up gets one second more.
const RATE: u64 = 64 << 10;

/// How long an answer may still take for a client that has ended its side. TCP does not tell a client that only sends no
/// more, and waits, from one that is gone; the call of one that is gone has to end within a second. So this is less.
const LAST_ANSWER: Duration = Duration::from_millis(250);

/// A stream that ends with [`io::ErrorKind::TimedOut`] when its peer does not take what is written. A write that succeeds at
/// once costs nothing but a look at a flag.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    timeout: Duration,
    /// Whether a write had to wait since everything was taken the last time.
    behind: bool,
    /// When it is too late. Made when it is needed first.
    late: Option<Pin<Box<Sleep>>>,
    /// Whether something was read since an answer was taken whole.
    asked: bool,
    /// Whether something was written since everything was taken the last time.
    wrote: bool,
    /// Whether others went first since everything was taken the last time.
    yielded: bool,
    /// When the end that was read is told.
    ended: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    /// The peer has `timeout`, and one second more for each 64 KiB that it takes, from when a write first has to wait until
    /// all is taken.
    pub(super) fn new(stream: S, timeout: Duration) -> Self {
        Self { stream, timeout, behind: false, late: None, asked: false, wrote: false, yielded: false, ended: None }
    }

    /// Whether others go first: before an answer is written, the calls that this thread has at hand are done. So their answers
    /// are written one after the other, and a client, or the proxy before the host, is woken once for many of them and not for
    /// each: to wake somebody costs as much as the write. Whoever is alone is asked again at once.
    fn yields(&mut self, cx: &mut Context<'_>) -> bool {
        if self.wrote || std::mem::replace(&mut self.yielded, true) {
            return false;
        }
        cx.waker().wake_by_ref();
        true
    }

    fn written(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(Ok(taken)) => {
                self.wrote = true;
                if let Some(late) = &mut self.late
                    && self.behind
                {
                    // No write has more bytes than fit into 64 bits of microseconds.
                    let more = Duration::from_micros(taken as u64 * 1_000_000 / RATE);
                    let deadline = late.deadline() + more;
                    late.as_mut().reset(deadline);
                }
                Poll::Ready(Ok(taken))
            }
            Poll::Pending => {
                let timeout = self.timeout;
                let late = self.late.get_or_insert_with(|| Box::pin(sleep(timeout)));
                if !std::mem::replace(&mut self.behind, true) {
                    late.as_mut().reset(Instant::now() + timeout);
                }
                ready!(late.as_mut().poll(cx));
                let why = "the client did not take its answers (`http.write_timeout`)";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
            }
            error => error,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ended.is_none() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            if buf.filled().len() > before || buf.remaining() == 0 {
                self.asked = true;
                return Poll::Ready(Ok(()));
            }
            if !self.asked {
                return Poll::Ready(Ok(()));
            }
        }
        self.ended.get_or_insert_with(|| Box::pin(sleep(LAST_ANSWER))).as_mut().poll(cx).map(Ok)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.yields(cx) {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.yields(cx) {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes the stream when its own buffer is empty, also before there is anything to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if std::mem::take(&mut self.wrote) {
            self.behind = false;
            self.yielded = false;
            self.asked = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::poll_fn, pin::pin};

    use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
    use hyper_util::rt::TokioIo;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        sync::oneshot,
        time::timeout,
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(20);

    fn pair(buffer: usize) -> (DuplexStream, Patient<DuplexStream>) {
        let (client, server) = duplex(buffer);
        (client, Patient::new(server, SHORT))
    }

    async fn write(stream: &mut Patient<DuplexStream>, bytes: usize) -> io::Result<()> {
        stream.write_all(&vec![0; bytes]).await?;
        stream.flush().await
    }

    #[tokio::test]
    async fn mc_40_who_takes_nothing_is_given_up_in_time() {
        let (client, mut server) = pair(1000);
        write(&mut server, 1000).await.unwrap();
        let began = Instant::now();
        let error = timeout(LONG, write(&mut server, 1)).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= SHORT);
        drop(client);
    }

    #[tokio::test]
    async fn mc_40_who_takes_a_drop_now_and_then_is_given_up_too() {
        let (mut client, mut server) = pair(1000);
        let drops = tokio::spawn(async move {
            // Each is in time for a clock that starts again with each write.
            while client.read_u8().await.is_ok() {
                tokio::time::sleep(SHORT / 4).await;
            }
        });
        let error = timeout(LONG, write(&mut server, 100_000)).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drops.abort();
    }

    #[tokio::test]
    async fn who_keeps_to_the_rate_gets_everything_and_waiting_between_answers_counts_for_nothing() {
        let (mut client, mut server) = pair(64 << 10);
        let reads = tokio::spawn(async move {
            let (mut taken, mut buffer) = (0, vec![0; 64 << 10]);
            // Four times as fast as the rate, and much longer than the timeout.
            while let Ok(got @ 1..) = client.read(&mut buffer).await {
                taken += got;
                tokio::time::sleep(SHORT * 2).await;
            }
            taken
        });
        write(&mut server, 512 << 10).await.unwrap();
        tokio::time::sleep(SHORT * 5).await;
        write(&mut server, 512 << 10).await.unwrap();
        drop(server);
        assert_eq!(reads.await.unwrap(), 1 << 20);
    }

    /// Serves one answer that takes a moment, for ever if it is none; the channel closes when its call is dropped.
    fn serve<S>(stream: S, moment: Option<Duration>) -> oneshot::Receiver<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (held, dropped) = oneshot::channel::<()>();
        let held = std::sync::Arc::new(std::sync::Mutex::new(Some(held)));
        let service = service_fn(move |_: Request<Incoming>| {
            let held = held.lock().unwrap().take();
            async move {
                match moment {
                    Some(moment) => tokio::time::sleep(moment).await,
                    None => std::future::pending().await,
                }
                drop(held);
                Ok::<_, Infallible>(Response::new("done".to_owned()))
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        dropped
    }

    /// Writes `answer` whole. How often it was polled.
    async fn written(stream: &mut Patient<DuplexStream>, answer: &[u8]) -> u32 {
        let mut polled = 0;
        let mut write = pin!(async {
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
        });
        poll_fn(|cx| {
            polled += 1;
            write.as_mut().poll(cx)
        })
        .await;
        polled
    }

    #[tokio::test]
    async fn before_each_answer_the_others_go_first_once() {
        let (_client, mut server) = pair(1000);
        for _ in 0..3 {
            assert_eq!(written(&mut server, b"answer").await, 2);
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn answers_that_are_ready_together_are_written_after_the_last_of_them_was_made() {
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        let mut streams = Vec::new();
        for _ in 0..3 {
            let (client, mut server) = pair(1000);
            streams.push(client);
            let told = told.clone();
            tokio::spawn(async move {
                told.send("made").unwrap();
                written(&mut server, b"answer").await;
                told.send("written").unwrap();
            });
        }
        drop(told);
        let mut seen = Vec::new();
        while let Some(what) = order.recv().await {
            seen.push(what);
        }
        assert_eq!(seen, ["made", "made", "made", "written", "written", "written"]);
    }

    async fn ask(client: &mut DuplexStream) -> String {
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = String::new();
        timeout(LONG, client.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }

    #[tokio::test]
    async fn who_has_said_all_still_gets_the_answer() {
        let (mut client, server) = duplex(1000);
        serve(server, Some(SHORT));
        assert_eq!(ask(&mut client).await, "", "hyper by itself gives none, so this test shows something");
        let (mut client, server) = pair(1000);
        serve(server, Some(SHORT));
        assert!(ask(&mut client).await.ends_with("\r\n\r\ndone"));
    }

    #[tokio::test]
    async fn wx_29_who_is_gone_is_noticed_within_a_second() {
        let (mut client, server) = pair(1000);
        let dropped = serve(server, None);
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        drop(client);
        timeout(Duration::from_secs(1), dropped).await.unwrap().unwrap_err();
    }

    #[tokio::test]
    async fn an_idle_connection_ends_at_once() {
        let (mut client, mut server) = pair(1000);
        client.write_all(b"?").await.unwrap();
        server.read_u8().await.unwrap();
        write(&mut server, 1).await.unwrap();
        client.shutdown().await.unwrap();
        let began = Instant::now();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(began.elapsed() < LAST_ANSWER);
    }
}
