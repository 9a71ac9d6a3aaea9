//! Idle connections: each has had one reply, then nothing.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::arguments::Idle;
use crate::framing::{Framing, Garbled};
use crate::{requests, sockets};

/// Open them all, print how many there are, and hold them until killed.
pub fn idle(idle: &Idle) -> io::Result<()> {
    let requests = requests::read(&idle.requests)?;
    let held: Vec<TcpStream> =
        (0..idle.connections).map(|number| open(number, idle.port, &requests[0])).collect::<io::Result<_>>()?;
    println!("{}", held.len());
    loop {
        thread::park();
    }
}

fn open(number: usize, port: u16, request: &[u8]) -> io::Result<TcpStream> {
    let mut stream = sockets::open(number, port)?;
    stream.set_nonblocking(false)?;
    stream.write_all(request)?;
    let (mut framing, mut buffer) = (Framing::default(), [0; 4096]);
    framing.expect(request);
    loop {
        let read = stream.read(&mut buffer)?;
        match framing.take(&buffer[..read]) {
            _ if read == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(None) => {}
            Ok(Some(_)) => return Ok(stream),
            Err(Garbled) => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}
