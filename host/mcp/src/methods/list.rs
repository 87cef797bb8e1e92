//! `tools/list`, `resources/list`, `resources/templates/list` and `prompts/list`.

use portcullis_backend::{Backend, ListKind};
use portcullis_manifest::Principal;

use crate::{
    codec::{Field, Id, Params},
    era::Era,
    fault::Fault,
    protocol::Protocol,
    reply::{self, Reply},
};

/// How long a client may use a list before it asks again. An approval that is taken back is refused at the call anyway.
pub(super) const TTL_MS: u32 = 60_000;

impl<B: Backend> Protocol<B> {
    pub(crate) fn list(
        &self,
        kind: ListKind,
        principal: &Principal,
        era: Era,
        id: &Id,
        params: &Params,
    ) -> Result<Reply, Fault> {
        let cursor = match &params.cursor {
            Field::Is(cursor) => Some(cursor.as_str()),
            Field::Absent => None,
            Field::Wrong => return Err(Fault::params("`params.cursor` must be a string")),
        };
        let list = self.backend.list(kind, principal);
        let page = self.listing.page(kind, &list, principal.key(), cursor);
        let page = page.map_err(|bad| Fault::params(bad.to_string()))?;

        let mut out = reply::open(id, page.items.len() + 512);
        out.push(b'{');
        out.extend_from_slice(&page.items);
        if let Some(next) = &page.next {
            out.extend_from_slice(format!(r#","nextCursor":"{next}""#).as_bytes());
        }
        if era == Era::Modern {
            // A cursor is good for one principal: a page that has one is nobody else's, and all pages of a list are alike.
            let scope = if list.varies || !page.whole { "private" } else { "public" };
            let cache = format!(r#","resultType":"complete","ttlMs":{TTL_MS},"cacheScope":"{scope}","_meta":{{"#);
            out.extend_from_slice(cache.as_bytes());
            out.extend_from_slice(self.texts.server_member.as_bytes());
            out.push(b'}');
        }
        out.push(b'}');
        Ok(Reply::result(reply::close(out)))
    }
}
