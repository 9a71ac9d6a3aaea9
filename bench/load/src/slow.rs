//! Slow heads: connections that send a byte a second, and are opened anew when the server has had enough of them.

use std::io::{self, Write};
use std::net::TcpStream;

use crate::poll::Poll;
use crate::schedule::Schedule;
use crate::sockets;

/// A field without an end follows.
const HEAD: &[u8] = b"GET /slow HTTP/1.1\r\nHost: bench.example\r\nX-Slow: ";

/// All of them.
pub struct SlowHeads {
    port: u16,
    /// Of the first one; those of the others follow.
    token: u64,
    /// From the sources behind those of the load.
    first_number: usize,
    schedule: Schedule,
    sent: u64,
    heads: Vec<Head>,
    /// How often the server closed one.
    pub replaced: u64,
}

struct Head {
    stream: TcpStream,
    sent: usize,
}

impl SlowHeads {
    /// Open `count` connections. `token`: of the first, which is number `first_number` of all connections.
    pub fn open(count: usize, port: u16, token: u64, first_number: usize, poll: &Poll) -> io::Result<Self> {
        let mut slow = Self {
            port,
            token,
            first_number,
            schedule: Schedule::new(count.max(1) as u64),
            sent: 0,
            heads: Vec::with_capacity(count),
            replaced: 0,
        };
        for index in 0..count {
            let head = slow.connect(index, poll)?;
            slow.heads.push(head);
        }
        Ok(slow)
    }

    /// Send the bytes that are due: one a second on each connection, spread over the second.
    pub fn send_due(&mut self, now_ns: u64) {
        if self.heads.is_empty() {
            return;
        }
        let due = self.schedule.due(now_ns);
        for number in self.sent..due {
            let count = self.heads.len() as u64;
            let head = &mut self.heads[usize::try_from(number % count).expect("an index")];
            let byte = HEAD.get(head.sent).unwrap_or(&b'a');
            // Should it fail the server has closed, which is read in a moment.
            head.sent += head.stream.write(&[*byte]).unwrap_or(0);
        }
        self.sent = due;
    }

    /// A connection that sent no request can be read: it is being closed, perhaps after a 408. Open another one.
    pub fn replace(&mut self, token: u64, poll: &Poll) -> io::Result<()> {
        let index = usize::try_from(token - self.token).expect("a token of ours");
        self.heads[index] = self.connect(index, poll)?;
        self.replaced += 1;
        Ok(())
    }

    fn connect(&self, index: usize, poll: &Poll) -> io::Result<Head> {
        let stream = sockets::open(self.first_number + index, self.port)?;
        poll.watch(&stream, self.token + index as u64)?;
        Ok(Head { stream, sent: 0 })
    }
}
