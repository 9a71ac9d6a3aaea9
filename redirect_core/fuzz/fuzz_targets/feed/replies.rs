//! Replies as a strict client reads them.

use std::collections::HashSet;

use memchr::memmem;

/// What matters of a reply.
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// It says `Connection: close`.
    pub closes: bool,
}

impl Reply {
    /// True if it leads somewhere, which is a click.
    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status)
    }
}

/// Every reply of a stream; panics on any byte that is none of a well-formed reply.
pub fn parse(mut stream: &[u8]) -> Vec<Reply> {
    let mut replies = Vec::new();
    while !stream.is_empty() {
        let (reply, rest) = parse_one(stream);
        replies.push(reply);
        stream = rest;
    }
    replies
}

fn parse_one(stream: &[u8]) -> (Reply, &[u8]) {
    let end = memmem::find(stream, b"\r\n\r\n").expect("a head with an end");
    let (head, rest) = (std::str::from_utf8(&stream[..end]).expect("ASCII"), &stream[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = parse_status_line(lines.next().unwrap_or_default());
    let (mut names, mut length, mut closes) = (HashSet::new(), None, false);
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a field");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') && !name.is_empty(), "{line}");
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        assert!(!value.is_empty() && value.trim() == value, "{line}");
        assert!(names.insert(name), "{name} twice");
        match name {
            "Content-Length" => length = Some(value.parse::<usize>().expect("a number")),
            "Connection" => closes = value == "close",
            "Location" => assert!(!value.contains(' '), "{line}"),
            _ => {}
        }
    }
    assert!(names.contains("Date") && names.contains("X-Content-Type-Options"), "{head}");
    assert_eq!(length.is_none(), status == 204, "{head}");
    assert_eq!(names.contains("Location"), (300..400).contains(&status), "{head}");
    // No body begins like a reply: that of a HEAD is left out.
    let has_body = !rest.is_empty() && !rest.starts_with(b"HTTP/1.1 ");
    let body = if has_body { length.unwrap_or(0) } else { 0 };
    (Reply { status, closes }, rest.get(body..).expect("a whole body"))
}

fn parse_status_line(line: &str) -> u16 {
    let (status, phrase) = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split_once(' ')).expect("a status line");
    assert!(
        !phrase.is_empty() && phrase.bytes().all(|byte| byte.is_ascii_alphabetic() || b" -".contains(&byte)),
        "{line}"
    );
    assert_eq!(status.len(), 3, "{line}");
    status.parse().expect("a status")
}
