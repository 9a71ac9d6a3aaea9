//! The fields of a head: all that the edge wants to know of them, read once and judged in the table's order.

use httparse::{EMPTY_HEADER, Header, Status, parse_headers};

use crate::http::MAX_FIELDS;

/// What the fields of one head say. Whether that is allowed depends on the line too: `judge` decides.
#[allow(clippy::struct_excessive_bools)] // each is one line of docs/http.md
#[derive(Default, Debug)]
pub struct Fields<'a> {
    /// How many Host fields there are.
    pub host_count: usize,
    /// The Host as sent; `None`: absent, or not a host[:port].
    pub authority: Option<&'a [u8]>,
    /// The same without its port.
    pub host: Option<&'a [u8]>,
    /// There is some.
    pub transfer_encoding: bool,
    /// Content-Length is no number, or two differ.
    pub length_malformed: bool,
    /// There is a Content-Length that is not a single plain `0`.
    pub has_body: bool,
    /// There is an Expect.
    pub expects: bool,
    /// There is an Upgrade.
    pub upgrades: bool,
    /// Connection names `close`.
    pub close: bool,
    /// Connection names `keep-alive`.
    pub keep_alive: bool,
    /// Sec-Purpose or one of its forerunners says that nobody may ever look at the answer.
    pub prefetch: bool,
    /// DNT or Sec-GPC asks not to be tracked.
    pub untracked: bool,
    /// Referer; empty if absent, as the next two.
    pub referrer: &'a [u8],
    /// User-Agent.
    pub user_agent: &'a [u8],
    /// Accept-Language.
    pub language: &'a [u8],
    /// X-Forwarded-For, several joined by commas; `None`: absent. The second likewise: Forwarded (RFC 7239).
    pub forwarded_for: Option<Joined<'a>>,
    /// Forwarded.
    pub forwarded: Option<Joined<'a>>,
}

/// A list field; one that came in several lines is one list (RFC 9110 §5.3).
pub type Joined<'a> = std::borrow::Cow<'a, [u8]>;

impl<'a> Fields<'a> {
    /// Read the fields of `block`, which ends in the empty line behind them. `None`: a name, a value or a line end
    /// breaks a rule (400).
    #[must_use]
    pub fn parse(block: &'a [u8]) -> Option<Self> {
        let mut headers = [EMPTY_HEADER; MAX_FIELDS];
        // It takes a bare LF for a line end.
        if !memchr::memchr_iter(b'\n', block).all(|at| at > 0 && block[at - 1] == b'\r') {
            return None;
        }
        match parse_headers(block, &mut headers) {
            Ok(Status::Complete((length, headers))) if length == block.len() => Self::read(headers),
            _ => None,
        }
    }

    fn read(headers: &[Header<'a>]) -> Option<Self> {
        let mut fields = Self::default();
        let mut length = None;
        let (mut referrer, mut user_agent, mut language) = (None, None, None);
        for header in headers {
            let name = header.name.as_bytes();
            let value = trim(header.value);
            match name.len() {
                3 if is(name, b"dnt") => fields.untracked |= value == b"1",
                4 if is(name, b"host") => fields.take_host(value),
                5 if is(name, b"x-moz") => fields.prefetch |= is_ahead(value),
                6 if is(name, b"expect") => fields.expects = true,
                7 if is(name, b"referer") => _ = referrer.get_or_insert(value),
                7 if is(name, b"upgrade") => fields.upgrades = true,
                7 if is(name, b"purpose") => fields.prefetch |= is_ahead(value),
                7 if is(name, b"sec-gpc") => fields.untracked |= value == b"1",
                9 if is(name, b"forwarded") => join(&mut fields.forwarded, value),
                10 if is(name, b"user-agent") => _ = user_agent.get_or_insert(value),
                10 if is(name, b"connection") => {
                    fields.close |= tokens(value, b",").any(|token| is(token, b"close"));
                    fields.keep_alive |= tokens(value, b",").any(|token| is(token, b"keep-alive"));
                }
                9 if is(name, b"x-purpose") => fields.prefetch |= is_ahead(value),
                11 if is(name, b"sec-purpose") => fields.prefetch |= is_ahead(value),
                14 if is(name, b"content-length") => fields.take_length(value, &mut length),
                15 if is(name, b"accept-language") => _ = language.get_or_insert(value),
                15 if is(name, b"x-forwarded-for") => join(&mut fields.forwarded_for, value),
                17 if is(name, b"transfer-encoding") => fields.transfer_encoding = true,
                // A `_` is confused with `-` by CGI-like programs behind proxies.
                _ if name.contains(&b'_') => return None,
                _ => {}
            }
        }
        fields.referrer = referrer.unwrap_or_default();
        fields.user_agent = user_agent.unwrap_or_default();
        fields.language = language.unwrap_or_default();
        Some(fields)
    }

    fn take_host(&mut self, value: &'a [u8]) {
        self.host_count += 1;
        if self.host_count == 1 {
            self.host = host_of(value);
            self.authority = self.host.map(|_| value);
        }
    }

    fn take_length(&mut self, value: &'a [u8], before: &mut Option<&'a [u8]>) {
        let differs = before.is_some_and(|before| before != value);
        self.length_malformed |= differs || value.is_empty() || !value.iter().all(u8::is_ascii_digit);
        self.has_body |= before.is_some() || value != b"0";
        *before = Some(value);
    }
}

/// RFC 9110 §5.6.2.
#[must_use]
#[inline]
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// The host of a `host[:port]` (RFC 9110 §7.2), narrowed to what hosts are: a name, an IPv4 address, or an IPv6 address
/// in brackets. `None`: it is none.
fn host_of(value: &[u8]) -> Option<&[u8]> {
    let end = if value.first() == Some(&b'[') {
        let end = memchr::memchr(b']', value)?;
        let is_address = (2..=45).contains(&(end - 1))
            && value[1..end].iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
        is_address.then_some(end + 1)?
    } else {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let end = value.iter().position(|byte| !is_name(byte)).unwrap_or(value.len());
        (1..=255).contains(&end).then_some(end)?
    };
    match &value[end..] {
        [] => Some(&value[..end]),
        [b':', port @ ..] if (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit) => {
            Some(&value[..end])
        }
        _ => None,
    }
}

#[inline]
fn is(text: &[u8], lower: &[u8]) -> bool {
    text.eq_ignore_ascii_case(lower)
}

/// Sec-Purpose (Fetch standard: `prefetch`, `prefetch;prerender`), or what browsers sent before: Purpose, Firefox's X-Moz
/// (`prefetch`), and X-Purpose of Safari, which loads pages for their pictures (`preview`).
fn is_ahead(value: &[u8]) -> bool {
    tokens(value, b",;").any(|one| is(one, b"prefetch") || is(one, b"preview"))
}

fn tokens<'a>(value: &'a [u8], separators: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    value.split(|byte| separators.contains(byte)).map(trim)
}

fn join<'a>(list: &mut Option<Joined<'a>>, value: &'a [u8]) {
    match list {
        None => *list = Some(Joined::Borrowed(value)),
        Some(list) => {
            let list = list.to_mut();
            list.push(b',');
            list.extend_from_slice(value);
        }
    }
}

/// Without the blanks around it, which are none of a field's value (RFC 9110 §5.5).
pub fn trim(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(byte)).map_or(start, |at| at + 1);
    &value[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(block: &[u8]) -> Option<Fields<'_>> {
        Fields::parse(block)
    }

    #[test]
    fn a_host_is_told_from_its_port() {
        for (value, host) in
            [("go.example", "go.example"), ("a:80", "a"), ("[::1]:8080", "[::1]"), ("[2001:db8::1]", "[2001:db8::1]")]
        {
            assert_eq!(host_of(value.as_bytes()), Some(host.as_bytes()));
        }
        for value in ["", ":80", "a:", "a:x", "a:123456", "a b", "me@a", "[::1", "[]", "a/b", "a,b"] {
            assert_eq!(host_of(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn what_httparse_lets_pass_is_refused() {
        for block in
            [&b"A: b\n\r\n"[..], b"A_b: c\r\n\r\n", b"A: b\r\n\nC: d\r\n\r\n", b" A: b\r\n\r\n", b"A : b\r\n\r\n"]
        {
            assert!(parse(block).is_none(), "{block:?}");
        }
        assert!(parse(b"A: b\r\n\r\n").is_some());
    }

    #[test]
    fn lists_that_came_in_several_lines_are_one() {
        let fields =
            parse(b"X-Forwarded-For: a\r\nConnection: x, Close\r\nx-forwarded-for:\tb \r\n\r\n").expect("good fields");
        assert_eq!(fields.forwarded_for.as_deref(), Some(&b"a,b"[..]));
        assert!(fields.close && !fields.keep_alive);
    }

    #[test]
    fn a_length_is_a_number_and_one() {
        for (block, malformed, body) in [
            ("Content-Length: 0\r\n\r\n", false, false),
            ("Content-Length: 00\r\n\r\n", false, true),
            ("Content-Length: 0\r\nContent-Length: 0\r\n\r\n", false, true),
            ("Content-Length: 0\r\nContent-Length: 1\r\n\r\n", true, true),
            ("Content-Length:\r\n\r\n", true, true),
        ] {
            let fields = parse(block.as_bytes()).expect("good fields");
            assert_eq!((fields.length_malformed, fields.has_body), (malformed, body), "{block:?}");
        }
    }
}
