//! A backend for the tests of both transports: small, in memory, and keeping note of what it was told.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use portcullis_backend::{
    Backend, CallRefused, Credentials, Refusal, RefusalRule, ServerInfo, ToolAnswer, ToolDescriptor, ToolList,
    ToolRequest, Unauthenticated,
};
use portcullis_manifest::{Principal, Scope};
use serde_json::{Value, json, value::RawValue};

pub(crate) struct Echo {
    info: ServerInfo,
    /// The bearer value that proves somebody; without one, everybody is local.
    secret: Option<&'static str>,
    list: Arc<ToolList>,
    pub(crate) told: Mutex<Vec<Refusal>>,
    pub(crate) requests: Mutex<Vec<ToolRequest>>,
    /// Calls of `slow` that began, and those that were dropped before an answer.
    pub(crate) began: AtomicUsize,
    pub(crate) dropped: Arc<AtomicUsize>,
}

impl Echo {
    pub(crate) fn new() -> Self {
        let tools = ["bare", "busy", "echo", "failing", "forging", "placed", "scoped", "slow", "unavailable"];
        Self::listing(7, tools.iter().map(ToString::to_string))
    }

    /// With these tools, which have to be in order.
    pub(crate) fn listing(generation: u64, names: impl IntoIterator<Item = String>) -> Self {
        let tools =
            names.into_iter().map(|name| ToolDescriptor { json: descriptor(&name), name: name.parse().unwrap() });
        Self {
            info: ServerInfo {
                name: "portcullis".into(),
                title: "Portcullis".into(),
                version: "9.8.7".into(),
                instructions: Some("Use \"echo\" to echo.".into()),
            },
            secret: None,
            list: Arc::new(ToolList { generation, varies: true, tools: tools.collect() }),
            told: Mutex::default(),
            requests: Mutex::default(),
            began: AtomicUsize::new(0),
            dropped: Arc::default(),
        }
    }

    pub(crate) fn with_secret(mut self, secret: &'static str) -> Self {
        self.secret = Some(secret);
        self
    }

    /// The rules it was told of since the last time.
    pub(crate) fn rules(&self) -> Vec<RefusalRule> {
        self.told.lock().unwrap().drain(..).map(|refusal| refusal.rule).collect()
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

fn descriptor(name: &str) -> Arc<RawValue> {
    let schema = match name {
        "placed" => json!({ "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "size": { "type": "object", "properties": { "count": { "type": "integer", "x-mcp-header": "Count" } } },
            "dry": { "type": "boolean", "x-mcp-header": "Dry-Run" },
        } }),
        _ => json!({ "type": "object" }),
    };
    let tool = json!({ "name": name, "description": "a tool\nfor tests", "inputSchema": schema });
    // Written over several lines: no transport may be confused by that.
    RawValue::from_string(serde_json::to_string_pretty(&tool).unwrap()).unwrap().into()
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Backend for Echo {
    fn server(&self) -> &ServerInfo {
        &self.info
    }

    fn authenticate(&self, credentials: Credentials<'_>) -> Result<Principal, Unauthenticated> {
        let Some(secret) = self.secret else { return Ok(Principal::local()) };
        match credentials.authorization {
            Some(value) if value.strip_prefix("Bearer ") == Some(secret) => {
                Ok(Principal::subject("https://issuer.example", "ann", BTreeSet::new()))
            }
            Some(_) => Err(Unauthenticated { reason: "the token is \"not\" good".into() }),
            None => Err(Unauthenticated { reason: "no token".into() }),
        }
    }

    fn tools(&self, _: &Principal) -> Arc<ToolList> {
        Arc::clone(&self.list)
    }

    async fn call(&self, request: ToolRequest) -> Result<ToolAnswer, CallRefused> {
        self.requests.lock().unwrap().push(request.clone());
        let structured = Value::Object(request.arguments);
        let content = vec![json!({ "type": "text", "text": structured.to_string() })];
        let echo = ToolAnswer { content, structured: Some(structured), is_error: false, meta: None };
        match request.tool.as_str() {
            "echo" | "placed" => Ok(echo),
            "bare" => Ok(ToolAnswer { content: Vec::new(), structured: None, is_error: false, meta: None }),
            "failing" => Ok(ToolAnswer::error("it failed")),
            "forging" => {
                let forged = json!({ "io.modelcontextprotocol/serverInfo": { "name": "evil" }, "own": 1 });
                Ok(ToolAnswer { meta: Some(forged), ..echo })
            }
            "slow" => {
                let dropped = Dropped(Arc::clone(&self.dropped));
                self.began.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(3600)).await;
                drop(dropped);
                Ok(echo)
            }
            "busy" => Err(CallRefused::Busy { limit: "guest memory", retry_after: Duration::from_millis(2500) }),
            "unavailable" => Err(CallRefused::Unavailable { reason: "the audit is full" }),
            "scoped" => {
                let needed = ["notes:read", "notes:write"].map(|scope| scope.parse::<Scope>().unwrap());
                Err(CallRefused::InsufficientScope { needed: needed.to_vec() })
            }
            name => Err(CallRefused::UnknownTool { name: name.chars().take(128).collect() }),
        }
    }

    fn healthy(&self) -> bool {
        true
    }

    fn refused(&self, refusal: Refusal) {
        self.told.lock().unwrap().push(refusal);
    }
}

/// Waits until `done` holds, at most a second: the time in which a disconnect has to be noticed (catalogue WX-29).
pub(crate) async fn within_a_second(done: impl Fn() -> bool) -> bool {
    for _ in 0..100 {
        if done() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}
