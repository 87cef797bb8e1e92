//! What a client that holds the schemas of an older release can't rely on in a newer one (catalogue WR-04).

use std::fmt;

use super::included;
use crate::{Package, Tool};

/// Which schema of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Of its arguments.
    Input,
    /// Of its structured result.
    Output,
}

/// A change of a schema that is not additive, or that can't be shown to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaBreak {
    /// Which schema.
    pub side: Side,
    /// JSON Pointer: in the new schema of arguments, in the old schema of results.
    pub pointer: String,
    /// What is demanded there.
    pub what: String,
}

impl fmt::Display for SchemaBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, pointer, what } = self;
        match side {
            Side::Input => {
                write!(f, "input {pointer}: {what}: arguments that were good before may be refused by it now")
            }
            Side::Output => {
                write!(f, "output {pointer}: {what}: results were promised to fit it and may not fit any more")
            }
        }
    }
}

impl Package {
    /// What of the schemas of `was`, a tool of `old`, does not hold on for `is`, a tool of `new` that takes its name: every
    /// argument that was good has to be good still, and every result has to fit what was promised. What can't be shown to hold
    /// counts as if it did not.
    #[must_use]
    pub fn schema_breaks(old: &Self, was: &Tool, new: &Self, is: &Tool) -> Vec<SchemaBreak> {
        let broken = |side| {
            move |unproven: super::Unproven| SchemaBreak { side, pointer: unproven.pointer, what: unproven.what }
        };
        let input = included(&new.input_schema(is), &old.input_schema(was)).map_err(broken(Side::Input));
        let output = match (old.output_schema(was), new.output_schema(is)) {
            (None, _) => Ok(()),
            (Some(old), Some(new)) => included(old, new).map_err(broken(Side::Output)),
            (Some(_), None) => {
                let (pointer, what) = ("#".to_owned(), "there is no schema any more".to_owned());
                Err(SchemaBreak { side: Side::Output, pointer, what })
            }
        };
        [input, output].into_iter().filter_map(Result::err).collect()
    }
}
