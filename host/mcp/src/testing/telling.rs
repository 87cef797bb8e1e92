//! Calls that say what they do while they do it.

use portcullis_backend::{CallAnswer, CallRefused, CallRequest, Notice, ToolAnswer};
use portcullis_manifest::NoticeLevel;
use serde_json::{Map, Value};

use super::{Dropped, Echo};

impl Echo {
    /// Does what `say` lists, and answers with how often anybody listened.
    pub(super) async fn telling(
        &self,
        request: &CallRequest,
        arguments: &Map<String, Value>,
    ) -> Result<CallAnswer, CallRefused> {
        let dropped = Dropped(std::sync::Arc::clone(&self.dropped));
        self.began.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.say(request, &arguments["say"]).await;
        // It has ended, and was not dropped.
        std::mem::forget(dropped);
        match arguments.get("then").and_then(Value::as_str) {
            Some("scope") => Err(CallRefused::InsufficientScope { needed: super::scopes(&["notes:write"]) }),
            Some("unknown") => Err(CallRefused::UnknownTool { name: "telling".into() }),
            _ => {
                let content = vec![serde_json::json!({ "type": "text", "text": "told" })];
                Ok(ToolAnswer { content, structured: None, is_error: false, meta: None }.into())
            }
        }
    }

    /// A number is progress, a text a line of the level `info`, `["error", "text"]` one of another level, and null waits for
    /// the gate. As the real backend, it says nothing that was not asked for.
    pub(super) async fn say(&self, request: &CallRequest, steps: &Value) {
        for step in steps.as_array().unwrap() {
            let line = |level, text: &Value| Notice::Message {
                level,
                logger: "telling".into(),
                text: text.as_str().unwrap().to_owned(),
            };
            let notice = match step {
                Value::Null => {
                    self.gate.acquire().await.unwrap().forget();
                    continue;
                }
                Value::Number(done) => {
                    Notice::Progress { done: done.as_f64().unwrap(), total: Some(100.0), message: None }
                }
                Value::Array(line_of) => {
                    let level = NoticeLevel::ALL.into_iter().find(|level| level.as_str() == line_of[0]).unwrap();
                    line(level, &line_of[1])
                }
                text => line(NoticeLevel::Info, text),
            };
            let wanted = request.notices.as_ref().filter(|notices| match &notice {
                Notice::Progress { .. } => notices.progress,
                Notice::Message { level, .. } => notices.log.is_some_and(|least| *level >= least),
            });
            if let Some(notices) = wanted {
                // Nobody listens any more: as with the real one, the call goes on.
                let _ = notices.sender.send(notice).await;
            }
        }
    }
}
