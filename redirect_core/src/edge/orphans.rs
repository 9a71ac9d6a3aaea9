//! Visits to codes that no link has: the most asked for, in bounded memory.

use std::collections::{BTreeMap, HashMap};

use ahash::RandomState;

use crate::edge::flights::Name;

/// Codes counted at once; contract.py's `MAX_ORPHANS`.
const MAX_CODES: usize = 1_000;

/// Space-Saving (Metwally, Agrawal, El Abbadi 2005): a code that finds no room takes over the count of the least visited
/// one. So all counts add up to all visits, no code with more than a [`MAX_CODES`]th of them is missed, and none is
/// counted too high by more than that.
pub struct Orphans {
    counts: HashMap<Name, Count, RandomState>,
    /// The same codes, the least visited first; of equals the one that has waited longest.
    ranking: BTreeMap<Count, Name>,
    /// Visits since the last `take`.
    visits: u64,
}

/// How often, and the number of the last visit, which no two codes share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Count {
    visits: u64,
    last: u64,
}

impl Orphans {
    /// Nobody came yet.
    #[must_use]
    pub fn new() -> Self {
        Self { counts: HashMap::default(), ranking: BTreeMap::new(), visits: 0 }
    }

    /// Count a visit.
    pub fn visit(&mut self, name: Name) {
        self.visits += 1;
        let before = self.counts.get(&name).copied().or_else(|| self.make_room());
        let count = Count { visits: before.map_or(0, |count| count.visits) + 1, last: self.visits };
        if let Some(before) = before {
            self.ranking.remove(&before);
        }
        self.ranking.insert(count, name.clone());
        self.counts.insert(name, count);
    }

    /// Hand over what was counted since the last time; the most visited first.
    pub fn take(&mut self) -> Vec<(Name, u64)> {
        let taken = std::mem::replace(self, Self::new());
        taken.ranking.into_iter().rev().map(|(count, name)| (name, count.visits)).collect()
    }

    /// The count that a new code takes over; `None`: there is room.
    fn make_room(&mut self) -> Option<Count> {
        if self.counts.len() < MAX_CODES {
            return None;
        }
        let (count, least) = self.ranking.pop_first()?;
        self.counts.remove(&least);
        Some(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(number: usize) -> Name {
        Name::new(0, number.to_string().as_bytes())
    }

    #[test]
    fn visits_are_counted_by_name_and_handed_over_once() {
        let mut orphans = Orphans::new();
        for number in [1, 2, 2] {
            orphans.visit(name(number));
        }
        orphans.visit(Name::new(1, b"1"));
        assert_eq!(orphans.take(), [(name(2), 2), (Name::new(1, b"1"), 1), (name(1), 1)]);
        assert_eq!(orphans.take(), []);
    }

    #[test]
    fn a_scan_over_many_codes_does_not_hide_what_is_asked_for_often() {
        let mut orphans = Orphans::new();
        for number in 0..50 * MAX_CODES {
            orphans.visit(name(number));
            if number % 100 == 0 {
                orphans.visit(Name::new(0, b"often"));
            }
        }
        let taken = orphans.take();
        assert_eq!((taken.len(), &*taken[0].0.code), (MAX_CODES, &b"often"[..]));
        assert!((500..=500 + 51).contains(&taken[0].1), "{}", taken[0].1);
    }

    proptest! {
        #[test]
        fn counts_add_up_and_are_too_high_by_a_share_at_most(
            visits in prop::collection::vec(0..3 * MAX_CODES, 0..5 * MAX_CODES),
        ) {
            let (mut orphans, mut true_counts) = (Orphans::new(), HashMap::new());
            for &number in &visits {
                orphans.visit(name(number));
                *true_counts.entry(name(number)).or_insert(0) += 1;
            }
            let taken = orphans.take();
            let most_wrong = (visits.len() / MAX_CODES) as u64;
            prop_assert!(taken.len() <= MAX_CODES);
            prop_assert_eq!(taken.iter().map(|(_, count)| count).sum::<u64>(), visits.len() as u64);
            for (name, count) in &taken {
                let really = true_counts.remove(name).unwrap_or(0);
                prop_assert!((really..=really + most_wrong).contains(count));
            }
            prop_assert!(true_counts.values().all(|&missed| missed <= most_wrong));
        }
    }
}
