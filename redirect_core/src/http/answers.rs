//! Every answer that is no redirect.

use std::io::Write;

/// All statuses that a reply may have, in the order of the counters.
pub const STATUSES: [u16; 21] =
    [200, 204, 301, 302, 303, 307, 308, 400, 404, 405, 408, 410, 413, 414, 417, 429, 431, 500, 501, 503, 505];

/// Where a status stands in [`STATUSES`]; it must be one of them.
#[must_use]
pub fn status_index(status: u16) -> usize {
    STATUSES.iter().position(|&one| one == status).unwrap_or(STATUSES.len() - 1)
}

/// An answer without a link's target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// 400.
    BadRequest,
    /// 404: absent, disabled, not yet valid, or nothing that a link can have for its path.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 408.
    RequestTimeout,
    /// 410.
    Gone,
    /// 413.
    ContentTooLarge,
    /// 414.
    UriTooLong,
    /// 417.
    ExpectationFailed,
    /// 429: the client's network asked for too many unknown codes; in so many seconds there is a token again.
    TooManyUnknown(u32),
    /// 431.
    HeadTooLarge,
    /// 500: a stored link can't be sent as it is.
    InternalError,
    /// 501.
    NotImplemented,
    /// 503: no store answers, or too many misses are in flight.
    Unavailable,
    /// 505.
    VersionNotSupported,
    /// 204, with the methods there are.
    Options,
    /// What the edge answers for itself at `/`.
    Welcome,
    /// At `/robots.txt`: robots are let in, because link previews come from robots that keep to it.
    Robots,
    /// At `/favicon.ico`: none.
    Favicon,
    /// At `/healthz`.
    Health,
}

impl Answer {
    /// What the edge answers for itself at this path.
    #[must_use]
    pub fn fixed(path: &[u8]) -> Option<Self> {
        match path {
            b"/" => Some(Self::Welcome),
            b"/robots.txt" => Some(Self::Robots),
            b"/favicon.ico" => Some(Self::Favicon),
            b"/healthz" => Some(Self::Health),
            _ => None,
        }
    }

    /// Its status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::Gone => 410,
            Self::ContentTooLarge => 413,
            Self::UriTooLong => 414,
            Self::ExpectationFailed => 417,
            Self::TooManyUnknown(_) => 429,
            Self::HeadTooLarge => 431,
            Self::InternalError => 500,
            Self::NotImplemented => 501,
            Self::Unavailable => 503,
            Self::VersionNotSupported => 505,
            Self::Options | Self::Favicon => 204,
            Self::Welcome | Self::Robots | Self::Health => 200,
        }
    }

    /// Write all of its reply that follows the fields common to all; `is_head`: without the body (RFC 9110 §9.3.2).
    pub fn write_rest(self, is_head: bool, out: &mut Vec<u8>) {
        let status = self.status();
        out.extend_from_slice(match self {
            Self::MethodNotAllowed | Self::Options => ALLOW,
            Self::Unavailable => RETRY,
            _ => b"",
        });
        if let Self::TooManyUnknown(seconds) = self {
            let _ = write!(out, "Retry-After: {seconds}\r\n"); // a Vec takes everything
        }
        let (cache_control, own_body) = match self {
            Self::Welcome => ("public, max-age=3600", Some("edge302: a short-link service\n")),
            Self::Robots => ("public, max-age=86400", Some("User-agent: *\nDisallow:\n")),
            Self::Favicon => ("public, max-age=86400", None),
            Self::Health => ("no-store", Some("ok\n")),
            _ => ("no-store", None),
        };
        let _ = write!(out, "Cache-Control: {cache_control}\r\n");
        if status == 204 {
            out.extend_from_slice(b"\r\n"); // neither body nor Content-Length (RFC 9110 §8.6)
            return;
        }
        // An error's body is the phrase of its status, never anything of the request.
        let phrase = phrase(status);
        let (body, end) = own_body.map_or((phrase, "\n"), |body| (body, ""));
        let length = body.len() + end.len();
        let _ = write!(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n");
        if !is_head {
            out.extend_from_slice(body.as_bytes());
            out.extend_from_slice(end.as_bytes());
        }
    }
}

/// A status's phrase (RFC 9110 §15, RFC 6585).
#[must_use]
pub fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}

const ALLOW: &[u8] = b"Allow: GET, HEAD, OPTIONS\r\n";
const RETRY: &[u8] = b"Retry-After: 1\r\n"; // the store is asked again at once, so a visitor may be back soon

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heads_answer_has_all_but_the_body() {
        let (mut whole, mut head) = (Vec::new(), Vec::new());
        Answer::NotFound.write_rest(false, &mut whole);
        Answer::NotFound.write_rest(true, &mut head);
        assert_eq!(whole, [&head[..], b"Not Found\n"].concat());
    }
}
