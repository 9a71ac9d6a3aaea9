//! The command line: `--port 8080 --rate 100000 …`, each option once with a value.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

/// Load at a fixed rate.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// On loopback.
    pub port: u16,
    /// Requests a second, warm-up included.
    pub rate: u64,
    /// How long latencies are recorded.
    pub seconds: u64,
    /// How long they are not yet.
    pub warm_up_seconds: u64,
    /// Kept alive, with at most one request in flight each.
    pub connections: usize,
    /// What each right reply, a 302, measures.
    pub reply_bytes: usize,
    /// Raw requests with NUL between them, sent in turn.
    pub requests: PathBuf,
    /// Raw requests of which none is sent twice.
    pub misses: Option<Misses>,
    /// Connections that send their head a byte a second.
    pub slow_heads: usize,
    /// Sleep while there is nothing to do.
    pub sleeps: bool,
}

/// Requests mixed in among the others.
#[derive(Debug, PartialEq, Eq)]
pub struct Misses {
    /// Raw requests with NUL between them.
    pub requests: PathBuf,
    /// Every n-th request is one of these.
    pub every: u64,
}

/// Read the words after the program's name; the error says which one can't be used.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Run, String> {
    let mut options = Options::read(words.into_iter())?;
    let run = options.run()?;
    options.must_be_used_up()?;
    Ok(run)
}

struct Options(HashMap<String, String>);

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = HashMap::new();
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} has no value"))?;
            if options.insert(name.clone(), value).is_some() {
                return Err(format!("{name} is given twice"));
            }
        }
        Ok(Self(options))
    }

    fn run(&mut self) -> Result<Run, String> {
        Ok(Run {
            port: self.take("--port")?,
            rate: self.positive("--rate")?,
            seconds: self.positive("--seconds")?,
            warm_up_seconds: self.take("--warm-up-seconds")?,
            connections: self.take("--connections")?,
            reply_bytes: self.take("--reply-bytes")?,
            requests: self.take("--requests")?,
            misses: self.misses()?,
            slow_heads: self.maybe("--slow-heads")?.unwrap_or(0),
            sleeps: self.maybe("--sleeps")?.unwrap_or(false),
        })
    }

    fn misses(&mut self) -> Result<Option<Misses>, String> {
        match self.maybe("--misses")? {
            Some(requests) => Ok(Some(Misses { requests, every: self.positive("--miss-every")? })),
            None => Ok(None),
        }
    }

    fn positive(&mut self, name: &str) -> Result<u64, String> {
        match self.take(name)? {
            0 => Err(format!("{name} must be 1 or more")),
            number => Ok(number),
        }
    }

    fn take<T: FromStr>(&mut self, name: &str) -> Result<T, String> {
        self.maybe(name)?.ok_or_else(|| format!("{name} is missing"))
    }

    fn maybe<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(text) = self.0.remove(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| format!("{name} can't be {text:?}"))
    }

    fn must_be_used_up(&self) -> Result<(), String> {
        match self.0.keys().next() {
            Some(name) => Err(format!("{name} is no option here")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "--port 8080 --rate 100000 --seconds 3 --warm-up-seconds 1 --connections 64 \
                       --reply-bytes 318 --requests popular";

    fn parsed(line: &str) -> Result<Run, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn a_run_without_misses_and_slow_heads_is_plain() {
        let run = parsed(RUN).unwrap();
        assert_eq!((run.rate, run.connections, run.slow_heads), (100_000, 64, 0));
        assert_eq!(run.misses, None);
        assert!(!run.sleeps);
    }

    #[test]
    fn it_sleeps_when_told_to() {
        assert!(parsed(&format!("{RUN} --sleeps true")).unwrap().sleeps);
    }

    #[test]
    fn misses_come_with_how_often() {
        let run = parsed(&format!("{RUN} --misses cold --miss-every 10")).unwrap();
        assert_eq!(run.misses, Some(Misses { requests: "cold".into(), every: 10 }));
        assert_eq!(parsed(&format!("{RUN} --misses cold")), Err("--miss-every is missing".into()));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(parsed("--port"), Err("--port has no value".into()));
        assert_eq!(parsed("--port 80 --port 80"), Err("--port is given twice".into()));
        assert_eq!(parsed("--port 99999"), Err("--port can't be \"99999\"".into()));
        assert_eq!(parsed(&format!("{RUN} --color red")), Err("--color is no option here".into()));
        assert_eq!(parsed(&RUN.replace("100000", "0")), Err("--rate must be 1 or more".into()));
    }
}
