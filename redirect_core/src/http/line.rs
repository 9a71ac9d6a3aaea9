//! The request line: whether bytes can still become one, and what a whole one says.

use crate::http::fields::is_token;

/// A well-formed line; neither method nor version need be known ones. Its parts are found again in the bytes it is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    method_bytes: u16,
    target_bytes: u16,
    /// Major and minor version, as digits.
    pub version: [u8; 2],
}

impl Line {
    /// What `METHOD SP target SP HTTP/d.d` says (RFC 9112 §3, without its leniencies); `None`: it is no such line.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let rest = line.len().checked_sub(VERSION_SHAPE.len())?;
        let (start, version) = line.split_at(rest);
        let [b' ', b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] = *version else {
            return None;
        };
        let space = memchr::memchr(b' ', start)?;
        let (method, target) = (&start[..space], &start[space + 1..]);
        let well_formed = !method.is_empty()
            && method.iter().all(|&byte| is_token(byte))
            && !target.is_empty()
            && target.iter().all(|&byte| !matches!(byte, b' ' | b'\r' | b'\n'));
        well_formed.then_some(Self {
            method_bytes: u16::try_from(method.len()).ok()?,
            target_bytes: u16::try_from(target.len()).ok()?,
            version: [major, minor],
        })
    }

    /// The method, in the head that this line begins.
    #[must_use]
    pub fn method<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        &head[..usize::from(self.method_bytes)]
    }

    /// The target, likewise.
    #[must_use]
    pub fn target<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        let at = usize::from(self.method_bytes) + 1;
        &head[at..at + usize::from(self.target_bytes)]
    }

    /// Where the target ends, likewise.
    #[must_use]
    pub fn target_end(&self) -> usize {
        usize::from(self.method_bytes) + 1 + usize::from(self.target_bytes)
    }
}

/// True while `start` is the beginning of some well-formed line and its CRLF.
///
/// So a TLS hello, an empty line, a bare CR or LF and a second space are seen at their first byte.
#[must_use]
pub fn can_be_line(start: &[u8]) -> bool {
    let mut parts = start.splitn(3, |&byte| byte == b' ');
    let method = parts.next().unwrap_or_default();
    if !method.iter().all(|&byte| is_token(byte)) {
        return false;
    }
    let Some(target) = parts.next() else {
        return true;
    };
    let version = parts.next();
    !method.is_empty()
        && !target.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
        && version.is_none_or(|version| !target.is_empty() && can_be_version(version))
}

fn can_be_version(start: &[u8]) -> bool {
    start.len() < VERSION_SHAPE.len() + 2
        && start.iter().zip(b"HTTP/0.0\r\n").all(|(&byte, &shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => byte == shape,
        })
}

const VERSION_SHAPE: &[u8] = b" HTTP/d.d";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_three_parts_and_two_spaces() {
        let text = b"GET /known01?a HTTP/1.1";
        let line = Line::parse(text).expect("a good line");
        assert_eq!((line.method(text), line.target(text), line.version), (&b"GET"[..], &b"/known01?a"[..], *b"11"));
        for bad in [
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            " GET / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET /\r HTTP/1.1",
            "GET /",
            "",
        ] {
            assert_eq!(Line::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn every_beginning_of_a_line_can_become_one() {
        let line = b"BREW * HTTP/9.9\r\n";
        assert!((0..=line.len()).all(|end| can_be_line(&line[..end])));
    }

    #[test]
    fn what_can_become_no_line_shows_at_its_first_bad_byte() {
        for (good, bad) in
            [("", "\r"), ("GET", "\t"), ("GET /a", "\n"), ("GET ", " "), ("GET / ", "h"), ("GET / HTTP/1.1", "1")]
        {
            assert!(can_be_line(good.as_bytes()), "{good:?}");
            assert!(!can_be_line(format!("{good}{bad}").as_bytes()), "{good:?} and {bad:?}");
        }
    }
}
