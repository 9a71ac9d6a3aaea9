//! Connections to loopback, from as many of its addresses as ports and limits for one client ask for.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below the 2,000 connections that an edge grants one address, and far below the ports of one.
pub const A_SOURCE: usize = 1_000;

/// Allow as many open files as the system lets us.
pub fn allow_many() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    Ok(())
}

/// Connect the connection with this number, from 0; it never blocks again.
pub fn open(number: usize, port: u16) -> io::Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddr::from((source(number), 0)))?;
    connect(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// 127.0.0.1 for the first thousand, 127.0.0.2 for the next.
fn source(number: usize) -> Ipv4Addr {
    let first = u32::from(Ipv4Addr::LOCALHOST);
    Ipv4Addr::from(first + u32::try_from(number / A_SOURCE).expect("as many connections as descriptors"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_connections_share_a_source() {
        let sources = [0, 999, 1_000, 9_999].map(|number| source(number).octets()[3]);
        assert_eq!(sources, [1, 1, 2, 10]);
    }
}
