//! What is sent: requests in turn, and among them, every so often, one that was never sent before.

use std::fs;
use std::io;
use std::path::Path;

use crate::arguments::Run;

/// Which latencies a request's belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// One of those sent in turn.
    Hit,
    /// One of those sent once.
    Miss,
}

/// The order of all requests of a run.
#[derive(Debug)]
pub struct Mix {
    hits: Vec<Vec<u8>>,
    misses: Vec<Vec<u8>>,
    /// 0: there are no misses.
    miss_every: u64,
}

impl Mix {
    /// Read the files that a run names, which must do for `total` requests.
    pub fn read(run: &Run, total: u64) -> io::Result<Self> {
        let hits = read(&run.requests)?;
        match &run.misses {
            None => Self::new(hits, Vec::new(), 0, total),
            Some(misses) => Self::new(hits, read(&misses.requests)?, misses.every, total),
        }
    }

    fn new(hits: Vec<Vec<u8>>, misses: Vec<Vec<u8>>, miss_every: u64, total: u64) -> io::Result<Self> {
        if miss_every > 0 && (misses.len() as u64) < total / miss_every {
            let text = format!("{} misses are too few for {total} requests", misses.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(Self { hits, misses, miss_every })
    }

    /// The request with this number, from 0.
    pub fn request(&self, number: u64) -> (Tag, &[u8]) {
        let before = number.checked_div(self.miss_every).unwrap_or(0);
        let is_miss = self.miss_every > 0 && number % self.miss_every == self.miss_every - 1;
        let (tag, list, place) =
            if is_miss { (Tag::Miss, &self.misses, before) } else { (Tag::Hit, &self.hits, number - before) };
        (tag, &list[usize::try_from(place % list.len() as u64).expect("an index")])
    }
}

/// The requests of a file, NUL between them; at least one.
fn read(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let requests: Vec<Vec<u8>> =
        fs::read(path)?.split(|byte| *byte == 0).filter(|request| !request.is_empty()).map(Vec::from).collect();
    if requests.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} holds no request", path.display())));
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(words: &str) -> Vec<Vec<u8>> {
        words.split(' ').map(Vec::from).collect()
    }

    fn sent(mix: &Mix, total: u64) -> String {
        (0..total).map(|number| String::from_utf8_lossy(mix.request(number).1).into_owned()).collect()
    }

    #[test]
    fn requests_are_sent_in_turn() {
        let mix = Mix::new(some("a b c"), Vec::new(), 0, 7).unwrap();
        assert_eq!(sent(&mix, 7), "abcabca");
    }

    #[test]
    fn every_third_is_a_miss_and_none_is_sent_twice() {
        let mix = Mix::new(some("a b c"), some("X Y Z"), 3, 11).unwrap();
        assert_eq!(sent(&mix, 11), "abXcaYbcZab");
        assert_eq!(mix.request(2).0, Tag::Miss);
        assert_eq!(mix.request(3).0, Tag::Hit);
    }

    #[test]
    fn too_few_misses_are_refused_before_anything_is_sent() {
        assert!(Mix::new(some("a"), some("X Y"), 10, 30).is_err());
        assert!(Mix::new(some("a"), some("X Y Z"), 10, 39).is_ok());
    }
}
