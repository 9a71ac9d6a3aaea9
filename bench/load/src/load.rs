//! The loop: send what is due on free connections, read what came, look again; it sleeps only when it is told to.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::arguments::Run;
use crate::client::{Client, Flight};
use crate::framing::Reply;
use crate::poll::{A_TURN, Poll};
use crate::report::Report;
use crate::requests::Mix;
use crate::schedule::Schedule;
use crate::slow::SlowHeads;
use crate::sockets;

const FOUND: u16 = 302;
/// How long after the last request replies are waited for; a server that has a longer queue can't carry the rate.
const GRACE: Duration = Duration::from_secs(1);
/// What it does besides requests, slow heads and the end, may be so late.
const LONGEST_SLEEP: Duration = Duration::from_millis(10);

/// Send the whole schedule, and wait for the replies. An error: a file can't be used, or the server takes no connection.
pub fn run(run: &Run) -> io::Result<Report> {
    let mut load = Load::open(run)?;
    load.started = Instant::now();
    let cpu_before = cpu_ns();
    let mut now = 0;
    while load.done < load.total && now < load.give_up_ns {
        let did_something = load.turn(now)?;
        let after = load.now_ns();
        load.report.busy_ns += if did_something { after - now } else { 0 };
        now = after;
    }
    let mut report = load.report;
    report.unanswered = load.total - load.done;
    report.slow_replaced = load.slow.replaced;
    report.elapsed_ns = now;
    report.cpu_ns = cpu_ns() - cpu_before;
    Ok(report)
}

struct Load<'a> {
    run: &'a Run,
    mix: Mix,
    schedule: Schedule,
    poll: Poll,
    clients: Vec<Client>,
    slow: SlowHeads,
    /// Clients with nothing in flight, the one that has waited longest first.
    free: VecDeque<usize>,
    started: Instant,
    /// Requests of the run.
    total: u64,
    /// Requests whose moment was noticed to have come.
    noticed: u64,
    /// Requests put on their way.
    sent: u64,
    /// Requests that had their reply, or lost their connection.
    done: u64,
    /// From when on latencies are recorded.
    record_from_ns: u64,
    /// Until when replies count for the rate reached.
    record_until_ns: u64,
    give_up_ns: u64,
    buffer: Vec<u8>,
    report: Report,
}

impl<'a> Load<'a> {
    fn open(run: &'a Run) -> io::Result<Self> {
        let end = Duration::from_secs(run.warm_up_seconds + run.seconds);
        let total = run.rate * end.as_secs();
        let poll = Poll::new()?;
        let mut clients = Vec::with_capacity(run.connections);
        for number in 0..run.connections {
            clients.push(connect(number, run.port, &poll)?);
        }
        Ok(Self {
            run,
            mix: Mix::read(run, total)?,
            schedule: Schedule::new(run.rate),
            slow: SlowHeads::open(run.slow_heads, run.port, clients.len() as u64, first_slow(run), &poll)?,
            free: (0..clients.len()).collect(),
            clients,
            poll,
            started: Instant::now(),
            total,
            noticed: 0,
            sent: 0,
            done: 0,
            record_from_ns: nanoseconds(Duration::from_secs(run.warm_up_seconds)),
            record_until_ns: nanoseconds(end),
            give_up_ns: nanoseconds(end + GRACE),
            buffer: vec![0; 64 * 1024],
            report: Report::new(),
        })
    }

    /// One round; false: there was nothing to do.
    fn turn(&mut self, now_ns: u64) -> io::Result<bool> {
        let before = (self.sent, self.noticed);
        self.notice_due(now_ns);
        self.send_due()?;
        self.slow.send_due(now_ns);
        let mut readable = [0; A_TURN];
        let sleep = self.may_sleep();
        let count = self.poll.look(&mut readable, sleep)?;
        for token in &readable[..count] {
            self.receive(*token)?;
        }
        Ok(count > 0 || before != (self.sent, self.noticed))
    }

    /// Until the next request is due. Those that wait for a free connection need a reply first, which ends the sleep.
    fn may_sleep(&self) -> Duration {
        if !self.run.sleeps {
            return Duration::ZERO;
        }
        let due = Duration::from_nanos(self.schedule.intended_ns(self.noticed));
        due.saturating_sub(self.started.elapsed()).min(LONGEST_SLEEP)
    }

    fn notice_due(&mut self, now_ns: u64) {
        let due = self.schedule.due(now_ns).min(self.total);
        for number in self.noticed..due {
            let intended_ns = self.schedule.intended_ns(number);
            if intended_ns >= self.record_from_ns {
                self.report.lag.saturating_record(now_ns - intended_ns);
            }
        }
        self.noticed = due;
    }

    /// What finds no free connection waits, and its latency grows meanwhile.
    fn send_due(&mut self) -> io::Result<()> {
        while self.sent < self.noticed {
            let Some(index) = self.free.pop_front() else {
                break;
            };
            let (tag, request) = self.mix.request(self.sent);
            let flight = Flight { number: self.sent, tag };
            self.sent += 1;
            if self.clients[index].send(flight, request).is_err() {
                self.replace(index)?;
            }
        }
        Ok(())
    }

    fn receive(&mut self, token: u64) -> io::Result<()> {
        let Some(index) = usize::try_from(token).ok().filter(|index| *index < self.clients.len()) else {
            return self.slow.replace(token, &self.poll);
        };
        match self.clients[index].receive(&mut self.buffer) {
            Ok(None) => Ok(()),
            Ok(Some((flight, reply))) => {
                let now_ns = self.now_ns();
                self.record(flight, reply, now_ns);
                self.free.push_back(index);
                self.notice_due(now_ns);
                self.send_due()
            }
            Err(_) => self.replace(index),
        }
    }

    fn record(&mut self, flight: Flight, reply: Reply, now_ns: u64) {
        let intended_ns = self.schedule.intended_ns(flight.number);
        if intended_ns >= self.record_from_ns {
            self.report.latencies(flight.tag).saturating_record(now_ns - intended_ns);
        }
        if (self.record_from_ns..self.record_until_ns).contains(&now_ns) {
            self.report.replies += 1;
        }
        if reply != (Reply { status: FOUND, bytes: self.run.reply_bytes }) {
            self.report.wrong += 1;
        }
        self.done += 1;
    }

    /// A connection failed: count it with the request it may have had, and go on with a new one.
    fn replace(&mut self, index: usize) -> io::Result<()> {
        self.report.errors += 1;
        let client = connect(index, self.run.port, &self.poll)?;
        if std::mem::replace(&mut self.clients[index], client).is_waiting() {
            self.done += 1;
            self.free.push_back(index);
        }
        Ok(())
    }

    fn now_ns(&self) -> u64 {
        nanoseconds(self.started.elapsed())
    }
}

fn connect(number: usize, port: u16, poll: &Poll) -> io::Result<Client> {
    let stream = sockets::open(number, port)?;
    poll.watch(&stream, number as u64)?;
    Ok(Client::new(stream))
}

/// The slow ones come from other addresses than the load: a limit that they meet is none of the load's.
fn first_slow(run: &Run) -> usize {
    run.connections.next_multiple_of(sockets::A_SOURCE)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("less than 500 years")
}

fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    nanoseconds(Duration::new(
        u64::try_from(time.tv_sec).expect("CPU time grows from 0"),
        u32::try_from(time.tv_nsec).expect("less than a second"),
    ))
}
