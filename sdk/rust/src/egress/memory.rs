//! A stand-in for whoever answers, for tests of a plugin's logic.

use alloc::{boxed::Box, vec::Vec};
use core::{cell::RefCell, fmt};

use super::{Error, Http, Reply, Request, Response, Way, asked};

/// Requests that a function of the test answers. Nothing leaves the machine, and nothing is granted or refused: that belongs
/// to a manifest and a host.
///
/// ```
/// use portcullis_plugin::egress::{Http, Memory, Response};
///
/// let http = Memory::new(|request| match request.url.as_str() {
///     "https://x.example/a" => Response::new(200).with_body("yes"),
///     _ => Response::new(404),
/// });
/// assert_eq!(http.get("https://x.example/a").send().unwrap().text(), Ok("yes"));
/// assert_eq!(http.requests().len(), 1);
/// ```
pub struct Memory {
    answer: Box<dyn Fn(&Request) -> Response>,
    preview: bool,
    requests: RefCell<Vec<(Way, Request)>>,
}

impl Memory {
    /// Answers each request with what `answer` gives.
    #[must_use]
    pub fn new(answer: impl Fn(&Request) -> Response + 'static) -> Self {
        Self { answer: Box::new(answer), preview: false, requests: RefCell::default() }
    }

    /// The same as in a preview: requests are recorded, and there are no answers.
    #[must_use]
    pub fn preview(mut self) -> Self {
        self.preview = true;
        self
    }

    /// What was asked so far, and by which way.
    #[must_use]
    pub fn requests(&self) -> Vec<(Way, Request)> {
        self.requests.borrow().clone()
    }
}

impl Http for Memory {
    fn exchange(&self, way: Way, request: &Request) -> Result<Reply, Error> {
        self.requests.borrow_mut().push((way, request.clone()));
        if self.preview {
            return Ok(Reply::Recorded);
        }
        let response = (self.answer)(request);
        Ok(Reply::Response(Response { asked: asked(&request.method, &request.url), ..response }))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("preview", &self.preview)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}
