//! Where a reply ends.

use std::cmp::Ordering;
use std::str;

use httparse::{EMPTY_HEADER, Response, Status};

const MAX_FIELDS: usize = 32;

/// A whole reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// From its status line.
    pub status: u16,
    /// Head and body.
    pub bytes: usize,
}

/// The bytes can't be replies to what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbled;

/// The one reply that a connection waits for.
#[derive(Default, Debug)]
pub struct Framing {
    held: Vec<u8>,
    is_head: bool,
}

impl Framing {
    /// Forget what came; the next reply belongs to this request.
    pub fn expect(&mut self, request: &[u8]) {
        self.held.clear();
        self.is_head = request.starts_with(b"HEAD ");
    }

    /// Take what was read; the reply, when that completes it. More than one reply is garbled: one was asked for.
    pub fn take(&mut self, read: &[u8]) -> Result<Option<Reply>, Garbled> {
        if self.held.is_empty() {
            let reply = frame(read, self.is_head)?; // nearly always whole, and never copied then
            if reply.is_none() {
                self.held.extend_from_slice(read);
            }
            return Ok(reply);
        }
        self.held.extend_from_slice(read);
        frame(&self.held, self.is_head)
    }
}

fn frame(bytes: &[u8], is_head: bool) -> Result<Option<Reply>, Garbled> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut response = Response::new(&mut fields);
    let Status::Complete(head) = response.parse(bytes).map_err(|_| Garbled)? else {
        return Ok(None);
    };
    let status = response.code.ok_or(Garbled)?;
    let size = head + if has_body(status, is_head) { content_length(&response)? } else { 0 };
    match bytes.len().cmp(&size) {
        Ordering::Less => Ok(None),
        Ordering::Equal => Ok(Some(Reply { status, bytes: size })),
        Ordering::Greater => Err(Garbled),
    }
}

/// RFC 9112, 6.3: these have none, whatever their Content-Length says.
fn has_body(status: u16, is_head: bool) -> bool {
    !(is_head || status < 200 || status == 204 || status == 304)
}

/// No length means until the end of the connection, or chunks: no server measured here sends such a reply.
fn content_length(response: &Response) -> Result<usize, Garbled> {
    let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    field.and_then(|field| str::from_utf8(field.value).ok()?.parse().ok()).ok_or(Garbled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: &[u8] = b"HTTP/1.1 302 Found\r\ncontent-length: 4\r\nLocation: /\r\n\r\nbody";

    fn framing(request: &[u8]) -> Framing {
        let mut framing = Framing::default();
        framing.expect(request);
        framing
    }

    #[test]
    fn a_reply_ends_where_its_length_says() {
        let reply = framing(b"GET / HTTP/1.1").take(FOUND);
        assert_eq!(reply, Ok(Some(Reply { status: 302, bytes: FOUND.len() })));
    }

    #[test]
    fn a_reply_in_single_bytes_is_the_same_reply() {
        let mut framing = framing(b"GET / HTTP/1.1");
        let (last, others) = FOUND.split_last().unwrap();
        for byte in others {
            assert_eq!(framing.take(&[*byte]), Ok(None));
        }
        assert_eq!(framing.take(&[*last]), Ok(Some(Reply { status: 302, bytes: FOUND.len() })));
    }

    #[test]
    fn the_rest_of_one_reply_is_no_part_of_the_next() {
        let mut framing = framing(b"GET / HTTP/1.1");
        assert_eq!(framing.take(&FOUND[..30]), Ok(None));
        framing.expect(b"GET / HTTP/1.1");
        assert_eq!(framing.take(FOUND).unwrap().unwrap().bytes, FOUND.len());
    }

    #[test]
    fn replies_to_head_and_204_and_304_have_no_body() {
        let head_only = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
        assert_eq!(framing(b"HEAD / HTTP/1.1").take(head_only).unwrap().unwrap().status, 200);
        for status in ["204 No Content", "304 Not Modified"] {
            let reply = format!("HTTP/1.1 {status}\r\nContent-Length: 1000\r\n\r\n");
            assert_eq!(framing(b"GET / HTTP/1.1").take(reply.as_bytes()).unwrap().unwrap().bytes, reply.len());
        }
    }

    #[test]
    fn what_is_no_single_reply_with_a_length_is_garbled() {
        let doubled = [FOUND, FOUND].concat();
        for bytes in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"SSH-2.0-x\r\n", &doubled] {
            assert_eq!(framing(b"GET / HTTP/1.1").take(bytes), Err(Garbled));
        }
    }
}
