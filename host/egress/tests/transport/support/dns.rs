//! A name server that answers what a test tells it to, over UDP and TCP, and counts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

/// What is said to a question.
pub(crate) enum Reply {
    /// These, and nothing of the other family.
    Addresses(Vec<IpAddr>),
    /// The name is another's, and that one has these.
    Alias(&'static str, Vec<IpAddr>),
    /// There is no such name.
    NoSuchName,
    /// The server is broken.
    Failure,
    /// Nothing at all.
    Silence,
}

/// Names and types, in order.
type Asked = Vec<(String, RecordType)>;
/// What is said, by how often the same type was asked for before.
type Answering = dyn Fn(usize) -> Reply + Send + Sync;

/// The server. It stops when it is dropped.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Asked>>,
    tasks: [JoinHandle<()>; 2],
}

impl Dns {
    pub(crate) async fn start(answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Answering> = Arc::new(answer);
        let tasks = [
            tokio::spawn(over_udp(udp, Arc::clone(&asked), Arc::clone(&answer))),
            tokio::spawn(over_tcp(tcp, Arc::clone(&asked), answer)),
        ];
        Self { address, asked, tasks }
    }

    /// Every question, in order.
    pub(crate) fn asked(&self) -> Asked {
        self.asked.lock().clone()
    }

    /// How often the address of one family was asked for.
    pub(crate) fn count(&self, kind: RecordType) -> usize {
        self.asked.lock().iter().filter(|(_, asked)| *asked == kind).count()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Both at one port.
async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

async fn over_udp(socket: UdpSocket, asked: Arc<Mutex<Asked>>, answer: Arc<Answering>) {
    let mut bytes = [0; 4096];
    loop {
        let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
        if let Some(reply) = replied(&bytes[..length], &asked, &answer) {
            let whole = reply.to_vec().unwrap();
            // More than fits is asked for again over TCP.
            let fitting = if whole.len() > 1200 { reply.truncate().to_vec().unwrap() } else { whole };
            let _ = socket.send_to(&fitting, from).await;
        }
    }
}

async fn over_tcp(listener: TcpListener, asked: Arc<Mutex<Asked>>, answer: Arc<Answering>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut bytes = vec![0; usize::from(length)];
                stream.read_exact(&mut bytes).await.unwrap();
                if let Some(reply) = replied(&bytes, &asked, &answer) {
                    let reply = reply.to_vec().unwrap();
                    stream.write_u16(u16::try_from(reply.len()).unwrap()).await.unwrap();
                    stream.write_all(&reply).await.unwrap();
                }
            }
        });
    }
}

fn replied(bytes: &[u8], asked: &Mutex<Asked>, answer: &Arc<Answering>) -> Option<Message> {
    let query = Message::from_vec(bytes).unwrap();
    let question = query.queries[0].clone();
    let (name, kind) = (question.name().clone(), question.query_type());
    let before = {
        let mut asked = asked.lock();
        asked.push((name.to_string(), kind));
        asked.iter().filter(|(_, other)| *other == kind).count() - 1
    };
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.metadata.recursion_available = true;
    reply.add_query(question);
    match answer(before) {
        Reply::Addresses(addresses) => {
            addresses.iter().filter_map(|address| record(&name, *address, kind)).for_each(|record| {
                reply.add_answer(record);
            })
        }
        Reply::Alias(alias, addresses) => {
            let alias = Name::from_ascii(alias).unwrap();
            reply.add_answer(Record::from_rdata(name, 0, RData::CNAME(CNAME(alias.clone()))));
            for record in addresses.iter().filter_map(|address| record(&alias, *address, kind)) {
                reply.add_answer(record);
            }
        }
        Reply::NoSuchName => reply.metadata.response_code = ResponseCode::NXDomain,
        Reply::Failure => reply.metadata.response_code = ResponseCode::ServFail,
        Reply::Silence => return None,
    }
    Some(reply)
}

/// With a time to live of nothing, as whoever means to change it says.
fn record(name: &Name, address: IpAddr, kind: RecordType) -> Option<Record> {
    let data = match (address, kind) {
        (IpAddr::V4(address), RecordType::A) => RData::A(A(address)),
        (IpAddr::V6(address), RecordType::AAAA) => RData::AAAA(AAAA(address)),
        _ => return None,
    };
    Some(Record::from_rdata(name.clone(), 0, data))
}
