//! A request, said piece by piece.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde::Serialize;

use super::{Error, Http, Reply, Request, Response, Way};

/// A request that is not sent yet. See [`Http::get`] and its like.
#[derive(Debug)]
#[must_use = "a request is done by `send`, `send_or_record` or `read`"]
pub struct Builder<'h, H> {
    http: &'h H,
    request: Request,
    /// What is wrong with it, kept until it is sent, so that building needs no `?`.
    wrong: Option<Error>,
}

impl<'h, H: Http> Builder<'h, H> {
    pub(super) fn new(http: &'h H, method: &str, url: &str) -> Self {
        let request = Request { method: method.to_string(), url: url.to_string(), headers: Vec::new(), body: None };
        Self { http, request, wrong: None }
    }

    /// One more segment of the path, escaped: what stands in it never becomes another path. Before any
    /// [`query`](Self::query).
    pub fn segment(mut self, segment: impl AsRef<str>) -> Self {
        let segment = segment.as_ref();
        // The host refuses these too; here it is known which value was the cause.
        if matches!(segment, "" | "." | "..") || segment.contains(['/', '\\', ';', '%']) {
            let text = format!(
                "`{segment}` can't stand in a path: give one that is not empty, has no / \\ ; % and is no dots."
            );
            self.wrong.get_or_insert(Error::BadRequest(text));
        }
        if !self.request.url.ends_with('/') {
            self.request.url.push('/');
        }
        self.request.url += &escape(segment);
        self
    }

    /// One more `name=value` of the query, escaped.
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.request.url.push(if self.request.url.contains('?') { '&' } else { '?' });
        self.request.url += &escape(name);
        self.request.url.push('=');
        self.request.url += &escape(value.as_ref());
        self
    }

    /// One more header. The capability's secret is put in by the host, and not here.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.request.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The body, as it is.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = Some(body.into());
        self
    }

    /// The body as JSON, and the header that says so.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body(body).header("content-type", "application/json"),
            Err(error) => {
                let reason = error.to_string();
                self.wrong.get_or_insert(Error::NotReadable(format!("The body is no JSON: {reason}")));
                self
            }
        }
    }

    /// Sends it and gives the answer, whatever its status. In a preview nothing is sent and this is an
    /// [`Error::Recorded`], with which the tool should end.
    pub fn send(self) -> Result<Response, Error> {
        let (reply, request) = self.exchange(Way::Send)?;
        needed(reply, &request)
    }

    /// As [`send`](Self::send), for a tool that can go on without the answer. None: this call is a preview, and the request
    /// was recorded.
    pub fn send_or_record(self) -> Result<Option<Response>, Error> {
        match self.exchange(Way::Send)?.0 {
            Reply::Response(response) => Ok(Some(response)),
            Reply::Recorded => Ok(None),
        }
    }

    /// A `GET` or `HEAD` to an origin inside the operator's boundary. In a preview nothing is sent and this is an
    /// [`Error::Recorded`].
    pub fn read(self) -> Result<Response, Error> {
        let (reply, request) = self.exchange(Way::Read)?;
        needed(reply, &request)
    }

    fn exchange(self, way: Way) -> Result<(Reply, Request), Error> {
        match self.wrong {
            Some(wrong) => Err(wrong),
            None => Ok((self.http.exchange(way, &self.request)?, self.request)),
        }
    }
}

fn needed(reply: Reply, request: &Request) -> Result<Response, Error> {
    match reply {
        Reply::Response(response) => Ok(response),
        Reply::Recorded => Err(Error::recorded(request)),
    }
}

/// `text` with everything escaped that has a meaning in a URL: for a name or a value of a query.
#[must_use]
pub fn escape(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push(char::from(HEX[usize::from(byte >> 4)]));
            escaped.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, vec};

    use super::{super::Memory, *};

    fn echo() -> Memory {
        Memory::new(|_| Response::new(200))
    }

    #[test]
    fn a_request_has_what_was_said_of_it() {
        let http = echo();
        let request = http.post("https://x.example/v1/").segment("a b").query("q", "1&2=é").query("n", "");
        request.header("X-Kind", "test").json(&BTreeMap::from([("k", 1)])).send().expect("an answer");
        let headers = [("x-kind", "test"), ("content-type", "application/json")];
        let sent = Request {
            method: "POST".into(),
            url: "https://x.example/v1/a%20b?q=1%262%3D%C3%A9&n=".into(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
            body: Some(br#"{"k":1}"#.to_vec()),
        };
        assert_eq!(http.requests(), [(Way::Send, sent)]);
    }

    #[test]
    fn a_segment_that_would_be_another_path_is_not_sent() {
        let http = echo();
        for segment in ["", ".", "..", "a/b", "a\\b", "a;b", "%2e"] {
            let error = http.get("https://x.example/v1").segment(segment).send().expect_err(segment);
            assert!(matches!(error, Error::BadRequest(_)), "{error:?}");
        }
        assert!(http.requests().is_empty());
    }

    #[test]
    fn a_body_that_is_no_json_is_not_sent() {
        let http = echo();
        let impossible = BTreeMap::from([(vec![1], 1)]);
        let error = http.post("https://x.example/").json(&impossible).send().expect_err("no JSON");
        assert!(matches!(error, Error::NotReadable(_)), "{error:?}");
        assert!(http.requests().is_empty());
    }

    #[test]
    fn a_preview_ends_a_tool_that_needs_the_answer_and_says_why() {
        let http = echo().preview();
        for ended in [http.get("https://x.example/a?q=1").send(), http.get("https://x.example/a?q=1").read()] {
            let error = ended.expect_err("there is no answer");
            assert!(matches!(error, Error::Recorded(_)), "{error:?}");
            assert_eq!(
                error.to_string(),
                "In a preview nothing is sent, and this tool needs the answer to GET https://x.example/a to go on."
            );
        }
    }

    #[test]
    fn a_preview_lets_a_tool_go_on_that_needs_none() {
        let http = echo().preview();
        assert_eq!(http.post("https://x.example/a").send_or_record(), Ok(None));
        assert_eq!(http.requests().len(), 1);
        assert!(echo().post("https://x.example/a").send_or_record().expect("sent").is_some());
    }

    #[test]
    fn reading_goes_by_the_function_that_only_reads() {
        let http = echo();
        http.get("https://x.example/").read().expect("an answer");
        assert_eq!(http.requests()[0].0, Way::Read);
    }
}
