//! What one `feed` costs, without sockets and without Python: nanoseconds a request over random links, or, under
//! callgrind, instructions.
//!
//! `cargo bench --bench feed` prints a table. `cargo bench --bench feed -- CORPUS REQUESTS` feeds so many requests of one
//! corpus and prints nothing, to be counted by `valgrind --tool=callgrind`: `make instructions` does.

use std::sync::Arc;
use std::time::Duration;

use redirect_core::cache::{Limits, NewEntry};
use redirect_core::edge::{
    Answered, ConnectionKey, Counters, Discretion, Engine, Found, Key, Layout, Settings, Tier, system_clock,
};
use redirect_core::http::DEFAULT_CACHE_CONTROL;
use redirect_core::spool::{Options, SpoolWriter};
use rustix::time::{ClockId, clock_gettime};

const LINKS: u32 = 100_000;
const CODES: usize = 200_000;
const CODE_AT: usize = "GET /".len();
const CODE_BYTES: usize = 7;
const CORPORA: [&str; 5] = ["plain", "browser", "strangers", "deep", "refused"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [] => table(),
        [corpus, requests] => {
            let mut bench = Bench::new(LINKS);
            let corpus = Bench::corpus(corpus, LINKS);
            bench.feed(&corpus, requests.parse().expect("a number of requests"));
        }
        _ => panic!("give nothing, or a corpus ({}) and a number of requests", CORPORA.join(", ")),
    }
}

/// Each corpus over 100,000 links, and deep pipelines over 1,000 and a million.
fn table() {
    for name in CORPORA {
        measure(name, LINKS);
    }
    measure("deep", 1_000);
    measure("deep", 1_000_000);
    measure("plain", 1_000_000);
}

fn measure(name: &str, links: u32) {
    let mut bench = Bench::new(links);
    let corpus = Bench::corpus(name, links);
    bench.feed(&corpus, corpus.requests());
    let mut rounds: Vec<f64> = (0..7)
        .map(|_| {
            let began = cpu_ns();
            bench.feed(&corpus, corpus.requests());
            (cpu_ns() - began) / f64::from(corpus.requests())
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name:10} {links:9} links  {:6.0} ns a request ({:.0}-{:.0})", rounds[3], rounds[1], rounds[5]);
}

/// Of this thread: other processes take time from it, but no CPU.
fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    #[allow(clippy::cast_precision_loss)] // some seconds
    {
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    }
}

/// What is fed: the n-th read asks for the n-th codes, in one of some heads.
struct Corpus {
    codes: Vec<[u8; CODE_BYTES]>,
    heads: Vec<Head>,
    depth: usize,
    /// Each head is another client's: a number in it grows.
    are_strangers: bool,
}

/// A request around its code; `number_at`: where seven digits stand that may change.
struct Head {
    bytes: Vec<u8>,
    number_at: usize,
}

impl Corpus {
    fn requests(&self) -> u32 {
        u32::try_from(self.codes.len()).expect("some hundred thousand")
    }

    /// Write one read: it is in the processor's cache then, as one is that the kernel has just copied.
    fn write(&self, number: usize, out: &mut Vec<u8>) {
        out.clear();
        let first = number * self.depth % self.codes.len();
        for code in &self.codes[first..first + self.depth] {
            let (head, at) = (&self.heads[number % self.heads.len()], out.len());
            out.extend_from_slice(&head.bytes);
            out[at + CODE_AT..at + CODE_AT + CODE_BYTES].copy_from_slice(code);
            if self.are_strangers {
                let mut rest = number;
                for place in 0..7 {
                    out[at + head.number_at + place] = b'0' + u8::try_from(rest % 10).expect("a digit");
                    rest /= 10;
                }
            }
        }
    }
}

struct Bench {
    engine: Engine,
    connections: Vec<ConnectionKey>,
    folder: tempfile::TempDir,
    _page: Vec<u64>,
}

impl Bench {
    fn new(links: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (layout, words) = Layout::alone(&[10, 25, 50, 100, 250, 500, 1_000]);
        let mut page = vec![0_u64; words];
        // SAFETY: the page lives as long as the engine, and nothing else writes it.
        let counters = unsafe { Counters::new(page.as_mut_ptr(), words, layout) }.expect("a page that is long enough");
        let spool = Arc::new(spool(&folder));
        let mut engine = Engine::new(settings(), system_clock(), counters, spool).expect("an engine");
        for number in 0..links {
            put(&mut engine, number);
        }
        let connections = (0..64).map(|_| engine.connect(Some("127.0.0.1"))).collect();
        Self { engine, connections, folder, _page: page }
    }

    /// `links`: how many of them there are.
    fn corpus(name: &str, links: u32) -> Corpus {
        let mut chance = Chance(1);
        let codes = (0..CODES).map(|_| *code(chance.below(links)).as_bytes().first_chunk().expect("7 bytes")).collect();
        let heads = match name {
            "plain" | "deep" => vec![plain()],
            "browser" => (0..48).map(browser).collect(),
            "strangers" => vec![browser(0)],
            "refused" => vec![refused()],
            other => panic!("no corpus {other}"),
        };
        Corpus { codes, heads, depth: if name == "deep" { 16 } else { 1 }, are_strangers: name == "strangers" }
    }

    /// Callgrind counts what happens in here; devstack/instructions.py knows it by its name.
    #[inline(never)]
    fn feed(&mut self, corpus: &Corpus, requests: u32) {
        let mut read = Vec::new();
        for number in 0..requests as usize / corpus.depth {
            corpus.write(number, &mut read);
            let place = number % self.connections.len();
            let replies = self.engine.feed(self.connections[place], &read);
            assert!(replies.ends_with(b"\n"));
            if replies.starts_with(b"HTTP/1.1 400") {
                self.engine.lost(self.connections[place]);
                self.connections[place] = self.engine.connect(Some("127.0.0.1"));
            }
        }
        let _ = &self.folder;
    }
}

fn settings() -> Settings {
    Settings {
        cache_bytes: 512 << 20,
        discretion: Discretion::default(),
        domains: Vec::new(),
        keepalive_requests: 0,
        max_misses: 1_000,
        referrer_policy: "no-referrer-when-downgrade".into(),
        trusted_proxies: Vec::new(),
        unknown_per_minute: 0,
    }
}

fn spool(folder: &tempfile::TempDir) -> SpoolWriter {
    let options = Options {
        folder: folder.path().to_owned(),
        worker: 0,
        segment_bytes: 64 << 20,
        limit_bytes: 1 << 40,
        sync_every: Duration::from_secs(3_600),
    };
    SpoolWriter::open(options).expect("a spool")
}

fn put(engine: &mut Engine, number: u32) {
    let (code, target) = (code(number), format!("https://www.example.com/landing/page/{number:043}"));
    let found = Found::Link(NewEntry {
        version: 1,
        domain: 0,
        code: b"",
        status: 1,
        target: target.as_bytes(),
        cache_control: DEFAULT_CACHE_CONTROL,
        limits: Limits::default(),
    });
    // As if it had just been read, however long the filling takes.
    let answered = Answered { asked_at_ns: engine.now().monotonic_ns + 3_600_000_000_000, tier: Tier::Store };
    engine.put(Key { domain: "", code: &code }, found, answered, &mut Vec::new());
}

/// 7 letters and digits that look drawn.
fn code(number: u32) -> String {
    let mut rest = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 22;
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    (0..7)
        .map(|_| {
            let digit = alphabet[usize::try_from(rest % 62).expect("below 62")];
            rest /= 62;
            char::from(digit)
        })
        .collect()
}

fn plain() -> Head {
    Head { bytes: b"GET /0000000 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n".to_vec(), number_at: 0 }
}

fn refused() -> Head {
    Head { bytes: b"GET /0000000 HTTP/1.1\r\nHost: go.example\r\nX_Real: 1\r\n\r\n".to_vec(), number_at: 0 }
}

/// Some 700 bytes as Chrome sends them; another for each `kind`.
fn browser(kind: u32) -> Head {
    let start = format!(
        "GET /0000000 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: keep-alive\r\n\
         sec-ch-ua: \"Chromium\";v=\"126\", \"Google Chrome\";v=\"126\", \"Not-A.Brand\";v=\"8\"\r\n\
         sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/126.0.{kind}.0 Safari/537.36\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
         Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n\
         Referer: https://www.example.org/a/page?with=a&query="
    );
    let end = "0000000\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n\r\n";
    Head { number_at: start.len(), bytes: [start, end.to_owned()].concat().into_bytes() }
}

/// A generator of numbers that are the same in every run: xorshift64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(limit)).expect("below a number of 32 bits")
    }
}
