//! What a run came to, as one line of JSON; times are nanoseconds.

use std::fmt::{self, Write};

use hdrhistogram::Histogram;

use crate::requests::Tag;

const LONGEST_NS: u64 = 60_000_000_000;

/// Everything counted. Errors and wrong replies of the warm-up count too.
#[derive(Debug)]
pub struct Report {
    /// From the intended moment to the whole reply.
    hits: Histogram<u64>,
    misses: Histogram<u64>,
    /// From the intended moment until it was noticed: how late the load itself was.
    pub lag: Histogram<u64>,
    /// Replies that came in the recorded time, whenever asked for.
    pub replies: u64,
    /// Requests, recorded or not, that had no reply when the run was given up.
    pub unanswered: u64,
    /// Connections that ended, or sent no HTTP.
    pub errors: u64,
    /// Replies of another status or size than asked for.
    pub wrong: u64,
    /// Slow heads that the server closed.
    pub slow_replaced: u64,
    /// Time in turns that had something to send or to read.
    pub busy_ns: u64,
    /// The whole run.
    pub elapsed_ns: u64,
    /// CPU time of the whole run.
    pub cpu_ns: u64,
}

impl Report {
    /// Nothing counted.
    pub fn new() -> Self {
        Self {
            hits: empty(),
            misses: empty(),
            lag: empty(),
            replies: 0,
            unanswered: 0,
            errors: 0,
            wrong: 0,
            slow_replaced: 0,
            busy_ns: 0,
            elapsed_ns: 0,
            cpu_ns: 0,
        }
    }

    /// Latencies of one kind of request.
    pub fn latencies(&mut self, tag: Tag) -> &mut Histogram<u64> {
        match tag {
            Tag::Hit => &mut self.hits,
            Tag::Miss => &mut self.misses,
        }
    }

    /// One line.
    pub fn to_json(&self) -> String {
        let mut text = String::from("{");
        for (name, number) in [
            ("replies", self.replies),
            ("unanswered", self.unanswered),
            ("errors", self.errors),
            ("wrong", self.wrong),
            ("slow_replaced", self.slow_replaced),
            ("busy_ns", self.busy_ns),
            ("elapsed_ns", self.elapsed_ns),
            ("cpu_ns", self.cpu_ns),
        ] {
            write!(text, "\"{name}\":{number},").expect("a string takes everything");
        }
        let [hits, misses, lag] = [&self.hits, &self.misses, &self.lag].map(Distribution);
        write!(text, "\"hits\":{hits},\"misses\":{misses},\"lag\":{lag}}}").expect("a string takes everything");
        text
    }
}

/// Three significant digits.
fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("bounds that make sense")
}

struct Distribution<'a>(&'a Histogram<u64>);

impl fmt::Display for Distribution<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{{\"count\":{}", self.0.len())?;
        for (name, percentile) in [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p999", 99.9), ("max", 100.0)] {
            write!(out, ",\"{name}_ns\":{}", self.0.value_at_percentile(percentile))?;
        }
        out.write_char('}')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_stand_in_the_line_by_tag() {
        let mut report = Report::new();
        report.latencies(Tag::Hit).saturating_record(500);
        report.latencies(Tag::Miss).saturating_record(2_000);
        report.replies = 2;
        let json = report.to_json();
        assert!(json.starts_with("{\"replies\":2,\"unanswered\":0,\"errors\":0,"), "{json}");
        let hits = "\"hits\":{\"count\":1,\"p50_ns\":500,\"p90_ns\":500,\"p99_ns\":500,\"p999_ns\":500,\"max_ns\":500}";
        assert!(json.contains(hits), "{json}");
        assert!(json.contains("\"misses\":{\"count\":1,\"p50_ns\":2"), "{json}");
    }
}
