//! Which sockets can be read.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

/// Events taken at once: few, so that what falls due meanwhile is not late.
pub const A_TURN: usize = 16;

/// An epoll instance.
pub struct Poll {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poll {
    /// One that watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(A_TURN) })
    }

    /// Watch a socket until it is closed.
    pub fn watch(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        epoll::add(&self.epoll, socket, EventData::new_u64(token), EventFlags::IN)?;
        Ok(())
    }

    /// Put tokens of sockets that can be read now into `tokens`, and tell how many; if none can, sleep until one can or
    /// the time is over. A sleeper is woken some ten µs late, which counts as the server's.
    pub fn look(&mut self, tokens: &mut [u64; A_TURN], sleep: Duration) -> io::Result<usize> {
        let timeout = Timespec::try_from(sleep).map_err(|_| Errno::INVAL)?;
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for (token, event) in tokens.iter_mut().zip(&self.events) {
            *token = event.data.u64();
        }
        Ok(self.events.len())
    }
}
