//! Clicks counted in memory while no segment can be had.

use std::collections::HashMap;
use std::collections::hash_map::IntoIter;
use std::iter::Peekable;

use ahash::RandomState;

/// Distinct counts kept at most: about 100 MB.
pub const MAX_KEYS: usize = 1_000_000;
/// Milliseconds of an hour.
pub const HOUR_MS: u64 = 3_600_000;

/// Distinct user agents kept at most: 2 MB. Their owners choose them, so they are bounded apart from the counts.
const MAX_USER_AGENTS: usize = 4_096;

const HOUR_BYTES: usize = 8;
const FLAGS_AT: usize = 8;
const USER_AGENT_AT: usize = 9;
const DOMAIN_LENGTH_AT: usize = 11;
const DOMAIN_AT: usize = 12;

/// What a count is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VolatileKey<'a> {
    /// The hour's start, in ms since the Unix epoch.
    pub hour_ms: u64,
    /// The clicks' flags.
    pub flags: u8,
    /// Who said it was: it decides on the clicks' class. Empty: none, or one too many.
    pub user_agent: &'a [u8],
    /// At most 255 bytes.
    pub domain: &'a [u8],
    /// The code's text.
    pub code: &'a [u8],
}

/// Counts by domain, code, hour, flags and user agent; bounded.
pub struct Volatile {
    counts: HashMap<Box<[u8]>, u32, RandomState>,
    /// Counts on their way back to a segment: an iterator, so that no map of a million is walked at once.
    returning: Peekable<IntoIter<Box<[u8]>, u32>>,
    user_agents: UserAgents,
    /// All clicks in both.
    clicks: u64,
    max_keys: usize,
    /// Reused for every look-up.
    key: Vec<u8>,
}

impl Volatile {
    /// No clicks; at most `max_keys` distinct counts.
    #[must_use]
    pub fn new(max_keys: usize) -> Self {
        Self {
            counts: HashMap::default(),
            returning: HashMap::new().into_iter().peekable(),
            user_agents: UserAgents::default(),
            clicks: 0,
            max_keys,
            key: Vec::new(),
        }
    }

    /// Clicks held.
    #[must_use]
    pub fn clicks(&self) -> u64 {
        self.clicks
    }

    /// Count one click. False: it is a new key, and there are too many (or 2³² - 1 of this one).
    #[must_use]
    pub fn add(&mut self, key: &VolatileKey<'_>) -> bool {
        encode_key(&mut self.key, key, self.user_agents.number(key.user_agent));
        if let Some(count) = self.counts.get_mut(&self.key[..]) {
            let Some(more) = count.checked_add(1) else {
                return false;
            };
            *count = more;
        } else if self.counts.len() + self.returning.len() < self.max_keys {
            self.counts.insert(self.key.clone().into_boxed_slice(), 1);
        } else {
            return false;
        }
        self.clicks += 1;
        true
    }

    /// Give up to `most` counts to `write`, until it says false; a count that was written is forgotten.
    pub fn give_back(&mut self, most: usize, mut write: impl FnMut(&VolatileKey<'_>, u32) -> bool) {
        for _ in 0..most {
            if self.returning.peek().is_none() {
                self.returning = std::mem::take(&mut self.counts).into_iter().peekable();
            }
            let Some((key, count)) = self.returning.peek() else {
                self.user_agents = UserAgents::default();
                return;
            };
            if !write(&decode_key(key, &self.user_agents), *count) {
                return;
            }
            self.clicks -= u64::from(*count);
            self.returning.next();
        }
    }
}

/// User agents by number; 0 is the empty one.
#[derive(Default)]
struct UserAgents {
    numbers: HashMap<Box<[u8]>, u16, RandomState>,
    texts: Vec<Box<[u8]>>,
}

impl UserAgents {
    fn number(&mut self, text: &[u8]) -> u16 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        if text.is_empty() || self.texts.len() >= MAX_USER_AGENTS {
            return 0;
        }
        self.texts.push(text.into());
        let number = u16::try_from(self.texts.len()).unwrap_or(0);
        self.numbers.insert(text.into(), number);
        number
    }

    fn text(&self, number: u16) -> &[u8] {
        usize::from(number).checked_sub(1).and_then(|index| self.texts.get(index)).map_or(&[], |text| text)
    }
}

#[allow(clippy::cast_possible_truncation)] // a domain has at most 255 bytes
fn encode_key(out: &mut Vec<u8>, key: &VolatileKey<'_>, user_agent: u16) {
    out.clear();
    out.extend_from_slice(&key.hour_ms.to_le_bytes());
    out.push(key.flags);
    out.extend_from_slice(&user_agent.to_le_bytes());
    out.push(key.domain.len() as u8);
    out.extend_from_slice(key.domain);
    out.extend_from_slice(key.code);
}

fn decode_key<'a>(key: &'a [u8], user_agents: &'a UserAgents) -> VolatileKey<'a> {
    let mut hour = [0; HOUR_BYTES];
    hour.copy_from_slice(&key[..HOUR_BYTES]);
    let code_at = DOMAIN_AT + usize::from(key[DOMAIN_LENGTH_AT]);
    VolatileKey {
        hour_ms: u64::from_le_bytes(hour),
        flags: key[FLAGS_AT],
        user_agent: user_agents.text(u16::from_le_bytes([key[USER_AGENT_AT], key[USER_AGENT_AT + 1]])),
        domain: &key[DOMAIN_AT..code_at],
        code: &key[code_at..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: &[u8]) -> VolatileKey<'_> {
        VolatileKey { hour_ms: HOUR_MS, flags: 1, user_agent: b"Firefox", domain: b"go.example", code }
    }

    #[test]
    fn what_was_counted_is_given_back_once() {
        let mut volatile = Volatile::new(10);
        assert!(volatile.add(&key(b"a")) && volatile.add(&key(b"a")) && volatile.add(&key(b"b")));
        let mut given = Vec::new();
        volatile.give_back(usize::MAX, |key, count| {
            assert_eq!((key.hour_ms, key.flags, key.domain), (HOUR_MS, 1, &b"go.example"[..]));
            assert_eq!(key.user_agent, b"Firefox");
            given.push((key.code.to_vec(), count));
            true
        });
        given.sort();
        assert_eq!(given, [(b"a".to_vec(), 2), (b"b".to_vec(), 1)]);
        assert_eq!(volatile.clicks(), 0);
    }

    #[test]
    fn what_could_not_be_written_stays() {
        let mut volatile = Volatile::new(10);
        assert!(volatile.add(&key(b"a")) && volatile.add(&key(b"b")));
        let mut room = 1;
        volatile.give_back(usize::MAX, |_, _| std::mem::replace(&mut room, 0) == 1);
        assert_eq!(volatile.clicks(), 1);
        assert!(volatile.add(&key(b"c")));
        let mut given = 0;
        volatile.give_back(1, |_, count| {
            given += count;
            true
        });
        assert_eq!((given, volatile.clicks()), (1, 1));
        volatile.give_back(1, |_, _| true);
        assert_eq!(volatile.clicks(), 0);
    }

    #[test]
    fn past_their_bound_new_user_agents_are_counted_as_unknown() {
        let mut volatile = Volatile::new(usize::MAX);
        let texts: Vec<_> = (0..=MAX_USER_AGENTS).map(|number| number.to_string()).collect();
        for text in &texts {
            assert!(volatile.add(&VolatileKey { user_agent: text.as_bytes(), ..key(b"a") }));
        }
        let mut unknown = 0;
        volatile.give_back(usize::MAX, |key, clicks| {
            unknown += u32::from(key.user_agent.is_empty()) * clicks;
            true
        });
        assert_eq!((unknown, volatile.clicks()), (1, 0));
    }

    #[test]
    fn past_the_bound_only_known_keys_are_counted() {
        let mut volatile = Volatile::new(1);
        assert!(volatile.add(&key(b"a")));
        assert!(!volatile.add(&key(b"b")));
        assert!(volatile.add(&key(b"a")));
        assert_eq!(volatile.clicks(), 2);
    }
}
