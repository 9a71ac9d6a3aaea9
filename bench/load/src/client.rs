//! One kept-alive connection with at most one request in flight.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::framing::{Framing, Reply};
use crate::requests::Tag;

/// The request in flight.
#[derive(Clone, Copy, Debug)]
pub struct Flight {
    /// Its place in the schedule.
    pub number: u64,
    /// Its kind.
    pub tag: Tag,
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    framing: Framing,
    flight: Option<Flight>,
}

impl Client {
    /// With nothing in flight.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, framing: Framing::default(), flight: None }
    }

    /// True while a request is in flight.
    pub fn is_waiting(&self) -> bool {
        self.flight.is_some()
    }

    /// Put a request on its way.
    pub fn send(&mut self, flight: Flight, request: &[u8]) -> io::Result<()> {
        self.framing.expect(request);
        self.flight = Some(flight);
        match self.stream.write(request)? {
            sent if sent == request.len() => Ok(()),
            _ => Err(ErrorKind::WriteZero.into()), // an empty socket buffer holds far more than a head
        }
    }

    /// Read; the reply with what it answers, when it is whole. An error: the connection is of no more use.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<(Flight, Reply)>> {
        let read = match self.stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(reply) = self.framing.take(&buffer[..read]) else {
            return Err(ErrorKind::InvalidData.into());
        };
        match reply {
            None => Ok(None),
            Some(reply) => match self.flight.take() {
                Some(flight) => Ok(Some((flight, reply))),
                None => Err(ErrorKind::InvalidData.into()), // a reply that nobody asked for
            },
        }
    }
}
