//! The spawner: the one process that may still start programs when the server has locked itself down. It reads no component
//! and no answer; it starts helpers, hands over the stream to each, and ends them.

use std::{
    io::{self, IoSlice, IoSliceMut, Read as _, Write as _},
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Command, Stdio},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// Asked: another helper, and the end of the one before.
const START: u8 = b's';

/// Asked: the end of the helper.
const END: u8 = b'e';

/// The server's side.
pub(super) struct Spawner {
    control: UnixStream,
}

impl Spawner {
    pub(super) fn over(control: UnixStream) -> Self {
        Self { control }
    }

    /// A stream to a fresh helper.
    ///
    /// # Errors
    /// Why it can't be started, or that there is no spawner any more.
    pub(super) fn start(&mut self) -> io::Result<UnixStream> {
        let helper = self.ask(START)?;
        Ok(helper.ok_or(io::ErrorKind::InvalidData)?.into())
    }

    /// Ends the helper; it is gone when this returns.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.ask(END).map(drop)
    }

    fn ask(&mut self, what: u8) -> io::Result<Option<OwnedFd>> {
        self.control.write_all(&[what])?;
        let mut errno = [0; 4];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut handed = RecvAncillaryBuffer::new(&mut space);
        let read =
            recvmsg(&self.control, &mut [IoSliceMut::new(&mut errno)], &mut handed, RecvFlags::CMSG_CLOEXEC)?.bytes;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.control.read_exact(&mut errno[read..])?;
        let mut handed = handed.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut files) => files.next(),
            _ => None,
        });
        match i32::from_le_bytes(errno) {
            0 => Ok(handed.next()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// Serves the process whose stream is its stdin, until that stream ends. `helper` is the argument with which this program calls
/// [`super::helper_main`].
///
/// # Errors
/// When the stream breaks.
pub fn spawner_main(helper: &str) -> io::Result<()> {
    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    serve(control, || {
        // `/proc/self/exe` is this very program, whatever has been put in its place on disk meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command.arg(helper);
        command
    })
}

pub(super) fn serve(mut control: UnixStream, program: impl Fn() -> Command) -> io::Result<()> {
    let mut helper = None;
    let mut asked = [0];
    while control.read(&mut asked)? == 1 {
        // One that is to be replaced may still be writing what nobody must read.
        drop(helper.take());
        let started = match asked[0] {
            START => start(program()).map(Some),
            END => Ok(None),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        };
        match started {
            Ok(Some((child, stream))) => {
                answer(&control, 0, Some(&stream))?;
                helper = Some(child);
            }
            Ok(None) => answer(&control, 0, None)?,
            Err(error) => answer(&control, error.raw_os_error().unwrap_or(22), None)?,
        }
    }
    Ok(())
}

/// A helper: ended when this is dropped.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(mut command: Command) -> io::Result<(Helper, UnixStream)> {
    let (ours, its) = UnixStream::pair()?;
    let its = OwnedFd::from(its);
    let child = command
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(its.try_clone()?))
        .stdout(Stdio::from(its))
        .stderr(Stdio::null())
        .spawn()?;
    Ok((Helper(child), ours))
}

fn answer(control: &UnixStream, errno: i32, stream: Option<&UnixStream>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut handed = SendAncillaryBuffer::new(&mut space);
    let files = stream.map(|stream| [stream.as_fd()]);
    if let Some(files) = &files {
        handed.push(SendAncillaryMessage::ScmRights(files));
    }
    // Four bytes into an empty stream: they go whole or not at all.
    sendmsg(control, &[IoSlice::new(&errno.to_le_bytes())], &mut handed, SendFlags::NOSIGNAL)?;
    Ok(())
}
