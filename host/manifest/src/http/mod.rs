//! The nouns of egress: where a request may go, what it may ask there, and where a secret goes into it. A value of one of
//! these types has passed every rule of its form, so that whoever holds one need not look again.

mod boundary;
mod capability;
mod header;
mod host;
mod method;
mod origin;
mod path;
mod rule;
mod secret;
#[cfg(test)]
mod tests;

pub use boundary::Boundary;
pub use capability::{HttpCapability, InvalidHttpCapability, MAX_REDIRECTS, MAX_RETRIES, MAX_RULES};
pub use header::{InvalidHeader, is_host_header};
pub use host::{HostName, HostPattern, InvalidHost, InvalidHostPattern};
pub use method::{InvalidMethod, Method};
pub use origin::{InvalidOrigin, InvalidPort, InvalidScheme, Origin, OriginPattern, Port, Scheme};
pub use path::{InvalidPath, MAX_PATH, PathPattern, RequestPath};
pub use rule::{HttpRule, InvalidRule};
pub use secret::{InvalidSecret, SecretSlot};

/// A type that is written as text is read and written as text in configuration and in the store.
macro_rules! as_text {
    ($($name:ty, $error:ty;)+) => {$(
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(value: String) -> Result<Self, $error> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )+};
}

as_text! {
    HostName, InvalidHost;
    HostPattern, InvalidHostPattern;
    HttpRule, InvalidRule;
    Method, InvalidMethod;
    Origin, InvalidOrigin;
    OriginPattern, InvalidOrigin;
    PathPattern, InvalidPath;
    RequestPath, InvalidPath;
}
