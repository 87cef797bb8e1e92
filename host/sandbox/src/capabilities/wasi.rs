//! The base list (`wit/base.md`): WASI 0.2 with nothing behind it. It is made when a guest first reaches for it, so that a
//! guest that does not pays nothing.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use portcullis_admission::Fixed;
use portcullis_manifest::Digest;
use rand::{SeedableRng as _, rngs::StdRng};
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView,
    cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _},
    clocks::{WasiClocks, WasiClocksView as _},
    filesystem::{WasiFilesystem, WasiFilesystemView as _},
    p2::{OutputStream, Pollable, StreamResult, bindings},
    random::WasiRandom,
};

use super::{CallState, LogBuffer, LogLevel};

/// Most random bytes in one request (catalogue WX-26).
const RANDOM: u64 = 64 << 10;

/// Bytes that stdout takes at a time.
const CHUNK: usize = 4 << 10;

/// What the base list stands on for one call.
pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl Wasi {
    fn new(log: &LogBuffer, handles: u64, fixed: Option<Fixed>) -> Self {
        let mut builder = WasiCtx::builder();
        if let Some(Fixed { seed, clock, .. }) = fixed {
            // Of two streams from one seed, each interface gets its own: a guest that reads more of one finds the other unchanged.
            let (insecure, secure) = (StdRng::from_seed(Digest::of(&seed).0), StdRng::from_seed(seed));
            let (number, _) = seed.split_first_chunk().expect("a seed has 32 bytes");
            builder.secure_random(secure).insecure_random(insecure).insecure_random_seed(u128::from_le_bytes(*number));
            builder.wall_clock(FixedClock(clock));
        } else {
            builder.wall_clock(WallClock);
        }
        let context = builder
            .stdout(Output(log.clone()))
            .stderr(Output(log.clone()))
            .monotonic_clock(MonotonicClock { start: Instant::now() })
            .max_random_size(RANDOM)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::try_from(handles).unwrap_or(usize::MAX));
        Self { context, table }
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let handles = self.permit.tool().limits.handles;
        let wasi = self.wasi.get_or_insert_with(|| Box::new(Wasi::new(&self.log, handles, self.permit.mode().fixed())));
        WasiCtxView { ctx: &mut wasi.context, table: &mut wasi.table }
    }
}

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links the base list, interface by interface: what is not named here does not exist for a guest (DESIGN rule 1).
pub(crate) fn link_base(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    use bindings::{cli, clocks, filesystem, random};
    let l = linker;
    wasmtime_wasi_io::bindings::wasi::io::error::add_to_linker::<CallState, Table>(l, |state| state.ctx().table)?;
    wasmtime_wasi_io::bindings::wasi::io::poll::add_to_linker::<CallState, Table>(l, |state| state.ctx().table)?;
    wasmtime_wasi_io::bindings::wasi::io::streams::add_to_linker::<CallState, Table>(l, |state| state.ctx().table)?;
    clocks::wall_clock::add_to_linker::<CallState, WasiClocks>(l, CallState::clocks)?;
    clocks::monotonic_clock::add_to_linker::<CallState, WasiClocks>(l, CallState::clocks)?;
    filesystem::types::add_to_linker::<CallState, WasiFilesystem>(l, CallState::filesystem)?;
    filesystem::preopens::add_to_linker::<CallState, WasiFilesystem>(l, CallState::filesystem)?;
    random::random::add_to_linker::<CallState, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure::add_to_linker::<CallState, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<CallState, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    cli::exit::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::environment::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::stdin::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::stdout::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::stderr::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_input::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_output::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<CallState, WasiCli>(l, CallState::cli)
}

/// The host's time in steps of a millisecond: fine clocks are how side channels are read.
struct WallClock;

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The time of a preview, also in the run that is confirmed after it: it stands, because the same run takes another time
/// every time, and what a guest writes must not depend on that.
struct FixedClock(i64);

impl HostWallClock for FixedClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

/// Time since the guest first asked, in steps of a millisecond.
struct MonotonicClock {
    start: Instant,
}

impl HostMonotonicClock for MonotonicClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_mul(1_000_000)
    }
}

/// stdout or stderr: lines of the call's log.
struct Output(LogBuffer);

/// One handle that the guest holds on it.
struct Lines {
    log: LogBuffer,
    line: Vec<u8>,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    /// Only WASI 0.3 asks for this, and WASI 0.3 is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Lines { log: self.0.clone(), line: Vec::new() })
    }
}

#[async_trait::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        // Whatever was offered, a guest may write more at once.
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let ended = piece.strip_suffix(b"\n");
            let mut rest = ended.unwrap_or(piece);
            while !rest.is_empty() {
                let (fits, more) = rest.split_at(rest.len().min(CHUNK - self.line.len()));
                self.line.extend_from_slice(fits);
                rest = more;
                // A line without an end is a line too, once it is as long as one may be.
                if self.line.len() == CHUNK {
                    self.cut_line();
                }
            }
            if ended.is_some() {
                self.end_line();
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl Lines {
    /// Ends the line before a character that is not whole yet: its at most three bytes begin the next one.
    fn cut_line(&mut self) {
        let last = self.line.utf8_chunks().last().map(|chunk| chunk.invalid()).unwrap_or_default();
        let begun = std::str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
        let begun = if begun { last.to_vec() } else { Vec::new() };
        self.line.truncate(self.line.len() - begun.len());
        self.end_line();
        self.line = begun;
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.log.write(LogLevel::Output, &String::from_utf8_lossy(&line));
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_line();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(writes: &[&[u8]]) -> Vec<String> {
        let log = LogBuffer::new(1 << 20);
        let mut stream = Output(log.clone()).p2_stream();
        for bytes in writes {
            stream.write(Bytes::copy_from_slice(bytes)).unwrap();
        }
        drop(stream);
        let (lines, dropped) = log.take();
        assert_eq!(dropped, 0);
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn output_is_lines_however_it_is_cut_into_writes() {
        assert_eq!(lines(&[b"a", b"b\nc\n\nd", b"\ne"]), ["ab", "c", "d", "e"]);
        assert_eq!(lines(&[b"\n\n"]), [""; 0]);
    }

    #[test]
    fn wx_25_a_line_that_is_too_long_is_several_and_nothing_is_lost() {
        let (short, long) = ("s".repeat(100), "l".repeat(CHUNK));
        let (short, long) = (short.as_str(), long.as_str());
        for writes in [vec![short, long], vec![long, short], vec![short, long, "\n", long, "\n", long]] {
            let found = lines(&writes.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
            assert_eq!(found.concat(), writes.concat().replace('\n', ""));
            assert!(found.iter().all(|line| line.len() <= CHUNK));
        }
        let three = "x".repeat(3 * CHUNK);
        assert_eq!(lines(&[three.as_bytes()]), [&three[..CHUNK]; 3], "one write may be longer than was offered");
    }

    #[test]
    fn wx_25_a_long_line_is_not_cut_inside_a_character() {
        for before in 0..4 {
            let text = format!("{}{}", "x".repeat(before), "\u{1f980}".repeat(CHUNK / 2));
            assert_eq!(lines(&[text.as_bytes()]).concat(), text);
        }
        // Nor does it wait for the rest of what is not one.
        let broken = [&[b'x'; CHUNK - 2][..], b"\xf0\x9f", b"yz"].concat();
        let found = lines(&[&broken[..]]);
        assert_eq!(found, ["x".repeat(CHUNK - 2), "\u{fffd}yz".to_owned()]);
    }
}
