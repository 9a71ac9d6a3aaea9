//! An engine with some links, one connection to it, and the rules that hold after every step.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use redirect_core::cache::{Limits, NewEntry};
use redirect_core::edge::{
    Answered, Attention, ConnectionKey, Counters, Discretion, Engine, Found, Key, Layout, Now, Settings, State, Tier,
};
use redirect_core::http::DEFAULT_CACHE_CONTROL;
use redirect_core::spool::SpoolWriter;

use crate::replies;
use crate::script::{Script, Step};
use crate::spool::{clicks, spool};

const START: Now = Now { monotonic_ns: 7_200_000_000_000, unix_ms: 1_700_000_000_000 };
const NS_A_MS: u64 = 1_000_000;
/// contract.py's.
const MAX_PENDING_REPLIES: usize = 128;
const DOMAIN: &str = "links.example";
const PROXIES: [&str; 2] = ["198.51.100.0/24", "2001:db8::/32"];
const PEERS: [Option<&str>; 4] = [Some("203.0.113.9"), Some("198.51.100.1"), Some("2001:db8::1"), None];
/// Links that there may be; the first ones are there from the start.
const KEYS: [Key<'_>; 8] = [
    Key { domain: "", code: "known01" },
    Key { domain: DOMAIN, code: "known01" },
    Key { domain: "", code: "query01" },
    Key { domain: "", code: "late002" },
    Key { domain: "", code: "off0001" },
    Key { domain: "", code: "long001" },
    Key { domain: "", code: "missing" },
    Key { domain: DOMAIN, code: "a-b_c" },
];
const KNOWN: u8 = 6;

/// See this file's first line.
pub struct Node {
    engine: Engine,
    connection: ConnectionKey,
    clock: Rc<Cell<Now>>,
    spool: Arc<SpoolWriter>,
    /// Clicks before the first step.
    clicks_before: u64,
    /// Taken by the resolver.
    asked: Vec<(String, String)>,
    /// All replies so far.
    received: Vec<u8>,
    /// A head that took too long was answered.
    timed_out: bool,
    /// The counters; the engine has their address.
    _page: Vec<u64>,
}

impl Node {
    /// A node as the script wants it, with a client connected.
    pub fn new(script: &Script<'_>) -> Self {
        let clock = Rc::new(Cell::new(START));
        let (layout, words) = Layout::alone(&[10, 100, 1_000]);
        let mut page = vec![0_u64; words];
        // SAFETY: the page is neither moved nor freed before the engine, and nothing else writes it.
        let counters = unsafe { Counters::new(page.as_mut_ptr(), words, layout) }.expect("a page that is long enough");
        let (spool, read_clock) = (spool(), Rc::clone(&clock));
        let engine = Engine::new(settings(script), Box::new(move || read_clock.get()), counters, Arc::clone(&spool));
        let mut engine = engine.expect("an engine");
        let connection = engine.connect(PEERS[script.peer % PEERS.len()]);
        let clicks_before = clicks(&spool);
        let (asked, received) = (Vec::new(), Vec::new());
        let mut node =
            Self { engine, connection, clock, spool, clicks_before, asked, received, timed_out: false, _page: page };
        (0..KNOWN).for_each(|which| node.put(KEYS[usize::from(which)], which));
        node
    }

    /// Do one thing, and all that it flags; `data`: what was read.
    pub fn step(&mut self, step: Step, data: &[u8]) {
        let before = self.state();
        match step {
            Step::Read(_) => self.call(|engine, key| engine.feed(key, data)),
            Step::Pause => return self.engine.pause(self.connection),
            Step::Resume => self.call(Engine::resume),
            Step::Eof => self.call(Engine::eof),
            Step::Timeout => {
                self.timed_out |= before.partial;
                self.call(Engine::timeout);
            }
            Step::Take => self.take(),
            Step::Answer(kind) => self.answer(kind),
            Step::Put(which) => self.put(KEYS[usize::from(which) % KEYS.len()], which / 16),
            Step::Announce(which) => {
                self.engine.announce(KEYS[usize::from(which) % KEYS.len()], u64::from(which / 16) * 50);
            }
            Step::ForgetAll => self.engine.forget_all(),
            Step::Tick => self.engine.tick(),
            Step::Advance(ms) => self.advance(ms),
            Step::Drain { all: true } => self.engine.drain(),
            Step::Drain { all: false } => self.engine.drain_one(self.connection),
        }
        self.resume_while_flagged();
    }

    /// Everything that is missing is found to be absent, the client half-closes, and nothing is left to do: all replies.
    pub fn finish(mut self) -> Vec<u8> {
        self.call(Engine::resume); // it may have been paused
        self.resume_while_flagged();
        self.call(Engine::eof);
        self.resume_while_flagged();
        while self.state().pending > 0 {
            let pending = self.progress();
            self.engine.tick();
            self.answer(ABSENT);
            self.call(Engine::resume);
            self.resume_while_flagged();
            assert_ne!(pending, self.progress(), "a reply is owed that nothing brings");
        }
        assert_ne!(self.state().attention & Attention::CLOSE, 0, "it would stay open");
        self.check();
        self.engine.lost(self.connection);
        self.received
    }

    fn call(&mut self, call: impl FnOnce(&mut Engine, ConnectionKey) -> &[u8]) {
        let was_closed = self.state().attention & Attention::CLOSE != 0;
        let replies = call(&mut self.engine, self.connection);
        assert!(!was_closed || replies.is_empty(), "a reply after the last");
        self.received.extend_from_slice(replies);
        assert!(self.state().pending <= MAX_PENDING_REPLIES);
    }

    fn resume_while_flagged(&mut self) {
        while self.state().attention & Attention::RESUME != 0 {
            let before = self.progress();
            self.call(Engine::resume);
            assert_ne!(before, self.progress(), "flagged for nothing");
        }
    }

    fn progress(&self) -> (usize, u64, u8, bool, usize) {
        let State { attention, requests, partial, pending } = self.state();
        (self.received.len(), requests, attention, partial, pending)
    }

    /// The replies are well-formed, one a request, and each redirect is a click.
    fn check(&self) {
        let replies = replies::parse(&self.received);
        assert_eq!(replies.len() as u64, self.state().requests + u64::from(self.timed_out));
        assert!(replies.iter().rev().skip(1).all(|reply| !reply.closes), "a reply after the one that closes");
        let redirects = replies.iter().filter(|reply| reply.is_redirect()).count() as u64;
        assert_eq!(clicks(&self.spool) - self.clicks_before, redirects);
    }

    fn state(&self) -> State {
        self.engine.state(self.connection)
    }

    fn advance(&mut self, ms: u64) {
        let now = self.clock.get();
        self.clock.set(Now { monotonic_ns: now.monotonic_ns + ms * NS_A_MS, unix_ms: now.unix_ms + ms });
    }

    // The resolver's part.

    fn take(&mut self) {
        for name in self.engine.take_misses() {
            let code = String::from_utf8(name.code.into_vec()).expect("a code is ASCII");
            self.asked.push((self.engine.domain(name.domain).to_owned(), code));
        }
    }

    fn answer(&mut self, kind: u8) {
        self.take();
        for (domain, code) in std::mem::take(&mut self.asked) {
            self.put(Key { domain: &domain, code: &code }, kind);
        }
        self.call(Engine::resume);
    }

    fn put(&mut self, key: Key<'_>, kind: u8) {
        let now_ns = self.clock.get().monotonic_ns;
        let asked_at_ns = if kind & OLD == 0 { now_ns } else { now_ns - 20_000 * NS_A_MS };
        let tier = if kind & OLD == 0 { Tier::Store } else { Tier::Redis };
        let long = [&b"https://example.com/"[..], &[b'p'; 7_900]].concat();
        let mut woken = Vec::new();
        self.engine.put(key, found(kind % 8, &long), Answered { asked_at_ns, tier }, &mut woken);
        assert!(self.engine.ready(woken).iter().all(|&key| key == self.connection));
    }
}

const ABSENT: u8 = 6;
const UNAVAILABLE: u8 = 7;
/// Bit of a kind of answer: it was read some time ago.
const OLD: u8 = 8;

/// A kind of answer.
fn found(kind: u8, long: &[u8]) -> Found<'_> {
    let mut link = NewEntry {
        version: u64::from(kind + 1) * 100,
        domain: 0,
        code: b"",
        status: kind % 5,
        target: b"https://example.com/?a=b#c",
        cache_control: DEFAULT_CACHE_CONTROL,
        limits: Limits::default(),
    };
    match kind {
        1 => link.cache_control = b"public, max-age=60",
        2 => link.limits.forward_query = true,
        3 => {
            link.limits =
                Limits { expires_at: Some(1), expired_target: Some(b"https://example.com/over"), ..link.limits }
        }
        4 => link.limits.disabled = true,
        5 => link.target = long,
        ABSENT => return Found::Absent,
        UNAVAILABLE => return Found::Unavailable,
        _ => {}
    }
    Found::Link(link)
}

fn settings(script: &Script<'_>) -> Settings {
    Settings {
        cache_bytes: 1 << 20,
        discretion: Discretion { honours_do_not_track: true, ..Discretion::default() },
        domains: vec![DOMAIN.into()],
        keepalive_requests: if script.few_requests() { 3 } else { 0 },
        max_misses: if script.few_misses() { 2 } else { 1_000 },
        referrer_policy: "no-referrer".into(),
        trusted_proxies: PROXIES.iter().map(|network| network.parse().expect("a network")).collect(),
        unknown_per_minute: if script.few_unknown() { 3 } else { 0 },
    }
}
