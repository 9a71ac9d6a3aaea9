//! One client's bytes: requests parsed in order, replies given in order.

use std::collections::VecDeque;
use std::rc::Rc;

use memchr::memmem;

use crate::codes::{MAX_ALIAS_BYTES, is_alias, is_alias_byte};
use crate::edge::clients::{Client, MAX_TAIL_BYTES, Peer};
use crate::edge::counters::Name as Counter;
use crate::edge::engine::ConnectionKey;
use crate::edge::flights::{Name, Waiter};
use crate::edge::owed::{Asked, Outcome, Owed, Route, Tier};
use crate::edge::shared::Shared;
use crate::http::{Answer, Early, Found, HeadFinder, Line, Persistence, Request, is_target_byte, judge};

/// Then other connections get their turn. These three are contract.py's.
const REQUESTS_A_TURN: u32 = 128;
const OUTPUT_A_TURN_BYTES: usize = 64 * 1024;
const MAX_PENDING_REPLIES: usize = 128;

/// What the protocol must do after a step; 0 on the plain path. contract.py's `Attention`.
pub struct Attention;

impl Attention {
    /// After this write: half-close, discard what comes, close.
    pub const CLOSE: u8 = 1;
    /// Complete requests are left of this read.
    pub const RESUME: u8 = 2;
    /// There are new misses.
    pub const MISSED: u8 = 4;
    /// Bytes of an unfinished head are held.
    pub const PARTIAL: u8 = 8;
}

/// What the protocol looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Bits of [`Attention`].
    pub attention: u8,
    /// Heads completed so far.
    pub requests: u64,
    /// Bytes of an unfinished head are held.
    pub partial: bool,
    /// Replies owed but not ready, and those behind them.
    pub pending: usize,
}

/// Most reads hold one GET of a cached code, followed by the same bytes as another request before: these are answered
/// without looking at each field again. All others are judged in full.
#[allow(clippy::struct_excessive_bools)] // they change one by one
pub struct Connection {
    // Of the connection.
    key: ConnectionKey,
    peer: Peer,
    state: State,
    /// The last reply is owed or given: nothing more is parsed.
    stopped: bool,
    /// The transport takes no more.
    paused: bool,
    /// The client has half-closed.
    ended: bool,
    draining: bool,
    // Of the requests under way.
    held: Vec<u8>,
    finder: HeadFinder,
    queue: VecDeque<Owed>,
    /// The number of the queue's first place.
    first_place: u64,
    /// Who sent the last request, if it may be known again by what follows the target.
    client: Option<Rc<Client>>,
}

impl Connection {
    /// A new client.
    pub fn new(key: ConnectionKey, peer: Peer) -> Self {
        Self {
            key,
            peer,
            state: State::default(),
            stopped: false,
            paused: false,
            ended: false,
            draining: false,
            held: Vec::new(),
            finder: HeadFinder::default(),
            queue: VecDeque::new(),
            first_place: 0,
            client: None,
        }
    }

    /// What the protocol must know after the last step.
    #[inline]
    pub fn state(&self) -> State {
        self.state
    }

    /// Take what was read; all replies that are ready go to `out`.
    pub fn feed(&mut self, shared: &mut Shared, data: &[u8], out: &mut Vec<u8>) {
        if self.stopped {
            self.turn(shared, out);
        } else if self.held.is_empty() && !self.paused {
            let mut turn = Turn::new(out);
            self.flush(shared, &mut turn);
            let taken = self.parse(shared, data, &mut turn);
            if !self.stopped && taken < data.len() {
                self.held.extend_from_slice(&data[taken..]);
            }
            self.end(shared, &turn);
        } else {
            self.held.extend_from_slice(data);
            self.turn(shared, out);
        }
    }

    /// Go on with the held rest of a read, and with the replies that became ready since.
    pub fn resume(&mut self, shared: &mut Shared, out: &mut Vec<u8>) {
        self.paused = false;
        self.turn(shared, out);
    }

    /// Parse nothing more until the next `resume`.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// The client half-closed.
    pub fn eof(&mut self, shared: &mut Shared, out: &mut Vec<u8>) {
        self.ended = true;
        self.turn(shared, out);
    }

    /// The next reply is the last.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// The head took too long.
    pub fn timeout(&mut self, shared: &mut Shared, out: &mut Vec<u8>) {
        shared.read_clock_once();
        let mut turn = Turn::new(out);
        if self.state.partial && !self.stopped {
            let held = std::mem::take(&mut self.held);
            self.refuse_early(
                shared,
                Early { answer: Answer::RequestTimeout, line: self.finder.line },
                &held,
                &mut turn,
            );
        }
        self.stop();
        self.flush_unless_paused(shared, &mut turn);
        self.end(shared, &turn);
    }

    /// The transport is gone; `is_here`: whose connection is still there.
    pub fn lost(&mut self, shared: &mut Shared, is_here: impl Fn(ConnectionKey) -> bool) {
        for owed in self.queue.drain(..).filter(|owed| owed.outcome.is_none()) {
            if let Some(asked) = &owed.asked {
                let name = Name::new(asked.client.domain, &asked.code);
                shared.flights.leave(&name, &is_here);
            }
        }
    }

    /// A reply that was waited for can be given. Its place is one that [`Waiter`] told.
    pub fn settle(&mut self, place: u64, outcome: &Outcome, tier: Tier) -> Option<&Owed> {
        let index = usize::try_from(place.checked_sub(self.first_place)?).ok()?;
        let owed = self.queue.get_mut(index)?;
        owed.outcome = Some(outcome.clone());
        owed.tier = tier;
        Some(owed)
    }

    /// True when the oldest reply owed can be sent.
    pub fn is_ready(&self) -> bool {
        self.queue.front().is_some_and(|owed| owed.outcome.is_some())
    }

    // A turn.

    fn turn(&mut self, shared: &mut Shared, out: &mut Vec<u8>) {
        let mut turn = Turn::new(out);
        self.flush_unless_paused(shared, &mut turn);
        if !self.paused && !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            let taken = self.parse(shared, &held, &mut turn);
            if !self.stopped && taken < held.len() {
                held.drain(..taken);
                self.held = held;
            }
        }
        self.end(shared, &turn);
    }

    fn flush_unless_paused(&mut self, shared: &mut Shared, turn: &mut Turn<'_>) {
        if !self.paused {
            self.flush(shared, turn);
        }
    }

    /// Send what is owed and ready, in order.
    fn flush(&mut self, shared: &mut Shared, turn: &mut Turn<'_>) {
        while self.is_ready() && !turn.is_over() {
            shared.read_clock_once();
            let Some(mut owed) = self.queue.pop_front() else {
                return;
            };
            self.first_place += 1;
            if self.queue.is_empty() && !self.stopped && (self.draining || shared.draining) {
                owed.persistence = Persistence::Close;
                self.stop();
            }
            turn.write(shared, &owed);
            let waited = shared.now.monotonic_ns.saturating_sub(owed.arrived_ns);
            shared.counters.latency(owed.tier, waited, 1);
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new(); // most connections wait seldom
        }
    }

    /// Take the requests of `data`, one after another; how many bytes were taken.
    fn parse(&mut self, shared: &mut Shared, data: &[u8], turn: &mut Turn<'_>) -> usize {
        // The finder has seen the line of the first head already.
        let mut begun = self.finder.line.is_some();
        self.state.partial = false;
        let mut at = 0;
        while at < data.len() && !self.stopped && !turn.is_over() && !self.is_full() {
            let rest = &data[at..];
            let taken = if begun { 0 } else { self.take_known(shared, rest, turn) };
            begun = false;
            if taken > 0 {
                at += taken;
                continue;
            }
            shared.read_clock_once();
            match self.finder.find(rest) {
                Found::NotYet => {
                    self.state.partial = true;
                    break;
                }
                Found::Refused(early) => {
                    self.state.requests += 1;
                    self.refuse_early(shared, early, rest, turn);
                }
                Found::Head { line, fields_at, end } => {
                    self.state.requests += 1;
                    self.take(shared, line, &rest[..end], fields_at, turn);
                    at += end;
                }
            }
        }
        at
    }

    /// Take plain GETs that end as a request before did; their length. 0: the first is something else.
    ///
    /// Of a pipeline some are looked up together: each step has the memory fetched that the next one needs.
    #[inline]
    fn take_known(&mut self, shared: &mut Shared, data: &[u8], turn: &mut Turn<'_>) -> usize {
        let mut known = [Known::default(); LOOKED_UP_TOGETHER];
        let mut count = 0;
        let mut at = 0;
        while count < known.len() {
            let Some(one) = self.recognise(shared, data, at, count) else {
                break;
            };
            shared.cache.prefetch(one.hash);
            at = one.end;
            known[count] = one;
            count += 1;
        }
        shared.read_clock_once(); // which takes about as long as the fetching
        known[..count].iter().for_each(|one| shared.cache.prefetch_entry(one.hash));
        let mut taken = 0;
        for one in &known[..count] {
            if turn.is_over() || self.is_full() {
                break;
            }
            self.answer(shared, *one, data, turn);
            taken = one.end;
        }
        taken
    }

    /// The plain GET at `at`, behind `before` others that are still to be answered, if it ends as one before did.
    #[inline]
    fn recognise(&mut self, shared: &Shared, data: &[u8], at: usize, before: usize) -> Option<Known> {
        let plain = PlainGet::read(&data[at..])?;
        let tail_at = at + plain.tail_at;
        if self.is_last_but(shared, before as u64 + 1) || plain.code == b"healthz" {
            return None;
        }
        let tail = &data[tail_at..];
        if !self.client.as_ref().is_some_and(|client| tail.starts_with(&client.tail)) {
            if before > 0 {
                return None; // those before it are of another client
            }
            let window = &tail[..tail.len().min(MAX_TAIL_BYTES)];
            let end = memmem::find(window, b"\r\n\r\n")? + 4;
            self.client = Some(Rc::clone(shared.clients.find(self.peer, &tail[..end])?));
        }
        let client = self.client.as_ref()?;
        let (code_at, query_bytes) = (at + GET.len(), plain.query.len());
        Some(Known {
            hash: shared.cache.hash(client.domain, plain.code),
            code: (code_at, code_at + plain.code.len()),
            query: (tail_at - query_bytes, tail_at),
            end: tail_at + client.tail.len(),
        })
    }

    #[inline]
    fn answer(&mut self, shared: &mut Shared, known: Known, data: &[u8], turn: &mut Turn<'_>) {
        let Some(client) = &self.client else {
            return;
        };
        self.state.requests += 1;
        let code = &data[known.code.0..known.code.1];
        if self.queue.is_empty() && shared.hit(known.hash, client, code, turn.out) {
            turn.replies += 1;
            turn.hits += 1;
            return;
        }
        let query = &data[known.query.0..known.query.1];
        let asked = Asked { code: code.into(), query: query.into(), client: Rc::clone(client) };
        self.ask(shared, asked, Persistence::Open, false, turn);
    }

    fn take(&mut self, shared: &mut Shared, line: Line, head: &[u8], fields_at: usize, turn: &mut Turn<'_>) {
        match judge(line, head, fields_at) {
            Ok(request) => {
                let tail = &head[line.target_end()..];
                let is_repeatable = request.persistence == Persistence::Open && tail.len() <= MAX_TAIL_BYTES;
                let client = shared.clients.of(self.peer, &request.fields, if is_repeatable { tail } else { b"" });
                self.client = is_repeatable.then(|| Rc::clone(&client));
                self.serve(shared, &request, client, turn);
            }
            Err(answer) => self.refuse(shared, answer, line.method(head) == b"HEAD", turn),
        }
    }

    fn serve(&mut self, shared: &mut Shared, request: &Request<'_>, client: Rc<Client>, turn: &mut Turn<'_>) {
        let persistence = if self.is_last_but(shared, 0) { Persistence::Close } else { request.persistence };
        let fixed = if request.is_options { Some(Answer::Options) } else { Answer::fixed(request.path) };
        if let Some(answer) = fixed {
            let owed = answered(shared, Route::Fixed, persistence, request.is_head, answer);
            self.owe(shared, owed, turn);
        } else if let Some(code) = request.path.strip_prefix(b"/").filter(|code| is_alias(code)) {
            let asked = Asked { code: code.into(), query: request.query.into(), client };
            self.ask(shared, asked, persistence, request.is_head, turn);
        } else {
            let owed = answered(shared, Route::Refused, persistence, request.is_head, Answer::NotFound);
            self.owe(shared, owed, turn);
        }
    }

    fn ask(&mut self, shared: &mut Shared, asked: Asked, persistence: Persistence, is_head: bool, turn: &mut Turn<'_>) {
        let place = self.first_place + self.queue.len() as u64;
        let mut owed = Owed {
            route: Route::Redirect,
            persistence,
            is_head,
            arrived_ns: shared.now.monotonic_ns,
            outcome: None,
            tier: Tier::Cache,
            asked: None,
            network: None,
        };
        let is_behind = !self.queue.is_empty();
        shared.find(&asked, &mut owed, Waiter { connection: self.key, place }, is_behind);
        owed.asked = Some(asked);
        self.owe(shared, owed, turn);
    }

    fn refuse_early(&mut self, shared: &mut Shared, early: Early, head: &[u8], turn: &mut Turn<'_>) {
        // Without its line nobody knows whether it is a HEAD.
        let is_head = early.line.is_some_and(|line| line.method(head) == b"HEAD");
        self.refuse(shared, early.answer, is_head, turn);
    }

    fn refuse(&mut self, shared: &mut Shared, answer: Answer, is_head: bool, turn: &mut Turn<'_>) {
        let owed = answered(shared, Route::Refused, Persistence::Close, is_head, answer);
        self.owe(shared, owed, turn);
    }

    /// Give the reply its place: in the output if nothing is before it, else in the queue.
    fn owe(&mut self, shared: &mut Shared, owed: Owed, turn: &mut Turn<'_>) {
        if owed.persistence == Persistence::Close {
            self.stop();
        }
        if self.queue.is_empty() && owed.outcome.is_some() {
            turn.write(shared, &owed);
            turn.prompt += 1;
        } else {
            self.queue.push_back(owed);
        }
    }

    /// True when no more replies may be owed.
    fn is_full(&self) -> bool {
        self.queue.len() >= MAX_PENDING_REPLIES
    }

    fn stop(&mut self) {
        self.stopped = true;
        self.held = Vec::new();
        self.state.partial = false;
    }

    /// Whether `more` requests from now on one must be the last of this connection.
    #[inline]
    fn is_last_but(&self, shared: &Shared, more: u64) -> bool {
        self.draining || shared.draining || self.state.requests + more >= shared.keepalive_requests
    }

    /// Count what the turn gave, and say what the protocol must know.
    fn end(&mut self, shared: &mut Shared, turn: &Turn<'_>) {
        if turn.hits + turn.prompt > 0 {
            let elapsed = shared.elapsed_ns();
            shared.counters.latency(Tier::Cache, elapsed, u64::from(turn.hits + turn.prompt));
            shared.counters.add(Counter::CacheHits, u64::from(turn.hits));
        }
        let more = !self.held.is_empty() && (self.paused || !self.state.partial);
        if self.ended && self.queue.is_empty() && !more {
            self.stop();
        }
        let mut attention = 0;
        if self.stopped && self.queue.is_empty() {
            attention = Attention::CLOSE;
        } else if !self.paused && (self.is_ready() || (more && !self.is_full())) {
            attention = Attention::RESUME;
        }
        if shared.flights.is_wanted() {
            attention |= Attention::MISSED;
        }
        if self.state.partial {
            attention |= Attention::PARTIAL;
        }
        self.state.attention = attention;
        self.state.pending = self.queue.len();
    }
}

/// A reply that needs nobody's help.
fn answered(shared: &Shared, route: Route, persistence: Persistence, is_head: bool, answer: Answer) -> Owed {
    let (arrived_ns, outcome) = (shared.now.monotonic_ns, Some(Outcome::Answer(answer)));
    Owed { route, persistence, is_head, arrived_ns, outcome, tier: Tier::Cache, asked: None, network: None }
}

/// `GET /code SP` or `GET /code?query SP` at the start of some bytes.
struct PlainGet<'a> {
    code: &'a [u8],
    query: &'a [u8],
    /// Of the space behind the target.
    tail_at: usize,
}

impl<'a> PlainGet<'a> {
    #[inline]
    fn read(data: &'a [u8]) -> Option<Self> {
        let path = data.strip_prefix(GET)?;
        let code_end = path.iter().take(MAX_ALIAS_BYTES + 1).position(|&byte| !is_alias_byte(byte))?;
        if code_end == 0 {
            return None;
        }
        let (code, rest) = path.split_at(code_end);
        let query: &[u8] = match rest.first() {
            Some(b' ') => &[],
            Some(b'?') => {
                let rest = &rest[1..];
                let end = rest.iter().take(MAX_QUERY_BYTES + 1).position(|&byte| !is_target_byte(byte))?;
                (rest[end] == b' ').then(|| &rest[..end])?
            }
            _ => return None,
        };
        let has_query = usize::from(rest[0] == b'?');
        Some(Self { code, query, tail_at: GET.len() + code_end + has_query + query.len() })
    }
}

/// A [`PlainGet`] whose sender is known; all but `hash` are offsets.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Of the link's name.
    hash: u64,
    code: (usize, usize),
    query: (usize, usize),
    end: usize,
}

const GET: &[u8] = b"GET /";
/// As many as fit into a segment of Ethernet when they are small.
const LOOKED_UP_TOGETHER: usize = 16;
/// With the longest code and tail, a head stays well inside its limits.
const MAX_QUERY_BYTES: usize = 1_024;

/// What goes out in one turn of one connection.
struct Turn<'a> {
    out: &'a mut Vec<u8>,
    began_at: usize,
    replies: u32,
    /// How many of them are plain hits.
    hits: u32,
    /// How many others answer a request of this turn.
    prompt: u32,
}

impl<'a> Turn<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        let began_at = out.len();
        Self { out, began_at, replies: 0, hits: 0, prompt: 0 }
    }

    fn write(&mut self, shared: &mut Shared, owed: &Owed) {
        shared.write_reply(owed, self.out);
        self.replies += 1;
    }

    /// True when other connections are to have their turn.
    #[inline]
    fn is_over(&self) -> bool {
        self.replies >= REQUESTS_A_TURN || self.out.len() - self.began_at >= OUTPUT_A_TURN_BYTES
    }
}
