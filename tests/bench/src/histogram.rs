//! A histogram of latencies with bounded memory and bounded error: each power of two is cut into 128 equal slots, so
//! that a value is never off by more than 1/128, whether it is a microsecond or a minute.

use std::time::Duration;

const SLOT_BITS: u32 = 7;
const SLOTS: usize = 1 << SLOT_BITS;
/// One row for the values below 128 ns, which are exact, and one for each higher power of two.
const ROWS: usize = (u64::BITS - SLOT_BITS) as usize + 1;

/// Counts of latencies.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; ROWS * SLOTS], total: 0, longest: 0 }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[slot(nanos)] += 1;
        self.total += 1;
        self.longest = self.longest.max(nanos);
    }

    /// How many latencies were recorded.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest)
    }

    /// The smallest recorded latency that at least `share` (0 to 1) of all are not above; zero of an empty histogram.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        for (slot, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(middle(slot).min(self.longest));
            }
        }
        Duration::ZERO
    }
}

fn slot(nanos: u64) -> usize {
    if nanos < SLOTS as u64 {
        return nanos as usize;
    }
    // The leading one is dropped: it is what the row says.
    let shift = u64::BITS - SLOT_BITS - 1 - nanos.leading_zeros();
    let within = (nanos >> shift) as usize - SLOTS;
    (shift as usize + 1) * SLOTS + within
}

fn middle(slot: usize) -> u64 {
    if slot < SLOTS {
        return slot as u64;
    }
    let (shift, within) = (slot / SLOTS - 1, slot % SLOTS);
    let lowest = ((SLOTS + within) as u64) << shift;
    lowest + ((1_u64 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_of_value_comes_back_within_one_in_128() {
        for bits in 0..64 {
            for nanos in [1_u64 << bits, (1 << bits) + (1 << bits) / 3, (1 << bits) - 1 + (1 << bits)] {
                let back = middle(slot(nanos));
                assert!(back.abs_diff(nanos) <= nanos / 128, "{nanos} came back as {back}");
            }
        }
    }

    #[test]
    fn slots_grow_with_their_values_and_stay_inside() {
        let slots: Vec<_> = (0..64).map(|bits| slot(1 << bits)).collect();
        assert!(slots.is_sorted_by(|a, b| a < b));
        assert_eq!(slot(127), 127);
        assert_eq!(slot(128), 128);
        assert_eq!(slot(u64::MAX), ROWS * SLOTS - 1);
    }

    #[test]
    fn quantiles_of_a_hundred_known_values_are_theirs() {
        let mut histogram = Histogram::new();
        for micros in (1..=100).rev() {
            histogram.record(Duration::from_micros(micros));
        }
        for (share, micros) in [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = histogram.quantile(share).as_secs_f64() * 1e6;
            assert!((found - micros).abs() <= micros / 128.0, "{share}: {found} instead of {micros}");
        }
        assert_eq!((histogram.total(), histogram.longest()), (100, Duration::from_micros(100)));
    }

    #[test]
    fn one_outlier_shows_in_the_last_percent_only() {
        let mut histogram = Histogram::new();
        for _ in 0..99 {
            histogram.record(Duration::from_nanos(100));
        }
        histogram.record(Duration::from_secs(3));
        assert_eq!(histogram.quantile(0.99), Duration::from_nanos(100));
        assert_eq!(histogram.longest(), Duration::from_secs(3));
    }

    #[test]
    fn an_empty_histogram_answers_zero() {
        assert_eq!(Histogram::new().quantile(0.5), Duration::ZERO);
    }
}
