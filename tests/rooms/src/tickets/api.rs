//! The tracker: tickets in memory, as JSON.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Heard, Shared, said};

#[derive(Clone, Debug)]
pub(super) struct Ticket {
    title: String,
    body: String,
    priority: String,
    labels: Value,
    closed: bool,
    comments: Vec<String>,
}

/// What is there before anybody has created anything.
pub(super) fn first_tickets() -> Vec<Ticket> {
    let ticket = |title: &str, body: &str, priority: &str| Ticket {
        title: title.to_owned(),
        body: body.to_owned(),
        priority: priority.to_owned(),
        labels: json!(["house"]),
        closed: false,
        comments: Vec::new(),
    };
    vec![
        ticket("The lift is stuck", "Between the second and the third floor, since Monday.", "high"),
        ticket("A window does not close", "Room 12. It rains in.", "normal"),
    ]
}

impl Ticket {
    fn summary(&self, id: usize) -> Value {
        let state = if self.closed { "closed" } else { "open" };
        json!({ "id": id, "title": self.title, "state": state, "priority": self.priority, "labels": self.labels })
    }

    fn whole(&self, id: usize) -> Value {
        let mut whole = self.summary(id);
        whole["body"] = json!(self.body);
        whole["comments"] = self.comments.iter().map(|body| json!({ "author": "a person", "body": body })).collect();
        whole
    }
}

pub(super) fn answer(heard: &Heard, shared: &Shared) -> Response<Full<Bytes>> {
    let no = |status: StatusCode, why: &str| said(status, "application/json", json!({ "error": why }).to_string());
    let yes = |status: StatusCode, value: Value| said(status, "application/json", value.to_string());
    // Every header of that name: a token that came twice is one that went astray.
    let tokens: Vec<&str> = heard.header("authorization").collect();
    if tokens != [format!("Bearer {}", shared.token)] {
        return no(StatusCode::UNAUTHORIZED, "the token is missing or not the right one");
    }
    let (path, query) = heard.path.split_once('?').unwrap_or((&heard.path, ""));
    let body: Value = serde_json::from_slice(&heard.body).unwrap_or(Value::Null);
    let mut tickets = shared.tickets.lock();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (heard.method.as_str(), &segments[..]) {
        ("GET", ["v1", "tickets"]) => yes(StatusCode::OK, search(&tickets, query)),
        ("POST", ["v1", "tickets"]) => {
            let text = |key: &str| body[key].as_str().map(str::to_owned);
            let (Some(title), Some(text_of), Some(priority)) = (text("title"), text("body"), text("priority")) else {
                return no(StatusCode::BAD_REQUEST, "title, body and priority are texts");
            };
            let labels = body["labels"].clone();
            tickets.push(Ticket { title, body: text_of, priority, labels, closed: false, comments: Vec::new() });
            let id = tickets.len();
            yes(StatusCode::CREATED, tickets[id - 1].whole(id))
        }
        (method, ["v1", "tickets", id, rest @ ..]) => {
            let id: usize = id.parse().unwrap_or(0);
            let Some(ticket) = id.checked_sub(1).and_then(|at| tickets.get_mut(at)) else {
                return no(StatusCode::NOT_FOUND, "there is no such ticket");
            };
            match (method, rest) {
                ("GET", []) => yes(StatusCode::OK, ticket.whole(id)),
                ("POST", ["comments"]) => {
                    let Some(text) = body["body"].as_str() else {
                        return no(StatusCode::BAD_REQUEST, "body is a text");
                    };
                    ticket.comments.push(text.to_owned());
                    yes(StatusCode::CREATED, ticket.whole(id))
                }
                ("POST", ["close"]) if ticket.closed => no(StatusCode::CONFLICT, "it is closed already"),
                ("POST", ["close"]) => {
                    ticket.closed = true;
                    ticket.comments.extend(body["reason"].as_str().map(str::to_owned));
                    yes(StatusCode::OK, ticket.whole(id))
                }
                _ => no(StatusCode::NOT_FOUND, "there is no such thing here"),
            }
        }
        _ => no(StatusCode::NOT_FOUND, "there is no such thing here"),
    }
}

fn search(tickets: &[Ticket], query: &str) -> Value {
    let parameter = |name: &str| {
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.map(unescaped).unwrap_or_default()
    };
    let (words, state) = (parameter("query").to_lowercase(), parameter("state"));
    let limit = parameter("limit").parse().unwrap_or(20);
    let numbered = (1..).zip(tickets).map(|(id, ticket): (usize, _)| (ticket, ticket.summary(id)));
    let matches = |(ticket, summary): &(&Ticket, Value)| {
        let text = format!("{} {}", ticket.title, ticket.body).to_lowercase();
        text.contains(&words) && (state.is_empty() || summary["state"] == state.as_str())
    };
    let mut found: Vec<Value> = numbered.filter(matches).map(|(_, summary)| summary).collect();
    found.reverse();
    let total = found.len();
    found.truncate(limit);
    json!({ "tickets": found, "total": total })
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let digits = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_words_of_a_state_newest_first() {
        let mut tickets = first_tickets();
        tickets.extend(first_tickets());
        tickets[0].closed = true;
        let found = search(&tickets, "query=LIFT&limit=1");
        assert_eq!((found["total"].as_u64(), found["tickets"][0]["id"].as_u64()), (Some(2), Some(3)));
        assert_eq!(search(&tickets, "query=lift%20is&state=closed")["tickets"][0]["id"], 1);
        assert_eq!(search(&tickets, "query=nothing%2Fof%20it")["total"], 0);
    }
}
