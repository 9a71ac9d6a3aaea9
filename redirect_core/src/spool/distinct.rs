//! Texts of one batch, each kept once and known by a number from then on.

use std::collections::HashMap;
use std::hash::Hash;

use ahash::RandomState;

/// Values by the order in which they were met first: 0, 1, 2 …
pub struct Distinct<K> {
    indices: HashMap<K, u32, RandomState>,
}

impl<K> Default for Distinct<K> {
    fn default() -> Self {
        Self { indices: HashMap::default() }
    }
}

impl<K: Eq + Hash> Distinct<K> {
    /// Which one it is.
    #[allow(clippy::cast_possible_truncation)] // fewer values than records, fewer records than 2³²
    pub fn index(&mut self, value: K) -> u32 {
        let next = self.indices.len() as u32;
        *self.indices.entry(value).or_insert(next)
    }

    /// All of them, in their order.
    #[must_use]
    pub fn into_values(self) -> Vec<K> {
        let mut values: Vec<_> = self.indices.into_iter().collect();
        values.sort_unstable_by_key(|&(_, index)| index);
        values.into_iter().map(|(value, _)| value).collect()
    }
}

impl Distinct<Box<[u8]>> {
    /// Which one it is: no allocation for a text that is known.
    #[allow(clippy::cast_possible_truncation)] // as above
    pub fn text(&mut self, text: &[u8]) -> u32 {
        if let Some(&index) = self.indices.get(text) {
            return index;
        }
        self.index(text.into())
    }

    /// As `into_values`.
    #[must_use]
    pub fn into_texts(self) -> Vec<Vec<u8>> {
        self.into_values().into_iter().map(Vec::from).collect()
    }
}
