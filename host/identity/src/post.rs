//! POST to one fixed place of the operator's: through the guarded client, to exactly that origin and path, over TLS or to this
//! machine, without redirects and without retries (catalogue EG-35).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use portcullis_egress::{Admitted, Egress, FetchError, Reach, Request, Response, Room, admit};
use portcullis_manifest::http::{HttpCapability, Method, Origin};

use crate::{InvalidAuthentication, config::trusted};

/// Bytes of an answer's head.
const HEAD: usize = 16 << 10;

/// A place that requests may be posted to.
#[derive(Clone)]
pub(crate) struct Place {
    egress: Egress,
    admitted: Admitted,
}

/// A URL that nothing is posted to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceRefused {
    /// The URL, or that it is not over TLS.
    #[error(transparent)]
    Url(#[from] InvalidAuthentication),
    /// Its path.
    #[error(
        "`{field}` of [authentication] has `*` inside its path, which could be read as more than one place; write another path"
    )]
    Path {
        /// Where it stands.
        field: &'static str,
    },
}

impl Place {
    /// `field` is where `url` stands in the configuration.
    pub(crate) fn new(url: &str, field: &'static str, egress: &Egress) -> Result<Self, PlaceRefused> {
        let destination = trusted(url, field)?;
        let refused = || PlaceRefused::Path { field };
        let rule = format!("{} {}", Method::Post, destination.path()).parse().map_err(|_| refused())?;
        let origin = destination.origin().to_string().parse().map_err(|_| refused())?;
        let capability = HttpCapability::new(origin, vec![rule], None, 0, 0).map_err(|_| refused())?;
        let admitted = admit(&Arc::new(capability), &Reach::Granted, Method::Post, destination);
        Ok(Self { egress: egress.clone(), admitted: admitted.map_err(|_| refused())? })
    }

    pub(crate) fn origin(&self) -> &Origin {
        self.admitted.destination().origin()
    }

    /// Posts `body`, and takes an answer of at most `answer` bytes that comes within `patience`.
    pub(crate) async fn post(
        &self,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        answer: usize,
        patience: Duration,
    ) -> Result<Response, FetchError> {
        let room = Room {
            request_body: body.len(),
            response_body: answer,
            headers: 100,
            header_bytes: HEAD,
            deadline: Instant::now() + patience,
        };
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { headers, body, ..Request::default() };
        self.egress.fetch(self.admitted.clone(), request, &room).await.result
    }
}

#[cfg(test)]
pub(crate) mod testing;
