//! Every refusal of a manifest, with its exact text: authors read these, so they are part of the interface.

mod capabilities;
mod files;
mod limits;
mod offers;
mod tools;
mod values;

use super::{CRM, NOTES};
use crate::Manifest;

fn errors(text: &str) -> Vec<String> {
    match Manifest::parse(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
    }
}

/// The example with `from` replaced by `to` is refused with exactly these texts.
#[track_caller]
fn refused(from: &str, to: &str, expected: &[&str]) {
    assert!(NOTES.contains(from), "{from} is in the example");
    assert_eq!(errors(&NOTES.replacen(from, to, 1)), expected);
}

/// [`refused`] of the example with requests and files.
#[track_caller]
fn refused_crm(from: &str, to: &str, expected: &[&str]) {
    assert!(CRM.contains(from), "{from} is in the example");
    assert_eq!(errors(&CRM.replacen(from, to, 1)), expected);
}
