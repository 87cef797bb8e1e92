//! What changes about where a plugin may send requests, what it may ask there and with which secret.

use super::{Changed, compare::Diff};
use crate::{
    Unit,
    http::{HttpCapability, SecretSlot},
};

impl Diff {
    pub(super) fn http(&mut self, was: &HttpCapability, is: &HttpCapability) {
        if was.origin() != is.origin() {
            self.add(Changed::Origin { was: was.origin().clone(), is: is.origin().clone() });
        }
        self.set(was.allow(), is.allow(), Changed::RuleAdded, Changed::RuleRemoved);
        self.order("allow", was.allow(), is.allow());
        if was.secret() != is.secret() {
            self.add(Changed::Secret { was: was.secret().cloned(), is: is.secret().cloned() });
        }
        self.amount("redirects", Unit::Count, was.redirects().into(), is.redirects().into());
        self.amount("retries", Unit::Count, was.retries().into(), is.retries().into());
    }
}

/// What an admin reads of a capability that is new.
pub(super) fn summary(http: &HttpCapability) -> String {
    let rules: Vec<String> = http.allow().iter().map(|rule| format!("`{rule}`")).collect();
    format!(
        "http, requests to {}: {}; secret: {}; redirects followed: {}, tried again: {}",
        http.origin().shown(),
        rules.join(", "),
        slot(http.secret()),
        http.redirects(),
        http.retries(),
    )
}

/// A secret as an admin reads it.
pub(super) fn slot(secret: Option<&SecretSlot>) -> String {
    secret.map_or_else(
        || "none".to_owned(),
        |secret| format!("`{}` in the header `{}`, as `{}`", secret.name(), secret.header(), secret.value()),
    )
}
