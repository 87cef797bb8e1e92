//! What was recorded.

use std::collections::BTreeMap;

use serde_json::Value;

/// One HTTP request and all that came back for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange {
    /// `POST` and its like.
    pub(super) method: String,
    /// Names in lower case.
    pub(super) asked_with: BTreeMap<String, String>,
    pub(super) request: Vec<u8>,
    /// None: nothing came back before the client or the host went away.
    pub(super) status: Option<u16>,
    /// The header `content-type` of the answer.
    pub(super) kind: String,
    /// As much of it as was passed on.
    pub(super) answer: Vec<u8>,
}

impl Exchange {
    /// The one message that the client sent, if it is one.
    pub(super) fn message(&self) -> Option<Value> {
        serde_json::from_slice(&self.request).ok()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.asked_with.get(name).map(String::as_str)
    }

    /// The messages in the answer, each as it was sent; an error for what is none.
    pub(super) fn answers(&self) -> Vec<Result<Value, String>> {
        if self.kind.starts_with("text/event-stream") {
            return events(&String::from_utf8_lossy(&self.answer)).map(|data| parsed(&data)).collect();
        }
        if self.answer.is_empty() {
            return Vec::new();
        }
        vec![parsed(&String::from_utf8_lossy(&self.answer))]
    }
}

pub(super) fn parsed(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{error}: {}", text.chars().take(400).collect::<String>()))
}

/// The data of each whole event that has any: one that was cut off was never sent, and an empty one only has an id.
fn events(stream: &str) -> impl Iterator<Item = String> {
    let whole = stream.rfind("\n\n").map_or("", |end| &stream[..end]);
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    whole.split("\n\n").map(data).filter(|data| !data.is_empty()).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_clients_read_them() {
        let stream = "id: 1\ndata: \n\n: keep-alive\n\ndata: {\"a\":1}\n\nretry: 5\nid: 2\ndata: {\"b\":\ndata: 2}\n\ndata: {\"cut";
        assert_eq!(events(stream).collect::<Vec<_>>(), ["{\"a\":1}", "{\"b\":\n2}"]);
    }

    #[test]
    fn an_answer_that_is_no_json_is_told() {
        let exchange = Exchange { answer: b"not found".to_vec(), ..Exchange::default() };
        assert!(exchange.answers()[0].is_err());
        assert!(Exchange::default().answers().is_empty());
    }
}
