//! What a tool is given beside its arguments.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use crate::{
    Hints, ToolError,
    assets::Assets,
    bindings::portcullis::plugin::{caller, secrets},
    egress::Client,
    files::Files,
    kv::Kv,
};

/// The way to the host, for the length of one call.
#[derive(Debug)]
pub struct Context {
    // So that only the macro makes one, and a later version can hold something.
    _private: (),
}

/// Who calls and under which conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// A pseudonym: stable for this plugin and person, different for every other plugin. None: not signed in.
    pub subject: Option<String>,
    /// Of the scopes that tools of this plugin list in the manifest, those that the caller holds, sorted. The called tool's own
    /// are always among them; see [`holds`](Self::holds) for the others.
    pub scopes: Vec<String>,
    /// BCP 47, as the client gave it, for a plugin whose manifest asks for it; see [`Hints`].
    pub locale: Option<String>,
    /// Names this call in the audit and in errors.
    pub correlation_id: String,
    /// Wall time that was left when this was asked for.
    pub time_left: Duration,
    /// This call is a preview: writes are recorded and not done, and no request leaves the host.
    pub preview: bool,
}

impl Caller {
    /// Whether the caller holds a scope, by exact equality. It must be one that a tool of this plugin lists in the manifest: of
    /// others a plugin is told nothing, and this is false.
    ///
    /// ```
    /// # use portcullis_plugin::Context;
    /// fn may_see_internal(cx: &Context) -> bool {
    ///     cx.caller().holds("tickets:internal")
    /// }
    /// ```
    #[must_use]
    pub fn holds(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}

impl Context {
    /// Used by [`crate::plugin!`].
    #[doc(hidden)]
    #[must_use]
    pub fn of_this_call() -> Self {
        Self { _private: () }
    }

    /// The keys and values behind `[capability.NAME]` of the manifest, with `kind = "kv"`. Whether the running tool
    /// may read or write them is said by its `uses`, and found out at the first request.
    #[must_use]
    pub fn kv(&self, capability: &'static str) -> Kv<'_> {
        Kv::open(self, capability)
    }

    /// Requests to the origin of `[capability.NAME]` of the manifest, with `kind = "http"`.
    #[must_use]
    pub fn http(&self, capability: &'static str) -> Client<'_> {
        Client::open(self, capability)
    }

    /// The files behind `[capability.NAME]` of the manifest, with `kind = "files"`.
    #[must_use]
    pub fn files(&self, capability: &'static str) -> Files<'_> {
        Files::open(self, capability)
    }

    /// The files of this release, `[assets]` of the manifest.
    #[must_use]
    pub fn assets(&self) -> Assets<'_> {
        Assets::open(self)
    }

    /// Of the `hints` that the manifest asks for, those that this client gave.
    #[must_use]
    pub fn hints(&self) -> Hints {
        Hints::of_this_call()
    }

    /// A stand-in for the secret of a capability of kind `http`, for libraries that want a key before they make a request.
    /// The host puts the secret in without this too; in any place but the capability's secret header it refuses to send it.
    pub fn placeholder(&self, capability: &'static str) -> Result<String, ToolError> {
        secrets::placeholder(capability).map_err(ToolError::from)
    }

    /// Whether this call is a preview: writes are recorded and not done, and no request leaves the host. A tool rarely needs
    /// to know; [`send_or_record`](crate::egress::Builder::send_or_record) is the usual way.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        caller::get().preview
    }

    /// Facts about this call, as they are now.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let caller::Info { subject, scopes, locale, correlation_id, time_left_ms, preview } = caller::get();
        Caller { subject, scopes, locale, correlation_id, time_left: Duration::from_millis(time_left_ms), preview }
    }
}
