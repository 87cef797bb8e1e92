//! Lines for the people who run the host. No client ever sees them, and they are bounded: what goes over the release's
//! `limits.log` is dropped and counted.
//!
//! ```
//! use portcullis_plugin::log;
//! let left = 3;
//! log::info!("{left} notes left");
//! ```

pub use crate::bindings::portcullis::plugin::log::Level;
pub use crate::{__log_debug as debug, __log_error as error, __log_info as info, __log_warn as warn};

/// One line. The macros of this module write the same with a format.
pub fn write(level: Level, line: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::portcullis::plugin::log::write(level, line);
    // Tests of a plugin's logic run where there is no host; their output is where such lines are looked for.
    #[cfg(not(target_family = "wasm"))]
    std::eprintln!("{level:?}: {line}");
}

#[doc(hidden)]
pub mod private {
    pub use alloc::format;
}

/// Logs something only worth reading while looking for a fault.
#[macro_export]
#[doc(hidden)]
macro_rules! __log_debug {
    ($($part:tt)+) => { $crate::log::write($crate::log::Level::Debug, &$crate::log::private::format!($($part)+)) };
}

/// Logs something that happened as it should.
#[macro_export]
#[doc(hidden)]
macro_rules! __log_info {
    ($($part:tt)+) => { $crate::log::write($crate::log::Level::Info, &$crate::log::private::format!($($part)+)) };
}

/// Logs something that should not happen and did no harm.
#[macro_export]
#[doc(hidden)]
macro_rules! __log_warn {
    ($($part:tt)+) => { $crate::log::write($crate::log::Level::Warn, &$crate::log::private::format!($($part)+)) };
}

/// Logs something that went wrong.
#[macro_export]
#[doc(hidden)]
macro_rules! __log_error {
    ($($part:tt)+) => { $crate::log::write($crate::log::Level::Error, &$crate::log::private::format!($($part)+)) };
}
