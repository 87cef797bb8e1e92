//! The tracker's API, as much of it as the tools use. Knows `Http` and not the host, so that it is tested without one.

use portcullis_plugin::{
    ToolError,
    egress::{Error, Http, Response},
};
use serde::{Deserialize, Serialize};

/// Where the tracker is. The same as `origin` of `[capability.tracker]` in plugin.toml: the host refuses anything else.
const TICKETS: &str = "https://tickets.test:8443/v1/tickets";

/// The bounds of `schemas/`: a tracker that sends more must not make the answer an error.
const TITLE: usize = 200;
const TEXT: usize = 20_000;
const NAME: usize = 80;
const COMMENTS: usize = 200;
const LABELS: usize = 20;

pub(crate) struct Tracker<H> {
    http: H,
}

/// A ticket in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) state: State,
    pub(crate) priority: Priority,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
}

/// A whole ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    #[serde(flatten)]
    pub(crate) summary: Summary,
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) comments: Vec<Comment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Comment {
    pub(crate) author: String,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Priority {
    Low,
    Normal,
    High,
}

/// What a search gives.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) tickets: Vec<Summary>,
    /// How many match in all.
    pub(crate) total: u64,
}

/// A ticket that is not there yet.
#[derive(Debug, Serialize)]
pub(crate) struct New<'a> {
    pub(crate) title: &'a str,
    pub(crate) body: &'a str,
    pub(crate) priority: Priority,
    pub(crate) labels: &'a [String],
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

impl<H: Http> Tracker<H> {
    pub(crate) fn new(http: H) -> Self {
        Self { http }
    }

    pub(crate) fn search(&self, query: &str, state: Option<State>, limit: usize) -> Result<Found, ToolError> {
        let mut request = self.http.get(TICKETS).query("query", query).query("limit", limit.to_string());
        if let Some(state) = state {
            request = request.query("state", state.as_str());
        }
        let mut found: Found = answer(request.read()?, None)?.json()?;
        found.tickets.truncate(limit);
        found.tickets.iter_mut().for_each(Summary::clip);
        Ok(found)
    }

    pub(crate) fn read(&self, id: u64) -> Result<Ticket, ToolError> {
        let response = self.http.get(TICKETS).segment(id.to_string()).read()?;
        let mut ticket: Ticket = answer(response, Some(id))?.json()?;
        ticket.summary.clip();
        clip(&mut ticket.body, TEXT);
        // The last ones: what was said most recently is what is asked for.
        ticket.comments.drain(..ticket.comments.len().saturating_sub(COMMENTS));
        for comment in &mut ticket.comments {
            clip(&mut comment.author, NAME);
            clip(&mut comment.body, TEXT);
        }
        Ok(ticket)
    }

    /// None: this is a preview, and there is no ticket yet.
    pub(crate) fn create(&self, new: &New<'_>) -> Result<Option<Summary>, ToolError> {
        let Some(response) = self.http.post(TICKETS).json(new).send_or_record()? else { return Ok(None) };
        let mut created: Summary = answer(response, None)?.json()?;
        created.clip();
        Ok(Some(created))
    }

    pub(crate) fn comment(&self, id: u64, body: &str) -> Result<(), ToolError> {
        #[derive(Serialize)]
        struct New<'a> {
            body: &'a str,
        }
        let request = self.http.post(TICKETS).segment(id.to_string()).segment("comments").json(&New { body });
        done(request.send_or_record()?, id)
    }

    pub(crate) fn close(&self, id: u64, reason: Option<&str>) -> Result<(), ToolError> {
        #[derive(Serialize)]
        struct Close<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<&'a str>,
        }
        let request = self.http.post(TICKETS).segment(id.to_string()).segment("close").json(&Close { reason });
        done(request.send_or_record()?, id)
    }
}

impl Summary {
    fn clip(&mut self) {
        clip(&mut self.title, TITLE);
        self.labels.truncate(LABELS);
        self.labels.iter_mut().for_each(|label| clip(label, NAME));
    }
}

/// The same text with at most `most` characters.
fn clip(text: &mut String, most: usize) {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
}

fn done(response: Option<Response>, id: u64) -> Result<(), ToolError> {
    // In a preview there is no answer, and none is needed.
    response.map_or(Ok(()), |response| answer(response, Some(id)).map(drop))
}

/// The answer if it is a yes, or what the model has to know of a no.
fn answer(response: Response, id: Option<u64>) -> Result<Response, ToolError> {
    match (response.success(), id) {
        (Ok(response), _) => Ok(response),
        (Err(Error::Status { status: 404, .. }), Some(id)) => {
            Err(format!("There is no ticket {id}. Use search to find tickets and their ids.").into())
        }
        (Err(Error::Status { status: 409, .. }), Some(id)) => {
            Err(format!("Ticket {id} is closed already. Use read to see it.").into())
        }
        (Err(Error::Status { status: 401 | 403, .. }), _) => Err(
            "The tracker does not accept this host's sign-in. The operator has to look at the secret `tickets_token`; \
             nothing in the arguments can mend it."
                .into(),
        ),
        (Err(error), _) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_plugin::egress::{Memory, Request, Way};

    use super::*;

    const TICKET: &str = r#"{"id":7,"title":"Lift","state":"open","priority":"high","labels":["house"],
        "body":"It is stuck","comments":[{"author":"ana","body":"Still"}],"etag":"x"}"#;

    fn tracker(answer: impl Fn(&Request) -> Response + 'static) -> Tracker<Memory> {
        Tracker::new(Memory::new(answer))
    }

    fn sent(tracker: &Tracker<Memory>) -> (Way, Request) {
        let requests = tracker.http.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }

    fn new() -> New<'static> {
        New { title: "Lift", body: "It is stuck", priority: Priority::High, labels: &[] }
    }

    #[test]
    fn a_search_only_reads_and_says_everything_in_its_query() {
        let tracker = tracker(|_| Response::new(200).with_body(format!(r#"{{"tickets":[{TICKET}],"total":3}}"#)));
        let found = tracker.search("a&b", Some(State::Open), 5).expect("found");
        assert_eq!((found.tickets[0].id, found.total), (7, 3));
        let (way, request) = sent(&tracker);
        assert_eq!((way, request.method.as_str()), (Way::Read, "GET"));
        assert_eq!(request.url, "https://tickets.test:8443/v1/tickets?query=a%26b&limit=5&state=open");
    }

    #[test]
    fn a_ticket_is_read_by_its_id() {
        let tracker = tracker(|_| Response::new(200).with_body(TICKET));
        let ticket = tracker.read(7).expect("there");
        assert_eq!((ticket.summary.priority, ticket.comments[0].body.as_str()), (Priority::High, "Still"));
        assert_eq!(sent(&tracker).1.url, "https://tickets.test:8443/v1/tickets/7");
    }

    #[test]
    fn a_tracker_that_sends_too_much_is_cut_to_the_schemas() {
        let (long, many) = ("é".repeat(30_000), vec![r#"{"author":"a","body":"b"}"#; 300].join(","));
        let body = format!(
            r#"{{"id":1,"title":"{long}","state":"open","priority":"low","body":"{long}","comments":[{many},{{"author":"z","body":"last"}}]}}"#
        );
        let ticket = tracker(move |_| Response::new(200).with_body(body.clone())).read(1).expect("there");
        assert_eq!(ticket.summary.title.chars().count(), TITLE);
        assert_eq!(ticket.body.chars().count(), TEXT);
        assert_eq!(
            (ticket.comments.len(), ticket.comments.last().map(|last| last.author.as_str())),
            (COMMENTS, Some("z"))
        );
    }

    #[test]
    fn what_is_written_goes_as_json_to_its_place() {
        for (act, url, body) in [
            (
                (|tracker: &Tracker<Memory>| tracker.create(&new()).map(drop))
                    as fn(&Tracker<Memory>) -> Result<(), ToolError>,
                "https://tickets.test:8443/v1/tickets",
                r#"{"title":"Lift","body":"It is stuck","priority":"high","labels":[]}"#,
            ),
            (|tracker| tracker.comment(7, "a"), "https://tickets.test:8443/v1/tickets/7/comments", r#"{"body":"a"}"#),
            (
                |tracker| tracker.close(7, Some("b")),
                "https://tickets.test:8443/v1/tickets/7/close",
                r#"{"reason":"b"}"#,
            ),
            (|tracker| tracker.close(7, None), "https://tickets.test:8443/v1/tickets/7/close", "{}"),
        ] {
            let tracker = tracker(|_| Response::new(201).with_body(TICKET));
            act(&tracker).expect("done");
            let (way, request) = sent(&tracker);
            assert_eq!((way, request.method.as_str(), request.url.as_str()), (Way::Send, "POST", url));
            assert_eq!(request.body.as_deref(), Some(body.as_bytes()));
            assert_eq!(request.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        }
    }

    #[test]
    fn a_preview_of_what_writes_goes_to_its_end() {
        let tracker = || Tracker::new(Memory::new(|_| Response::new(500)).preview());
        assert_eq!(tracker().create(&new()), Ok(None));
        assert_eq!(tracker().comment(7, "a"), Ok(()));
        assert_eq!(tracker().close(7, None), Ok(()));
    }

    #[test]
    fn a_no_is_told_so_that_the_model_can_go_on() {
        for (status, says) in
            [(404, "no ticket 7"), (409, "closed already"), (401, "tickets_token"), (500, "status 500: oh")]
        {
            let error =
                tracker(move |_| Response::new(status).with_body("oh")).close(7, None).expect_err("no").to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
