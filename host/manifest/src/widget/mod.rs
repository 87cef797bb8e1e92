//! Widgets: what a client is told of a page, which is made of the manifest alone, and what is refused in a page when it is
//! published.

mod check;
mod comments;
mod css;
mod nest;
mod origins;
mod policy;
mod refusal;
mod scan;
mod script;
#[cfg(test)]
mod tests;

pub use policy::{guarded, is_page};
pub use refusal::{WidgetError, WidgetErrors, WidgetRefusal};
