//! What came back.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde::de::DeserializeOwned;

use super::Error;

/// Most characters of a body that an error quotes.
const QUOTED: usize = 300;

/// What came back, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// The request, for errors.
    pub(super) asked: String,
}

impl Response {
    /// An empty answer, for tests.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// The same with one more header, for tests.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_string()));
        self
    }

    /// The same with this body, for tests.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// This answer if its status is 200 to 299, or else an error with the status and the beginning of the body.
    pub fn success(self) -> Result<Self, Error> {
        if self.is_success() {
            return Ok(self);
        }
        let said = String::from_utf8_lossy(&self.body);
        let mut said = said.trim().chars();
        let mut quoted: String = said.by_ref().take(QUOTED).collect();
        if said.next().is_some() {
            quoted.push('…');
        }
        let (asked, status) = (&self.asked, self.status);
        let text = if quoted.is_empty() {
            format!("{asked} was answered with status {status}.")
        } else {
            format!("{asked} was answered with status {status}: {quoted}")
        };
        Err(Error::Status { status, text })
    }

    /// The first header of that name, in whatever case it is written here.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// All headers, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.body
    }

    /// The body as UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        core::str::from_utf8(&self.body)
            .map_err(|error| Error::NotReadable(format!("The answer to {} is no UTF-8: {error}", self.asked)))
    }

    /// The body read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::NotReadable(format!("The answer to {} can't be read: {error}", self.asked)))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Http as _, super::Memory, *};

    fn answered(response: Response) -> Response {
        Memory::new(move |_| response.clone()).get("https://x.example/a?q=mine").send().expect("an answer")
    }

    #[test]
    fn a_status_that_says_no_is_an_error_with_what_was_asked_and_said() {
        let error = answered(Response::new(404).with_body("no such ticket")).success().expect_err("404");
        assert_eq!(error.to_string(), "GET https://x.example/a was answered with status 404: no such ticket");
        assert!(matches!(error, Error::Status { status: 404, .. }));
        let long = answered(Response::new(500).with_body("é".repeat(1000))).success().expect_err("500").to_string();
        assert!(long.ends_with("é…") && long.chars().count() < 400, "{long}");
        assert!(answered(Response::new(204)).success().is_ok());
        assert!(answered(Response::new(302)).success().is_err());
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let response = answered(Response::new(200).with_header("Content-Type", "text/plain"));
        assert_eq!(response.header("content-TYPE"), Some("text/plain"));
        assert_eq!(response.headers().next(), Some(("content-type", "text/plain")));
        assert_eq!(response.header("etag"), None);
    }

    #[test]
    fn a_body_is_read_as_what_it_is_or_refused_with_the_reason() {
        let response = answered(Response::new(200).with_body(&b"[1,2]"[..]));
        assert_eq!(response.json::<Vec<u8>>(), Ok(alloc::vec![1, 2]));
        assert_eq!(response.text(), Ok("[1,2]"));
        let error = response.json::<u8>().expect_err("a list is no number").to_string();
        assert!(error.starts_with("The answer to GET https://x.example/a can't be read"), "{error}");
        assert!(answered(Response::new(200).with_body(&b"\xff"[..])).text().is_err());
    }
}
