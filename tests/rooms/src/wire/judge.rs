//! Recorded messages, held against the schemas.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde_json::Value;

use super::{
    record::Exchange,
    schema::{MODERN, REVISIONS, Schema},
};

/// Methods whose result is an empty one.
const EMPTY: [&str; 4] = ["ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// The only methods that may answer with questions.
const ASKING: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// The extension's methods, and what they answer with.
const TASKS: [(&str, &str); 3] =
    [("tasks/get", "GetTaskResult"), ("tasks/update", "TaskAcknowledgement"), ("tasks/cancel", "TaskAcknowledgement")];

/// What was found in what a host has said.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many messages there were, by revision and kind.
    pub seen: BTreeMap<String, usize>,
    /// What does not fit, and where.
    pub faults: Vec<String>,
}

/// Looks at messages, one after the other.
pub(super) struct Judge {
    schemas: BTreeMap<&'static str, Schema>,
    verdict: Verdict,
}

impl Verdict {
    /// Prints what was looked at.
    ///
    /// # Panics
    /// When anything does not fit, or nothing was looked at.
    pub fn assert(&self) {
        println!("{self}");
        assert!(!self.seen.is_empty(), "no message of the host was recorded");
        assert!(self.faults.is_empty(), "{} faults:\n{}", self.faults.len(), self.faults.join("\n"));
    }

    /// All messages that were looked at.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.seen.values().sum()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} messages of the host were held against the protocol's schemas:", self.messages())?;
        self.seen.iter().try_for_each(|(kind, count)| writeln!(f, "{count:7}  {kind}"))
    }
}

impl Judge {
    pub(super) fn new() -> Self {
        let schemas = REVISIONS.into_iter().map(|revision| (revision, Schema::of(revision))).collect();
        Self { schemas, verdict: Verdict::default() }
    }

    pub(super) fn verdict(self) -> Verdict {
        self.verdict
    }

    /// All of what an HTTP server has said.
    pub(super) fn exchanges(&mut self, exchanges: &[Exchange]) {
        // What is replayed comes on another stream than that of its request: the session has both.
        let mut asked: HashMap<(Option<String>, String), String> = HashMap::new();
        for exchange in exchanges {
            let Some(message) = exchange.message() else { continue };
            if let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) {
                let session = exchange.header("mcp-session-id").map(str::to_owned);
                asked.insert((session, id.to_string()), method.to_owned());
            }
        }
        for exchange in exchanges {
            let request = exchange.message();
            let revision = http_revision(exchange, request.as_ref());
            let session = exchange.header("mcp-session-id").map(str::to_owned);
            let own = request.as_ref().filter(|message| message.get("method").is_some());
            let own = own.and_then(|message| Some((message.get("id")?.to_string(), message["method"].as_str()?)));
            for answer in exchange.answers() {
                let at = || {
                    let asked = own.as_ref().map_or("", |(_, method)| method);
                    format!("{} {asked}: {}", exchange.method, exchange.status.unwrap_or_default())
                };
                match answer {
                    Err(why) => self.fault(&at(), &why),
                    Ok(answer) => {
                        let id = answer.get("id").map(Value::to_string).unwrap_or_default();
                        let method = match &own {
                            Some((sent, method)) if *sent == id => Some((*method).to_owned()),
                            _ => asked.get(&(session.clone(), id)).cloned(),
                        };
                        self.message(revision, method.as_deref(), &answer, &at());
                    }
                }
            }
        }
    }

    /// All of what a server has said on stdout, and what it was told on stdin.
    pub(super) fn lines(&mut self, stdin: &[Result<Value, String>], stdout: &[Result<Value, String>]) {
        let mut asked: HashMap<String, (String, bool)> = HashMap::new();
        for message in stdin.iter().flatten() {
            if let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) {
                let modern = message["params"]["_meta"].get("io.modelcontextprotocol/protocolVersion").is_some();
                asked.insert(id.to_string(), (method.to_owned(), modern));
            }
        }
        let negotiated = stdout.iter().flatten().find_map(|message| message["result"]["protocolVersion"].as_str());
        let negotiated = REVISIONS.into_iter().find(|revision| negotiated == Some(*revision)).unwrap_or(MODERN);
        for message in stdout {
            match message {
                Err(why) => self.fault("stdout", why),
                Ok(message) => {
                    let request = message.get("id").and_then(|id| asked.get(&id.to_string()));
                    let revision = if request.is_some_and(|(_, modern)| *modern) { MODERN } else { negotiated };
                    self.message(revision, request.map(|(method, _)| method.as_str()), message, "stdout");
                }
            }
        }
    }

    /// One message of the server; `method` is that of the request that it answers.
    fn message(&mut self, revision: &'static str, method: Option<&str>, message: &Value, at: &str) {
        let schema = &self.schemas[revision];
        let mut faults = Vec::new();
        let kind = if let Some(method) = message["method"].as_str() {
            let definition = match method {
                "notifications/tasks" if revision == MODERN => Some("TaskStatusNotification"),
                method => schema.method(method),
            };
            match definition {
                None => faults.push(format!("revision {revision} has no `{method}`")),
                Some(definition) => faults.extend(schema.faults(definition, message)),
            }
            // From here on servers ask in results only.
            if revision == MODERN && message.get("id").is_some() {
                faults.push(format!("a server of {revision} sends no requests, and this one sent `{method}`"));
            }
            if message.get("id").is_some() { format!("request {method}") } else { method.to_owned() }
        } else if let Some(error) = message.get("error") {
            let code = error["code"].as_i64().unwrap_or_default();
            faults.extend(schema.faults(schema.error(code), message));
            format!("error {code} to {}", method.unwrap_or("what is no request"))
        } else {
            faults.extend(schema.faults(schema.response(), message));
            let result = &message["result"];
            match method.map(|method| (method, result_definition(schema, revision, method, result))) {
                None => {
                    faults.push("a result for which no request was sent".to_owned());
                    "result".to_owned()
                }
                Some((method, Err(why))) => {
                    faults.push(why);
                    format!("result of {method}")
                }
                Some((method, Ok(definition))) => {
                    faults.extend(schema.faults(definition, result));
                    format!("result of {method} ({definition})")
                }
            }
        };
        *self.verdict.seen.entry(format!("{revision} {kind}")).or_default() += 1;
        for fault in faults {
            let short: String = message.to_string().chars().take(600).collect();
            self.fault(&format!("{revision} {at}"), &format!("{fault}\n    {short}"));
        }
    }

    fn fault(&mut self, at: &str, why: &str) {
        self.verdict.faults.push(format!("  {at}: {why}"));
    }
}

/// What the result of a request has to be.
fn result_definition<'a>(schema: &'a Schema, revision: &str, method: &str, result: &Value) -> Result<&'a str, String> {
    if revision == MODERN {
        let task = TASKS.iter().find(|(name, _)| *name == method).map(|(_, definition)| *definition);
        match result["resultType"].as_str() {
            Some("complete") => {
                if let Some(definition) = task {
                    return Ok(definition);
                }
            }
            Some("input_required") if ASKING.contains(&method) => return Ok("InputRequiredResult"),
            Some("task") if method == "tools/call" => return Ok("CreateTaskResult"),
            other => return Err(format!("`resultType` of {method} is {other:?}")),
        }
    }
    let request =
        schema.method(method).ok_or_else(|| format!("revision {revision} has no `{method}`, and it was answered"))?;
    if EMPTY.contains(&method) {
        let others = result.as_object().into_iter().flatten().filter(|(name, _)| *name != "_meta").count();
        return if others == 0 { Ok("EmptyResult") } else { Err(format!("the result of {method} is not empty")) };
    }
    let name = request.strip_suffix("Request").map(|stem| format!("{stem}Result"));
    let name = name.filter(|name| schema.has(name)).ok_or_else(|| format!("no schema has the result of {method}"))?;
    Ok(schema.name(&name))
}

/// Of the message that was sent: its own word, its header's, or for what began a session the one that was agreed on.
fn http_revision(exchange: &Exchange, request: Option<&Value>) -> &'static str {
    let known = |named: &str| REVISIONS.into_iter().find(|revision| *revision == named);
    if let Some(request) = request {
        if request["params"]["_meta"].get("io.modelcontextprotocol/protocolVersion").is_some() {
            return MODERN;
        }
        if request["method"] == "initialize" {
            let agreed = exchange
                .answers()
                .into_iter()
                .flatten()
                .find_map(|answer| answer["result"]["protocolVersion"].as_str().and_then(known));
            return agreed.unwrap_or("2025-11-25");
        }
    }
    match exchange.header("mcp-protocol-version") {
        // One before those is answered as the oldest of them is, and what nobody knows is refused in the words of the newest.
        Some(named) => known(named).unwrap_or(if named < REVISIONS[0] { REVISIONS[0] } else { MODERN }),
        None => REVISIONS[0],
    }
}
