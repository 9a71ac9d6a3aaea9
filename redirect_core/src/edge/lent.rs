//! Copies of cached links for replies that must wait: one of each, however many replies need it.
//!
//! So all that replies hold back is together not much larger than the cache, whatever clients ask for behind a miss.

use std::collections::HashMap;
use std::rc::{Rc, Weak};

use ahash::RandomState;

use crate::cache::Entry;
use crate::edge::flights::Name;

/// Copies by name, for as long as a reply needs them.
#[derive(Default)]
pub struct Lent {
    copies: HashMap<Name, Weak<[u8]>, RandomState>,
}

impl Lent {
    /// The copy of this entry.
    pub fn copy_of(&mut self, name: &Name, entry: Entry<'_>) -> Rc<[u8]> {
        let known = self.copies.get(name).and_then(Weak::upgrade);
        if let Some(copy) = known.filter(|copy| Entry(copy).version() == entry.version()) {
            return copy;
        }
        let copy: Rc<[u8]> = entry.0.into();
        self.copies.insert(name.clone(), Rc::downgrade(&copy));
        copy
    }

    /// Forget those that nobody needs any more; about once a second.
    pub fn tidy(&mut self) {
        if !self.copies.is_empty() {
            self.copies.retain(|_, copy| copy.strong_count() > 0);
            self.copies.shrink_to(2 * self.copies.len());
        }
    }
}
