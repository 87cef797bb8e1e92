//! Runs one call of one permit in a fresh instance.

mod ending;
mod engine;
mod limiter;
mod notice;
mod pace;
mod plugin;
mod running;
mod said;
mod turns;

pub use ending::{Ending, Keep, Kept, Lost, Ran, Stop, Unfinished, Usage, Witness, Writes};
pub use engine::{Engine, EngineError};
pub(crate) use limiter::Limiter;
pub use notice::{Listener, Notice};
pub use plugin::{LoadError, Plugin};
pub use said::{
    Answer, Body, Completed, Content, Contents, Message, NeedsInput, Prompted, Role, ToolQuestion, ToolSampling,
};

#[cfg(test)]
mod tests;
