//! The sites of plugin.toml, asked one after the other: which of them an address belongs to is known to the host, not here.

use portcullis_plugin::{
    ToolError,
    egress::{Error, Http, Response},
};

use crate::address::origin;

/// The capabilities that plugin.toml may declare. One that it does not declare grants nothing.
pub(crate) const SITES: [&str; 8] = ["site_1", "site_2", "site_3", "site_4", "site_5", "site_6", "site_7", "site_8"];

/// The answer of the first site that `url` belongs to, if it is a yes.
pub(crate) fn get<H: Http>(sites: impl IntoIterator<Item = H>, url: &str, accept: &str) -> Result<Response, ToolError> {
    let mut said = String::new();
    for site in sites {
        match site.get(url).header("accept", accept).send() {
            Err(Error::NotGranted(text)) => {
                // Of a site with this very origin the host says more than that it is another one.
                if said.is_empty() || text.contains("allow") {
                    said = text;
                }
            }
            Err(error) => return Err(error.into()),
            Ok(response) => return Ok(response.success()?),
        }
    }
    let origin = origin(url);
    Err(format!(
        "This plugin may not fetch that from {origin}. An admin can add the site to its plugin.toml and approve that; until then \
         use another source. ({said})"
    )
    .into())
}

#[cfg(test)]
mod tests {
    use portcullis_plugin::egress::{Memory, Reply, Request, Way};

    use super::*;

    const ORIGINS: [&str; 2] = ["https://a.example/", "https://b.example/"];

    /// A site with one origin; another one's addresses it does not grant.
    struct Site<'a>(&'static str, &'a Memory);

    impl Http for Site<'_> {
        fn exchange(&self, way: Way, request: &Request) -> Result<Reply, Error> {
            match request.url.starts_with(self.0) {
                true => self.1.exchange(way, request),
                false => Err(Error::NotGranted(format!("only {}", self.0))),
            }
        }
    }

    fn answering(status: u16) -> Memory {
        Memory::new(move |_| Response::new(status))
    }

    #[test]
    fn the_site_that_an_address_belongs_to_is_asked_once() {
        let sites = [answering(200), answering(200)];
        let asked = ORIGINS.into_iter().zip(&sites).map(|(origin, memory)| Site(origin, memory));
        assert_eq!(get(asked, "https://b.example/c", "text/html").expect("an answer").status(), 200);
        assert!(sites[0].requests().is_empty());
        let requests = sites[1].requests();
        assert_eq!((requests.len(), requests[0].0, requests[0].1.url.as_str()), (1, Way::Send, "https://b.example/c"));
    }

    #[test]
    fn an_address_of_no_site_is_refused_with_what_would_allow_it() {
        let memory = answering(200);
        let error = get(ORIGINS.map(|origin| Site(origin, &memory)), "https://c.example/d", "*/*")
            .expect_err("no site")
            .to_string();
        assert!(
            error.contains("https://c.example.") && error.contains("admin") && error.contains("only https://a"),
            "{error}"
        );
    }

    #[test]
    fn a_site_that_says_no_is_not_asked_elsewhere() {
        let memory = answering(404);
        let error = get(ORIGINS.map(|origin| Site(origin, &memory)), "https://a.example/d", "*/*")
            .expect_err("404")
            .to_string();
        assert!(error.contains("status 404"), "{error}");
        assert_eq!(memory.requests().len(), 1);
    }
}
