//! The transport of egress against real servers on this machine that misbehave: name servers, TLS servers and HTTP servers,
//! each written over raw sockets, because a polite server is not what has to be survived.

mod conduct;
mod corpus;
mod deadlines;
mod environment;
#[path = "../../../../fuzz/holds/request.rs"]
mod holds;
mod names;
mod redirects;
mod requests;
mod responses;
mod secrets;
mod support;
mod tls;
