//! Runs one call of one permit in a fresh instance.

mod ending;
mod engine;
mod limiter;
mod pace;
mod plugin;
mod running;
mod turns;

pub use ending::{
    Answer, Content, Ending, Keep, Kept, Lost, NeedsInput, Ran, Stop, ToolQuestion, Unfinished, Usage, Witness, Writes,
};
pub use engine::{Engine, EngineError};
pub(crate) use limiter::Limiter;
pub use plugin::{LoadError, Plugin};

#[cfg(test)]
mod tests;
