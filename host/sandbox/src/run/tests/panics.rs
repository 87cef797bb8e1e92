//! A host function that panics while its guest is on the stack. No host function is known that does; the one here does because
//! whoever it has to tell of its work panics, and that is given to it from outside.

use std::{
    future::Future,
    pin::Pin,
    sync::OnceLock,
    thread::{self, ThreadId},
};

use portcullis_egress::Attempt;
use portcullis_manifest::{Access, Capability, Effect, Grant, http::HttpCapability};
use portcullis_store::Unavailable;
use tokio::sync::oneshot;

use super::*;

/// As [`constant`], and asks the host to send a request before it answers.
fn sending() -> Vec<u8> {
    let import = r#"
      (import "portcullis:plugin/egress@0.1.0" (instance $egress
        (type $header' (record (field "name" string) (field "value" string)))
        (export "header" (type $header (eq $header')))
        (type $headers (list $header))
        (type $bytes (list u8))
        (type $maybe-bytes (option $bytes))
        (type $request' (record (field "method" string) (field "url" string) (field "headers" $headers)
          (field "body" $maybe-bytes)))
        (export "request" (type $request (eq $request')))
        (type $response' (record (field "status" u16) (field "headers" $headers) (field "body" $bytes)))
        (export "response" (type $response (eq $response')))
        (type $reply' (variant (case "response" $response) (case "recorded")))
        (export "reply" (type $reply (eq $reply')))
        (type $error' (variant (case "not-granted" string) (case "bad-request" string) (case "refused" string)
          (case "over-limit" string) (case "unreachable" string) (case "bad-response" string)))
        (export "error" (type $error (eq $error')))
        (export "send" (func (param "capability" string) (param "request" $request)
          (result (result $reply (error $error)))))
      ))
      (core module $libc
        (memory (export "memory") 1)
        ;; What the host would answer is not waited for.
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
      (core instance $libc (instantiate $libc))
      (alias export $egress "send" (func $sends))
      (alias core export $libc "memory" (core memory $room))
      (alias core export $libc "realloc" (core func $none))
      (core func $send (canon lower (func $sends) (memory $room) (realloc $none)))
      (core module $guest
        (import "libc" "memory" (memory 1))
        (import "host" "send"
          (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
        (export "memory" (memory 0))
        (data (i32.const 2048) "out")
        (data (i32.const 2056) "POST")
        (data (i32.const 2064) "https://api.crm.example/a")"#;
    let send = r#"(result i32)
      (call $send (i32.const 2048) (i32.const 3) (i32.const 2056) (i32.const 4) (i32.const 2064) (i32.const 25)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096))"#;
    let instance = r#"(core instance $guest (instantiate $guest
      (with "libc" (instance $libc)) (with "host" (instance (export "send" (func $send))))))"#;
    let text = CONSTANT
        .replace("(core module $guest\n    (memory (export \"memory\") 1)", import)
        .replace("(core instance $guest (instantiate $guest))", instance);
    let (before, after) = text.rsplit_once("(func (export \"call\")").expect("the function that answers");
    wat::parse_str(format!("{before}(func (export \"call\"){}", after.replacen("(result i32)", send, 1))).unwrap()
}

/// As [`permit`], for a tool that may send.
fn sends() -> Permit {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let http =
        HttpCapability::new("https://api.crm.example".parse().unwrap(), vec!["POST /a".parse().unwrap()], None, 0, 0);
    let grant = Grant {
        name: "out".parse().unwrap(),
        access: Access::Write,
        capability: Capability::Http(Arc::new(http.unwrap())),
    };
    permit_of(limits, Label::Write, vec![grant])
}

/// What the call is told through: refuses to record it, or panics. Keeps on which thread it was asked to.
struct Teller {
    panics: bool,
    told: Option<oneshot::Sender<bool>>,
    asked_on: Arc<OnceLock<ThreadId>>,
}

struct Pen {
    panics: bool,
    asked_on: Arc<OnceLock<ThreadId>>,
}

impl Keep for Teller {
    fn witness(&self) -> Arc<dyn Witness> {
        Arc::new(Pen { panics: self.panics, asked_on: Arc::clone(&self.asked_on) })
    }

    fn ended_from_outside(mut self, ended: Unfinished) {
        let _ = self.told.take().expect("it ends once").send(ended.panicked);
    }
}

impl Witness for Pen {
    fn intent(&self) -> Pin<Box<dyn Future<Output = Result<(), Unavailable>> + Send + '_>> {
        self.asked_on.set(thread::current().id()).expect("it is asked once");
        assert!(!self.panics, "a host function panics, because this test wants it");
        Box::pin(async { Err(Unavailable { reason: "the pen is dry".to_owned() }) })
    }

    fn egress(&self, _: &Attempt, _: Effect) {}

    fn refused(&self, _: &str, _: Effect) {}
}

/// Fails if a panic reaches whoever asked for the call, on either of the two ways on which a call runs; if what the call held is
/// not told that it is over; or if its place is lost.
#[tokio::test(flavor = "multi_thread")]
async fn wx_12_a_host_function_that_panics_ends_its_own_call_and_nothing_else() {
    let rig = rig();
    let plugin = rig.load(&sending(), &[Interface::Egress], &Limits::default()).unwrap();
    let benign = rig.load(&constant(), &[], &Limits::default()).unwrap();
    let here = thread::current().id();
    for quick in [false, true] {
        // More than the pool has places.
        for _ in 0..8 {
            // Calls that end at once, until the release is one whose calls run where they are asked for.
            for tries in 0.. {
                assert!(tries < 10_000, "a quick release runs where it is asked for");
                let asked_on = Arc::default();
                let keep = Teller { panics: false, told: None, asked_on: Arc::clone(&asked_on) };
                let ran = plugin.run(sends(), keep).await.unwrap();
                assert!(matches!(ran.ending, Ending::Stopped(Stop::Unrecorded)), "{:?}", ran.ending);
                drop(ran.keep.take());
                if !quick || asked_on.get() == Some(&here) {
                    break;
                }
            }
            let (told, tell) = oneshot::channel();
            let asked_on = Arc::default();
            let call = plugin.run(sends(), Teller { panics: true, told: Some(told), asked_on: Arc::clone(&asked_on) });
            assert_eq!(call.await.err(), Some(Lost), "quick: {quick}");
            assert_eq!(asked_on.get() == Some(&here), quick, "the way that this is about");
            assert!(tell.await.unwrap(), "what it held was told that the host failed");
            let ran = benign.run(permit(Limits::default()), ()).await.unwrap();
            assert!(matches!(ran.ending, Ending::Done(_)), "{:?}", ran.ending);
        }
    }
}
