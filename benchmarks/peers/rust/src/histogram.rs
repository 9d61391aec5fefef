//! The buckets of ../../../src/histogram.ts: 2 % wide, from a microsecond up to minutes.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub struct Histogram([AtomicU64; 1024]);

impl Histogram {
    pub fn new() -> Self {
        Histogram(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    pub fn record(&self, latency: Duration) {
        let bucket = ((latency.as_secs_f64() * 1e6).max(1.0).ln() / 1.02f64.ln()) as usize;
        self.0[bucket.min(self.0.len() - 1)].fetch_add(1, Ordering::Relaxed);
    }

    pub fn sparse(&self) -> Vec<(usize, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed)).enumerate();
        counts.filter(|(_, count)| *count > 0).collect()
    }
}
