//! As much as is asked for of one thing, and not more: for the edge of each limit.

use portcullis_plugin::{
    Context, ToolError,
    egress::{Http, Request, Way},
    files::Folder,
    kv::KeyValue,
    log,
};
use serde::Deserialize;

use crate::{Answers, way_out::plain};

/// Schema: `schemas/amount.json`.
#[derive(Deserialize)]
pub(crate) struct Amount {
    of: String,
    n: usize,
    /// For the length of the arguments. It is told how much of it came.
    #[serde(default)]
    padding: String,
}

const CRM: &str = "https://crm.test:8443";

fn bytes(n: usize) -> Vec<u8> {
    vec![b'x'; n]
}

pub(crate) fn amount(args: Amount, cx: &Context) -> Result<Answers, ToolError> {
    let (rows, cabinet, crm) = (cx.kv("box"), cx.files("cabinet"), cx.http("crm"));
    let n = args.n;
    let send = |request: Request| crm.exchange(Way::Send, &request).map(drop);
    match args.of.as_str() {
        "arguments" => return Ok(Answers { answers: vec![format!("{} of padding", args.padding.len())] }),
        "kv_key" => rows.set(&"k".repeat(n), b"")?,
        "kv_value" => rows.set("k", &bytes(n))?,
        "kv_writes" => (0..n).try_for_each(|key| rows.set(&format!("{key}"), b""))?,
        // 128 for each key, and its length; files as well.
        "kv_bytes" => {
            rows.set("a", &bytes(500))?;
            rows.set("b", &bytes(n - 500 - 2 * 129))?;
        }
        "file" => cabinet.write("f", &bytes(n))?,
        "file_name" => cabinet.write(&"f".repeat(n), b"")?,
        "file_writes" => (0..n).try_for_each(|name| cabinet.write(&format!("{name}"), b""))?,
        "file_bytes" => {
            cabinet.write("a", &bytes(500))?;
            cabinet.write("b", &bytes(n - 500 - 2 * 129))?;
        }
        "requests" => (0..n).try_for_each(|_| send(plain("GET", &format!("{CRM}/body"))))?,
        "request_body" => send(Request { body: Some(bytes(n)), ..plain("POST", &format!("{CRM}/none")) })?,
        "response_body" => send(plain("GET", &format!("{CRM}/size/{n}")))?,
        "request_headers" => {
            let headers = (0..n).map(|field| (format!("x-{field}"), "v".to_owned())).collect();
            send(Request { headers, ..plain("GET", &format!("{CRM}/none")) })?;
        }
        "response_headers" => send(plain("GET", &format!("{CRM}/fields/{n}")))?,
        "header_bytes" => {
            let headers = vec![("x-long".to_owned(), "v".repeat(n - "x-long".len()))];
            send(Request { headers, ..plain("GET", &format!("{CRM}/none")) })?;
        }
        "url" => {
            let start = format!("{CRM}/none?");
            send(plain("GET", &format!("{start}{}", "q".repeat(n - start.len()))))?;
        }
        "host_calls" => {
            for _ in 0..n {
                rows.get("k")?;
            }
        }
        "host_data" => log::debug!("{}", "l".repeat(n)),
        "random" => drop(wasip2::random::random::get_random_bytes(n as u64)),
        "handles" => {
            let kept: Vec<_> = (0..n).map(|_| wasip2::clocks::monotonic_clock::subscribe_duration(1)).collect();
            drop(std::hint::black_box(kept));
        }
        of => return Err(ToolError::new(format!("no such amount: {of}"))),
    }
    Ok(Answers::default())
}
