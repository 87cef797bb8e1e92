//! What others may find changed when another catalogue is served: the resources of each release that came, went or was
//! replaced. A release's assets are part of it, so what is read under the same URI may be another text.

use std::{fmt, sync::Arc};

use portcullis_backend::{Change, Touched};
use portcullis_manifest::Principal;

use crate::catalogue::Catalogue;

/// One catalogue, and the next.
struct Replaced {
    before: Arc<Catalogue>,
    now: Arc<Catalogue>,
}

impl fmt::Debug for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replaced(..)")
    }
}

impl Touched for Replaced {
    fn covers(&self, principal: &Principal, uri: &str) -> bool {
        let release =
            |catalogue: &Catalogue| catalogue.find_resource(uri, principal).map(|(served, _)| served.tool.release);
        release(&self.before) != release(&self.now)
    }
}

/// What is to be told of resources when `now` is served instead of `before`.
pub(crate) fn replaced(before: Arc<Catalogue>, now: Arc<Catalogue>) -> Change {
    Change::Resources(Arc::new(Replaced { before, now }))
}
