//! Every amount that a guest can make the host allocate, wait for, open or store (DESIGN rule 8). One type, so that a
//! limit that has no number can't exist, and one table, so that the parser, the printer and the reference know them all.

use std::time::Duration;

use crate::{Bounds, Unit, units::millis};

/// One row of [`Limits`], for whoever has to treat them all alike.
#[derive(Clone, Copy, Debug)]
pub struct LimitRow {
    /// Its key under `[limits]`.
    pub name: &'static str,
    /// Its number, when the manifest says nothing, and the least and the most that it may say.
    pub bounds: Bounds,
    /// What it is, for the reference page.
    pub meaning: &'static [&'static str],
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ident = $default:expr, from $minimum:expr, to $maximum:expr;)+) => {
        /// The limits of one release. Start values: catalogue section 4.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: limits!(@type $type),)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: limits!(@value $type, $default),)+ }
            }
        }

        /// The most a manifest may ask for. The pools of the sandbox are made for these at start.
        pub const HARD_LIMITS: Limits = Limits { $($name: limits!(@value $type, $maximum),)+ };

        /// Every field of [`Limits`], in its order.
        pub const LIMITS: &[LimitRow] = &[$(LimitRow {
            name: stringify!($name),
            bounds: Bounds {
                unit: Unit::$type,
                default: $default,
                minimum: $minimum,
                maximum: $maximum,
            },
            meaning: &[$($doc),+],
            get: |limits| limits!(@number $type, limits.$name),
            set: |limits, amount| limits.$name = limits!(@value $type, amount),
        },)+];
    };
    (@type Time) => { Duration };
    (@type $type:ident) => { u64 };
    (@value Time, $amount:expr) => { Duration::from_millis($amount) };
    (@value $type:ident, $amount:expr) => { $amount };
    (@number Time, $value:expr) => { millis($value) };
    (@number $type:ident, $value:expr) => { $value };
}

limits! {
    /// Linear memory, summed over all memories of one call. Source: WX-10.
    memory: Bytes = 64 << 20, from 64 << 10, to 512 << 20;
    /// Wasm instructions, about one each; the same call always takes the same number. Source: WX-09.
    fuel: Count = 1_000_000_000, from 10_000, to 100_000_000_000;
    /// Wall time of one call, waiting included. Source: WX-08, WX-27.
    time: Time = 10_000, from 10, to 60_000;
    /// Calls of host functions. Source: section 6, hostcall-flood.
    host_calls: Count = 10_000, from 1, to 1_000_000;
    /// Bytes that one host call, or the result, may make the host copy out of the guest. Source: WX-11, WX-22.
    host_data: Bytes = 4 << 20, from 1 << 10, to 16 << 20;
    /// Resource handles that live at once. Source: WX-11.
    handles: Count = 1_000, from 1, to 10_000;
    /// Elements, summed over all tables. Source: WX-10.
    table_elements: Count = 80_000, from 1, to 1_000_000;
    /// Bytes of log lines and of stdout and stderr, escaped as they are in the host's log, and 150 for each line; what goes
    /// over is dropped and counted. Source: WX-25.
    log: Bytes = 64 << 10, from 0, to 1 << 20;
    /// Progress reports and lines for the client's log that one call may send; what goes over is dropped and counted.
    /// Source: DESIGN rule 8.
    notices: Count = 256, from 0, to 10_000;
    /// Arguments as JSON text. Source: MC-08.
    arguments: Bytes = 1 << 20, from 1 << 10, to 4 << 20;
    /// Result as JSON text, as it is sent: what stands in it twice counts twice. Source: WX-22.
    result: Bytes = 1 << 20, from 1 << 10, to 4 << 20;
    /// One value in kv. Source: ST-20.
    kv_value: Bytes = 256 << 10, from 1, to 4 << 20;
    /// Keys one call may write in kv. Source: ST-20.
    kv_writes: Count = 256, from 0, to 10_000;
    /// Bytes of what one call has written in kv, until it is committed: keys, values, values that compare-and-set expects, and
    /// 128 for each key. Source: DESIGN rule 8.
    kv_bytes: Bytes = 4 << 20, from 0, to 32 << 20;
    /// Bytes of one file. Source: DESIGN rule 8.
    file: Bytes = 1 << 20, from 1, to 16 << 20;
    /// Files one call may write or remove. Source: DESIGN rule 8.
    file_writes: Count = 16, from 0, to 256;
    /// Bytes of the files that one call has written, until they are committed. Source: DESIGN rule 8.
    file_bytes: Bytes = 8 << 20, from 0, to 64 << 20;
    /// HTTP requests of one call. A redirect that is followed and a request that is tried again count as requests.
    /// Source: section 4.
    requests: Count = 8, from 0, to 64;
    /// Body of one request. Source: section 4.
    request_body: Bytes = 256 << 10, from 0, to 4 << 20;
    /// Body of one response. Source: section 4, EG-32.
    response_body: Bytes = 1 << 20, from 0, to 16 << 20;
    /// Header fields of one request, and of one response. Each field has at most 8 KiB, name and value, and all of them
    /// together at most 32 KiB, whatever is written here. Source: section 4.
    headers: Count = 64, from 1, to 128;
    /// Questions that a tool may put at once. Source: MC-11.
    questions: Count = 5, from 1, to 20;
    /// How often one call may come back with questions. Source: MC-11.
    rounds: Count = 10, from 1, to 10;
    /// Bytes of the state that a tool gives with its questions, which the client keeps for it. Source: DESIGN section 3.
    state: Bytes = 8 << 10, from 0, to 64 << 10;
}

/// Most bytes of one header field, name and value (catalogue section 4). No manifest changes it.
pub const MAX_HEADER: u64 = 8 << 10;

/// Most bytes of all header fields of one request or response, names and values. No manifest changes it.
pub const MAX_HEADER_BYTES: u64 = 32 << 10;

impl LimitRow {
    /// This limit's number in `limits`.
    #[must_use]
    pub fn get(&self, limits: &Limits) -> u64 {
        (self.get)(limits)
    }

    pub(crate) fn set(&self, limits: &mut Limits, amount: u64) {
        (self.set)(limits, amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_lies_between_its_minimum_and_its_maximum() {
        for row in LIMITS {
            let Bounds { default, minimum, maximum, .. } = row.bounds;
            assert!(minimum <= default && default <= maximum, "{}", row.name);
            assert_eq!(row.get(&Limits::default()), default, "{}", row.name);
            assert_eq!(row.get(&HARD_LIMITS), maximum, "{}", row.name);
        }
    }

    #[test]
    fn what_the_reference_says_of_the_size_of_headers_is_what_holds() {
        assert_eq!((MAX_HEADER, MAX_HEADER_BYTES), (8_192, 32_768));
        let headers = LIMITS.iter().find(|row| row.name == "headers").unwrap().meaning.join(" ");
        for (number, words) in [(MAX_HEADER, "at most"), (MAX_HEADER_BYTES, "together at most")] {
            assert!(headers.contains(&format!("{words} {}", Unit::Bytes.print(number))), "{headers}");
        }
    }

    #[test]
    fn a_row_sets_its_own_field_only() {
        for row in LIMITS {
            let mut limits = Limits::default();
            row.set(&mut limits, 77);
            for other in LIMITS {
                let expected = if other.name == row.name { 77 } else { other.bounds.default };
                assert_eq!(other.get(&limits), expected, "{} after {}", other.name, row.name);
            }
        }
    }
}
