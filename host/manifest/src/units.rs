//! Amounts as people write them: `32 MiB`, `250 ms`. Powers of 1024 only, so that nobody has to ask which.

use std::time::Duration;

/// What an amount counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes: a number, or text such as `"4 MiB"`.
    Bytes,
    /// Time, held in milliseconds: text such as `"5 s"` or `"250 ms"`. A bare number would leave its unit open.
    Time,
    /// Things: a number.
    Count,
}

/// The bounds of one amount that a manifest may set.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What it counts.
    pub unit: Unit,
    /// When the manifest says nothing.
    pub default: u64,
    /// The least that makes sense.
    pub minimum: u64,
    /// The most that a manifest may ask for.
    pub maximum: u64,
}

const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const TIMES: [(&str, u64); 2] = [("s", 1000), ("ms", 1)];

impl Unit {
    fn suffixes(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Bytes => &SIZES,
            Self::Time => &TIMES,
            Self::Count => &[],
        }
    }

    /// How to write one, with an example.
    #[must_use]
    pub fn form(self) -> &'static str {
        match self {
            Self::Bytes => "a size such as \"4 MiB\", \"64 KiB\" or a number of bytes",
            Self::Time => "a time such as \"5 s\" or \"250 ms\"",
            Self::Count => "a whole number",
        }
    }

    /// Whether a bare number will do.
    pub(crate) fn takes_number(self) -> bool {
        !matches!(self, Self::Time)
    }

    /// Reads text such as `4 MiB`. None if it is not of that form or too large for 64 bits.
    pub(crate) fn parse(self, text: &str) -> Option<u64> {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = text[..digits].parse().ok()?;
        let suffix = text[digits..].strip_prefix(' ').unwrap_or(&text[digits..]);
        let (_, factor) = self.suffixes().iter().find(|(name, _)| *name == suffix)?;
        number.checked_mul(*factor)
    }

    /// Writes an amount with its largest unit that divides it.
    #[must_use]
    pub fn print(self, amount: u64) -> String {
        match self.suffixes().iter().find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor)) {
            Some((name, factor)) => format!("{} {name}", amount / factor),
            None => match self.suffixes().last() {
                Some((name, _)) => format!("{amount} {name}"),
                None => amount.to_string(),
            },
        }
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        assert_eq!(Unit::Bytes.parse("4 MiB"), Some(4 << 20));
        assert_eq!(Unit::Bytes.parse("64KiB"), Some(64 << 10));
        assert_eq!(Unit::Bytes.parse("17 B"), Some(17));
        assert_eq!(Unit::Time.parse("5 s"), Some(5000));
        assert_eq!(Unit::Time.parse("250 ms"), Some(250));
        for wrong in
            ["", "4", "MiB", "4 MB", "4  MiB", "-4 MiB", "4.5 MiB", "4 mib", "18446744073709551615 KiB", "٤ MiB"]
        {
            assert_eq!(Unit::Bytes.parse(wrong), None, "{wrong}");
        }
        assert_eq!(Unit::Count.parse("4 s"), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(amount in any::<u64>(), shift in 0..64u32) {
            for unit in [Unit::Bytes, Unit::Time] {
                let amount = amount >> shift;
                prop_assert_eq!(unit.parse(&unit.print(amount)), Some(amount));
            }
        }
    }
}
