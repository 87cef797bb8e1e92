//! The second wall, as the configuration wants it.

use portcullis_lockdown::{Kernel, Paths, Plan};
use serde::Deserialize;

use crate::{config::Config, exit::Failure};

/// `[lockdown]`: what the owner gives up before it opens anything.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lockdown {
    pub(crate) mode: Mode,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// All of it, or it does not start.
    Require,
    /// What can be had here.
    Try,
    Off,
}

impl Default for Lockdown {
    fn default() -> Self {
        Self { mode: Mode::Try }
    }
}

/// Gives up what an owner does not need, for the rest of this process's life. Nothing may have been started that is to be held
/// to it: it is called on the first thread, before there is another. One that serves says in its log what is in force.
pub(crate) fn lock_down(config: &Config, serves: bool) -> Result<(), Failure> {
    let mode = config.lockdown.mode;
    if mode == Mode::Off {
        if serves {
            tracing::warn!(
                "lockdown: off, because the configuration says `lockdown.mode = \"off\"`: a guest that breaks out of its \
                 sandbox may do what this user may"
            );
        }
        return Ok(());
    }
    let paths = Paths { data: Some(config.data().to_owned()), read: Vec::new() };
    let in_force = Plan::to_serve(paths, Kernel::running()).apply();
    for state in in_force.each() {
        match state {
            Ok((measure, detail)) if serves => tracing::info!("lockdown: {measure}: in force: {detail}"),
            Err(missing) if serves => tracing::warn!("lockdown: not in force: {missing}"),
            // A command that answers one question and ends: its stderr is for its own words.
            Ok((measure, detail)) => tracing::debug!("lockdown: {measure}: in force: {detail}"),
            Err(missing) => tracing::debug!("lockdown: not in force: {missing}"),
        }
    }
    match mode {
        Mode::Require => in_force.insist().map_err(|missing| {
            Failure::usage(format_args!(
                "the configuration says `lockdown.mode = \"require\"`, and this is not in force: {missing}. To start with what \
                 there is, set it to \"try\""
            ))
        }),
        _ => Ok(()),
    }
}
