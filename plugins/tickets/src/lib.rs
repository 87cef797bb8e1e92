//! Tickets of a tracker that is reached over HTTP. This file has the five tools: what they take, when they ask, and how they
//! word what they give. The tracker's API stands in `tracker.rs`, and is tested without a host.

mod tracker;

use portcullis_plugin::{
    Answer, Context, ToolError,
    egress::Http,
    plugin,
    questions::{Ask, Field, Form},
};
use serde::{Deserialize, Serialize};

use tracker::{Found, New, Priority, State, Summary, Ticket, Tracker};

plugin! { tools: { "search" => search, "read" => read, "create" => create, "comment" => comment, "close" => close } }

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    query: String,
    state: Option<State>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct One {
    id: u64,
}

#[derive(Deserialize)]
struct Create {
    title: String,
    body: String,
    priority: Option<Priority>,
    #[serde(default)]
    labels: Vec<String>,
}

/// What the person is asked for.
#[derive(Deserialize)]
struct Urgency {
    priority: Priority,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    body: String,
}

#[derive(Deserialize)]
struct Close {
    id: u64,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Created {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    title: String,
    priority: Priority,
}

#[derive(Serialize)]
struct Changed {
    id: u64,
    state: State,
}

fn search(args: Search, cx: &Context) -> Result<Answer, ToolError> {
    let found = tracker(cx).search(args.query.trim(), args.state, args.limit.unwrap_or(20))?;
    Ok(Answer::text(found_text(&found)).structured(&found))
}

fn read(args: One, cx: &Context) -> Result<Answer, ToolError> {
    let ticket = tracker(cx).read(args.id)?;
    Ok(Answer::text(ticket_text(&ticket)).structured(&ticket))
}

fn create(args: Create, cx: &Context) -> Result<Answer, ToolError> {
    // Before anything is sent: afterwards it is too late to ask.
    let priority = priority(args.priority, cx)?;
    let new = New { title: args.title.trim(), body: &args.body, priority, labels: &args.labels };
    if new.title.is_empty() {
        return Err("The title has nothing in it to read. Give the ticket a short title.".into());
    }
    let created = tracker(cx).create(&new)?;
    let id = created.map(|Summary { id, .. }| id);
    let text = match id {
        Some(id) => format!("Created ticket {id}: {}.", new.title),
        None => format!("Would create a ticket: {}.", new.title),
    };
    Ok(Answer::text(text).structured(&Created { id, title: new.title.to_owned(), priority }))
}

fn comment(args: Comment, cx: &Context) -> Result<Answer, ToolError> {
    if args.body.trim().is_empty() {
        return Err("The comment has nothing in it to read. Give it a text.".into());
    }
    tracker(cx).comment(args.id, &args.body)?;
    Ok(Answer::text(format!("Commented on ticket {}.", args.id)))
}

fn close(args: Close, cx: &Context) -> Result<Answer, ToolError> {
    tracker(cx).close(args.id, args.reason.as_deref())?;
    let text = format!("Closed ticket {}.", args.id);
    Ok(Answer::text(text).structured(&Changed { id: args.id, state: State::Closed }))
}

/// The requests of `[capability.tracker]` of `plugin.toml`.
fn tracker(cx: &Context) -> Tracker<impl Http> {
    Tracker::new(cx.http("tracker"))
}

fn priority(given: Option<Priority>, person: &impl Ask) -> Result<Priority, ToolError> {
    let Some(priority) = given else {
        let field = Field::choice("priority", ["low", "normal", "high"]).title("Priority").default_value("normal");
        let form = Form::new("urgency", "How urgent is the new ticket?").field(field);
        return Ok(person.ask::<Urgency>(form)?.priority);
    };
    Ok(priority)
}

fn line(ticket: &Summary) -> String {
    let Summary { id, title, state, labels, .. } = ticket;
    let labels = if labels.is_empty() { String::new() } else { format!(" [{}]", labels.join(", ")) };
    format!("{id} ({}): {title}{labels}", state.as_str())
}

fn found_text(found: &Found) -> String {
    if found.tickets.is_empty() {
        return "No ticket matches. Try a shorter or another word, or leave out `state`.".to_owned();
    }
    let mut text = format!("{} of {} tickets:", found.tickets.len(), found.total);
    found.tickets.iter().for_each(|ticket| text += &format!("\n- {}", line(ticket)));
    text
}

fn ticket_text(ticket: &Ticket) -> String {
    let mut text = format!("{}\n\n{}", line(&ticket.summary), ticket.body);
    ticket.comments.iter().for_each(|comment| text += &format!("\n\n{}: {}", comment.author, comment.body));
    text
}

#[cfg(test)]
mod tests {
    use portcullis_plugin::questions::Memory;

    use super::*;

    #[test]
    fn the_priority_is_asked_for_when_it_was_not_given() {
        let person = Memory::new();
        assert_eq!(priority(Some(Priority::Low), &person), Ok(Priority::Low));
        let asked = priority(None, &person).expect_err("asks");
        assert!(asked.to_string().contains("How urgent"), "{asked}");
        person.accept(asked, [("urgency", r#"{"priority":"high"}"#)]);
        assert_eq!(priority(None, &person), Ok(Priority::High));
    }

    #[test]
    fn who_does_not_say_how_urgent_it_is_gets_no_ticket() {
        let person = Memory::new();
        let asked = priority(None, &person).expect_err("asks");
        person.accept(asked, []);
        let refused = priority(None, &person).expect_err("declined");
        assert!(refused.questions().is_none() && refused.to_string().contains("nothing was done"), "{refused}");
    }

    #[test]
    fn texts_have_ids_states_and_labels() {
        let ticket = Summary {
            id: 7,
            title: "Lift".into(),
            state: State::Open,
            priority: Priority::High,
            labels: vec!["house".into(), "now".into()],
        };
        assert_eq!(line(&ticket), "7 (open): Lift [house, now]");
        let found = Found { tickets: vec![ticket], total: 3 };
        assert_eq!(found_text(&found), "1 of 3 tickets:\n- 7 (open): Lift [house, now]");
        assert!(found_text(&Found { tickets: Vec::new(), total: 0 }).contains("another word"));
    }
}
