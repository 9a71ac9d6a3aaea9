//! When each request is meant to be sent: at a constant rate, whatever the server does.

const SECOND_NS: u64 = 1_000_000_000;

/// Equally spaced moments, counted from 0; times are nanoseconds since the start.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    rate: u64,
}

impl Schedule {
    /// `rate` moments a second, at least 1.
    pub fn new(rate: u64) -> Self {
        Self { rate }
    }

    /// When the moment with this number is, rounded down each on its own: errors don't add up.
    pub fn intended_ns(self, number: u64) -> u64 {
        number * SECOND_NS / self.rate // 64 bits last for 18 billion requests
    }

    /// How many moments have come by now; the first one has at 0.
    pub fn due(self, now_ns: u64) -> u64 {
        ((now_ns + 1) * self.rate).div_ceil(SECOND_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_due_at_once_and_the_next_an_interval_later() {
        let schedule = Schedule::new(1_000);
        assert_eq!(schedule.due(0), 1);
        assert_eq!(schedule.due(999_999), 1);
        assert_eq!(schedule.due(1_000_000), 2);
    }

    #[test]
    fn each_is_due_exactly_when_it_is_intended() {
        for rate in [1, 3, 7, 997, 110_000, 150_001] {
            let schedule = Schedule::new(rate);
            for number in (0..1_000).chain(5 * rate..5 * rate + 1_000) {
                let at = schedule.intended_ns(number);
                assert_eq!(schedule.due(at), number + 1, "{rate}/s");
                assert!(at == 0 || schedule.due(at - 1) <= number, "{rate}/s");
            }
        }
    }

    #[test]
    fn a_second_holds_as_many_as_the_rate_says_for_hours() {
        let schedule = Schedule::new(110_003);
        assert_eq!(schedule.intended_ns(110_003 * 36_000), 36_000 * SECOND_NS);
    }
}
