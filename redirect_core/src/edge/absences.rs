//! Codes that no store has: remembered for a moment, apart from the cache, so that a scan can't push links out.

use std::collections::HashMap;

use ahash::RandomState;

use crate::edge::flights::Name;

/// Codes remembered at most; contract.py's `MAX_ABSENT`.
const MAX_ABSENT: usize = 100_000;

/// Absent names, and until when (ns, monotonic) they count as that.
#[derive(Default)]
pub struct Absences {
    until: HashMap<Name, u64, RandomState>,
}

impl Absences {
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// True if `name` is known to be absent at `now_ns`.
    pub fn has(&self, name: &Name, now_ns: u64) -> bool {
        self.until.get(name).is_some_and(|&until| now_ns < until)
    }

    /// Remember an absence. When there are too many already, it isn't: that only costs another look.
    pub fn add(&mut self, name: Name, until_ns: u64) {
        if self.until.len() < MAX_ABSENT || self.until.contains_key(&name) {
            self.until.insert(name, until_ns);
        }
    }

    /// It is there, or may be.
    pub fn remove(&mut self, name: &Name) {
        self.until.remove(name);
    }

    /// Forget all.
    pub fn clear(&mut self) {
        self.until = HashMap::default();
    }

    /// Forget those whose time is over.
    pub fn expire(&mut self, now_ns: u64) {
        if !self.until.is_empty() {
            self.until.retain(|_, until| now_ns < *until);
            self.until.shrink_to(2 * self.until.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_lasts_for_its_time() {
        let mut absences = Absences::default();
        let name = Name::new(0, b"nowhere");
        absences.add(name.clone(), 10);
        assert!(absences.has(&name, 9) && !absences.has(&name, 10));
        absences.expire(10);
        assert_eq!(absences.len(), 0);
    }

    #[test]
    fn their_number_is_bounded() {
        let mut absences = Absences::default();
        for number in 0..=MAX_ABSENT {
            absences.add(Name::new(0, number.to_string().as_bytes()), 10);
        }
        assert_eq!(absences.len(), MAX_ABSENT);
        absences.expire(10);
        assert!(absences.until.capacity() < 100);
    }
}
