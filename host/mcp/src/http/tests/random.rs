//! Whatever comes, the server lives and answers in JSON.

use proptest::prelude::*;

use super::*;

/// What a client may send, good, nearly good or nonsense.
fn any_request() -> impl Strategy<Value = (Vec<u8>, Vec<(String, String)>)> {
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        r#"\{"jsonrpc":"2.0",("id":("a"|1|null|1.5),)?"method":"(ping|(tools|prompts|resources|resources/templates)/list|tools/call|prompts/get|resources/(read|subscribe)|completion/complete|initialize|x)"(,"params":(\{("name":"(echo|greeting)",?)?("uri":"docs://a",?)?("arguments":\{\}|"cursor":"A"|"ref":(\{"type":"ref/prompt","name":"greeting"\}|\[\])|"context":\{"arguments":\{\}\},?)?("argument":\{"name":"a","value":"b"\})?\}|\[\]|3))?\}?"#
            .prop_map(String::into_bytes),
    ];
    let name =
        "(mcp-protocol-version|mcp-method|mcp-name|mcp-param-region|accept|content-type|origin|content-encoding|x-y)";
    let value = r"(2026-07-28|2025-11-25|tools/call|prompts/get|resources/read|ping|echo|greeting|docs://a|=\?base64\?[A-Za-z=]{0,6}\?=|application/json|null|[ -~]{0,12})";
    (body, prop::collection::vec((name, value), 0..4))
}

#[test]
fn whatever_is_sent_the_answer_is_json_or_an_accepted_notification() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(Echo::new()));
    proptest!(ProptestConfig::with_cases(1500), |((body, headers) in any_request(), plain in any::<bool>())| {
        let mut sent = Sent::call("echo", json!({})).body(body);
        if plain {
            sent = sent.without("MCP-Protocol-Version").without("Mcp-Method").without("Mcp-Name");
        }
        for (name, value) in headers {
            sent = sent.set(&name, &value);
        }
        let got = runtime.block_on(server.send(&sent));
        if got.status == 202 {
            prop_assert!(got.body.is_empty());
        } else {
            let body = got.json();
            prop_assert_eq!(&body["jsonrpc"], "2.0");
            prop_assert!(body["result"].is_object() != body["error"].is_object(), "{}", body);
            prop_assert!(body["result"].is_null() || got.status == 200);
        }
    });
}

#[test]
fn whatever_bytes_a_connection_sends_the_server_lives() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(Echo::new()));
    proptest!(ProptestConfig::with_cases(300), |(bytes in prop::collection::vec(any::<u8>(), 0..400))| {
        runtime.block_on(async {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
        });
    });
    assert_eq!(runtime.block_on(server.send(&Sent::call("echo", json!({})))).status, 200);
}
