//! What a person, a model or a client reads: pieces of an answer, messages of a conversation, contents of resources.

use alloc::{string::String, vec::Vec};

use crate::bindings::portcullis::plugin::types::{self, Content, Link, Media};

/// One piece of an answer or a message. A text can be put wherever one is wanted.
///
/// ```
/// use portcullis_plugin::{Contents, Part};
///
/// let page = Contents::text("text/markdown", "# Hello").at("docs://pages/hello.md");
/// let parts: [Part; 2] = ["As the page says:".into(), Part::embedded(page)];
/// # drop(parts);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Part(pub(crate) Content);

/// What a resource holds: text or bytes, of a kind such as `text/markdown`.
///
/// What a resource function gives is the resource that was asked for, unless [`at`](Self::at) says that it is another.
#[derive(Clone, Debug)]
#[must_use]
pub struct Contents {
    uri: Option<String>,
    mime_type: String,
    body: Body,
}

/// Whose words a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

#[derive(Clone, Debug)]
enum Body {
    Text(String),
    Bytes(Vec<u8>),
}

impl Part {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(Content::Text(text.into()))
    }

    /// An image. The type is such as `image/png`.
    pub fn image(mime_type: impl Into<String>, data: Vec<u8>) -> Self {
        Self(Content::Image(Media { data, mime_type: mime_type.into() }))
    }

    /// A sound. The type is such as `audio/wav`.
    pub fn audio(mime_type: impl Into<String>, data: Vec<u8>) -> Self {
        Self(Content::Audio(Media { data, mime_type: mime_type.into() }))
    }

    /// A link that the client may follow: `https` or `http`.
    pub fn link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self(Content::Link(Link { uri: uri.into(), name: name.into(), mime_type: None }))
    }

    /// A resource with what it holds. It needs a URI ([`Contents::at`]): one of the plugin's own resources, or of a scheme that
    /// nothing fetches.
    pub fn embedded(contents: Contents) -> Self {
        Self(Content::Embedded(contents.into_wire("")))
    }
}

impl Contents {
    /// Text. The type is such as `text/markdown`; the empty text says none.
    pub fn text(mime_type: impl Into<String>, text: impl Into<String>) -> Self {
        Self { uri: None, mime_type: mime_type.into(), body: Body::Text(text.into()) }
    }

    /// Bytes. The type is such as `image/png`; the empty text says none.
    pub fn bytes(mime_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { uri: None, mime_type: mime_type.into(), body: Body::Bytes(bytes.into()) }
    }

    /// Where it is.
    pub fn at(mut self, uri: impl Into<String>) -> Self {
        self.uri = Some(uri.into());
        self
    }

    /// `here` is where it is when nothing else was said.
    pub(crate) fn into_wire(self, here: &str) -> types::Contents {
        let body = match self.body {
            Body::Text(text) => types::Body::Text(text),
            Body::Bytes(bytes) => types::Body::Blob(bytes),
        };
        types::Contents { uri: self.uri.unwrap_or_else(|| here.into()), mime_type: self.mime_type, body }
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Role> for types::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Assistant => Self::Assistant,
        }
    }
}

/// A message of a conversation.
pub(crate) fn message(role: Role, part: impl Into<Part>) -> types::Message {
    types::Message { role: role.into(), content: part.into().0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_where_they_were_asked_for_unless_they_say_otherwise() {
        assert_eq!(Contents::text("text/plain", "a").into_wire("x://a").uri, "x://a");
        let other = Contents::bytes("", *b"\x00").at("x://b").into_wire("x://a");
        assert_eq!((other.uri.as_str(), other.mime_type.as_str()), ("x://b", ""));
        assert!(matches!(other.body, types::Body::Blob(bytes) if bytes == b"\x00"));
    }
}
