//! One TCP connection to an address that was decided. It never resolves and never chooses: it is given addresses, and it
//! makes sure that what it reached is one of them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::phase::{Phase, TimedOut, within};

/// How many of a name's addresses are tried, one after the other.
const MAX_TRIED: usize = 3;

/// No connection could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFault {
    /// Nothing listens there.
    #[error("the host refused the connection")]
    Refused,
    /// There is no way there.
    #[error("the host cannot be reached")]
    Unreachable,
    /// The connection that was made is to somewhere else: EG-02.
    #[error("the connection reached another address than the one that was decided")]
    OtherPeer,
    /// The connections or files of this host are used up, or something else that is no fault of the far side.
    #[error("the connection could not be made")]
    Other,
}

impl From<&io::Error> for ConnectFault {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            _ => Self::Other,
        }
    }
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotConnected {
    #[error(transparent)]
    Fault(#[from] ConnectFault),
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

/// Connects to one of `addresses`, in their order, and says through `tried` which one is being tried.
pub(crate) async fn connect(
    addresses: &[SocketAddr],
    patience: Duration,
    deadline: Instant,
    mut tried: impl FnMut(SocketAddr),
) -> Result<TcpStream, NotConnected> {
    let end = Instant::now() + patience;
    let mut last = NotConnected::Fault(ConnectFault::Unreachable);
    let count = addresses.len().min(MAX_TRIED);
    for (index, &address) in addresses.iter().take(MAX_TRIED).enumerate() {
        tried(address);
        // Each gets its part of what is left, so that one that swallows packets leaves something to the next.
        let left = end.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(count - index).expect("at most three");
        last = match within(Phase::Connect, share, deadline, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                if stream.peer_addr().ok() != Some(address) {
                    return Err(ConnectFault::OtherPeer.into());
                }
                // A request is one or two writes: waiting to join them would only cost time.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => ConnectFault::from(&error).into(),
            Err(timed_out @ TimedOut { whole: true, .. }) => return Err(timed_out.into()),
            Err(timed_out) => timed_out.into(),
        };
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn dead() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    #[tokio::test]
    async fn eg_02_addresses_are_tried_in_their_order_and_no_more_than_three() {
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = alive.local_addr().unwrap();
        let deadline = Instant::now() + PATIENCE;

        let third = [dead().await, dead().await, address];
        let mut tried = Vec::new();
        let stream = connect(&third, PATIENCE, deadline, |address| tried.push(address)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        assert_eq!(tried, third);

        let fourth = [third[0], third[1], dead().await, address];
        let error = connect(&fourth, PATIENCE, deadline, |_| ()).await.unwrap_err();
        assert_eq!(error, NotConnected::Fault(ConnectFault::Refused));
    }

    #[tokio::test]
    async fn a_call_without_time_connects_nowhere() {
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = connect(&[alive.local_addr().unwrap()], PATIENCE, Instant::now(), |_| ()).await.unwrap_err();
        assert_eq!(error, NotConnected::TimedOut(TimedOut { phase: Phase::Connect, whole: true }));
    }
}
