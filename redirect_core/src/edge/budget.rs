//! How many unknown codes one network may ask for: a token bucket each, in bounded memory.

use lru::LruCache;

use crate::http::Network;

/// Past it the network unheard of for longest starts afresh.
const MAX_NETWORKS: usize = 65_536;

/// Tokens of networks. A full bucket holds one minute's worth.
///
/// A code that must be looked up takes a token, and gives it back if it turns out to be known.
pub struct UnknownBudget {
    per_minute: f64,
    /// Tokens, and when (s, monotonic) there were so many.
    buckets: LruCache<Network, (f64, f64), ahash::RandomState>,
}

impl UnknownBudget {
    /// `per_minute` 0: no limit.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute), buckets: LruCache::unbounded_with_hasher(ahash::RandomState::new()) }
    }

    /// Take a token at `now` (s, monotonic). `None`: taken; else seconds until there is one.
    pub fn take(&mut self, network: Option<Network>, now: f64) -> Option<u32> {
        let network = self.limited(network)?;
        let tokens = self.tokens(network, now);
        if tokens < 1.0 {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most a minute
            return Some(((1.0 - tokens) * 60.0 / self.per_minute).ceil() as u32);
        }
        self.note(network, tokens - 1.0, now);
        None
    }

    /// The code that a token was taken for is a known one, or nobody knows.
    pub fn give_back(&mut self, network: Option<Network>, now: f64) {
        if let Some(network) = self.limited(network) {
            let tokens = (self.tokens(network, now) + 1.0).min(self.per_minute);
            self.note(network, tokens, now);
        }
    }

    fn note(&mut self, network: Network, tokens: f64, now: f64) {
        self.buckets.put(network, (tokens, now));
        if self.buckets.len() > MAX_NETWORKS {
            self.buckets.pop_lru();
        }
    }

    /// An unknown client has no limit.
    fn limited(&self, network: Option<Network>) -> Option<Network> {
        network.filter(|_| self.per_minute > 0.0)
    }

    fn tokens(&mut self, network: Network, now: f64) -> f64 {
        let (tokens, since) = self.buckets.get(&network).copied().unwrap_or((self.per_minute, now));
        (tokens + (now - since) * self.per_minute / 60.0).min(self.per_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::unnecessary_wraps)] // as the budget takes it
    fn network(number: u32) -> Option<Network> {
        Some(Network::of(std::net::Ipv4Addr::from_bits(number << 8).into()))
    }

    #[test]
    fn tokens_come_back_with_time() {
        let mut budget = UnknownBudget::new(2);
        assert_eq!([budget.take(network(1), 0.0), budget.take(network(1), 0.0)], [None, None]);
        assert_eq!(budget.take(network(1), 15.0), Some(15));
        assert_eq!(budget.take(network(2), 15.0), None);
        assert_eq!(budget.take(network(1), 30.0), None);
    }

    #[test]
    fn a_token_given_back_is_one_again() {
        let mut budget = UnknownBudget::new(1);
        assert_eq!(budget.take(network(1), 0.0), None);
        budget.give_back(network(1), 0.0);
        assert_eq!(budget.take(network(1), 0.0), None);
        assert!(budget.take(network(1), 0.0).is_some());
        assert_eq!(budget.take(None, 0.0), None);
    }

    #[test]
    fn networks_are_bounded() {
        let mut budget = UnknownBudget::new(1);
        for number in 0..70_000 {
            assert_eq!(budget.take(network(number), 0.0), None);
        }
        assert_eq!(budget.buckets.len(), MAX_NETWORKS);
    }
}
