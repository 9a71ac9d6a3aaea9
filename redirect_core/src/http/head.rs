//! A whole head: the request it makes, or the refusal it gets, in the order that docs/http.md states.

use crate::http::answers::Answer;
use crate::http::fields::Fields;
use crate::http::line::Line;

/// What a reply says about its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Persistence {
    /// Nothing: HTTP/1.1 stays open.
    Open = 0,
    /// `Connection: close`.
    Close = 1,
    /// `Connection: keep-alive`, echoed to an HTTP/1.0 client that asked for it.
    Kept = 2,
}

/// A request that is understood: GET, HEAD or OPTIONS.
#[derive(Debug)]
pub struct Request<'a> {
    /// It is a HEAD.
    pub is_head: bool,
    /// It is an OPTIONS.
    pub is_options: bool,
    /// Where its target leads, without the query; `*` for some OPTIONS. It begins with a `/` if the target does.
    pub path: &'a [u8],
    /// What stands behind the first `?`; empty if absent.
    pub query: &'a [u8],
    /// What the reply says about the connection.
    pub persistence: Persistence,
    /// What else the head says.
    pub fields: Fields<'a>,
}

/// The verdict on a head.
pub type Judged<'a> = Result<Request<'a>, Answer>;

/// Judge a head whose line and size are in order. `head`: all of it, with its empty line.
///
/// # Errors
/// The answer of the first check that fails.
pub fn judge(line: Line, head: &[u8], fields_at: usize) -> Judged<'_> {
    if !matches!(&line.version, b"11" | b"10") {
        return Err(Answer::VersionNotSupported);
    }
    let (method, target) = (line.method(head), line.target(head));
    let fields = Fields::parse(&head[fields_at..]).ok_or(Answer::BadRequest)?;
    let is_star = target == b"*";
    let absolute = split_absolute(target);
    // The table of docs/http.md from the target's bytes on: the first check that fails answers.
    let checks = [
        (target.iter().all(|&byte| is_target_byte(byte)), Answer::BadRequest),
        (host_is_right(line, &fields), Answer::BadRequest),
        (absolute.as_ref().is_none_or(|absolute| absolute.names(&fields)), Answer::BadRequest),
        (!fields.transfer_encoding, Answer::BadRequest),
        (!fields.length_malformed, Answer::BadRequest),
        (is_known(method), Answer::NotImplemented),
        (method != b"CONNECT" && (!is_star || method == b"OPTIONS"), Answer::BadRequest),
        (is_served(method), Answer::MethodNotAllowed),
        (!fields.has_body, Answer::ContentTooLarge),
        (!fields.expects, Answer::ExpectationFailed),
    ];
    if let Some((_, answer)) = checks.into_iter().find(|(passed, _)| !passed) {
        return Err(answer);
    }
    let is_absolute = absolute.is_some();
    let (path, query) = split_query(absolute.map_or(target, |absolute| absolute.rest));
    Ok(Request {
        is_head: method == b"HEAD",
        is_options: method == b"OPTIONS",
        path: if is_absolute && path.is_empty() { b"/" } else { path },
        query,
        persistence: persistence(line, &fields),
        fields,
    })
}

/// 0x21–0x7E but `#` and `\`.
#[must_use]
#[inline]
pub fn is_target_byte(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'#' | b'\\')
}

fn is_served(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"OPTIONS")
}

fn is_known(method: &[u8]) -> bool {
    is_served(method) || matches!(method, b"POST" | b"PUT" | b"PATCH" | b"DELETE" | b"TRACE" | b"CONNECT")
}

/// RFC 9112 §3.2: exactly one Host; 1.0 may go without.
fn host_is_right(line: Line, fields: &Fields<'_>) -> bool {
    match fields.host_count {
        0 => &line.version == b"10",
        1 => fields.authority.is_some(),
        _ => false,
    }
}

struct Absolute<'a> {
    scheme: &'a [u8],
    authority: &'a [u8],
    /// From the path on.
    rest: &'a [u8],
}

impl Absolute<'_> {
    /// An absolute-form target must name the host that Host names, and a scheme that we serve.
    fn names(&self, fields: &Fields<'_>) -> bool {
        (self.scheme.eq_ignore_ascii_case(b"http") || self.scheme.eq_ignore_ascii_case(b"https"))
            && fields.authority.is_some_and(|authority| authority.eq_ignore_ascii_case(self.authority))
    }
}

/// An absolute-form target in its parts; `None`: it is none.
fn split_absolute(target: &[u8]) -> Option<Absolute<'_>> {
    let colon = memchr::memchr(b':', target)?;
    let (scheme, after) = target.split_at(colon);
    let after = after.strip_prefix(b"://")?;
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'));
    let end = memchr::memchr2(b'/', b'?', after).unwrap_or(after.len());
    is_scheme.then_some(Absolute { scheme, authority: &after[..end], rest: &after[end..] })
}

fn split_query(target: &[u8]) -> (&[u8], &[u8]) {
    memchr::memchr(b'?', target).map_or((target, &[]), |at| (&target[..at], &target[at + 1..]))
}

/// RFC 9112 §9.3; a client that wants to upgrade expects no more HTTP on this connection.
fn persistence(line: Line, fields: &Fields<'_>) -> Persistence {
    if fields.close || fields.upgrades {
        Persistence::Close
    } else if &line.version == b"11" {
        Persistence::Open
    } else if fields.keep_alive {
        Persistence::Kept
    } else {
        Persistence::Close
    }
}
