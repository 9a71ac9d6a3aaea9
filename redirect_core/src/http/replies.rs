//! The first lines of replies: made anew each second, because of their Date, and then only copied.

use std::time::{Duration, UNIX_EPOCH};

use httpdate::fmt_http_date;

use crate::http::answers::phrase;
use crate::http::head::Persistence;

/// Statuses of redirects (RFC 9110 §15.4, less 300, 304 and 305); entries hold an index into them.
pub const REDIRECT_STATUSES: [u16; 5] = [301, 302, 303, 307, 308];
/// Of a link that has none of its own.
pub const DEFAULT_CACHE_CONTROL: &[u8] = b"private, max-age=0";

/// Everything that stands before the fields of one reply's own, for one second.
pub struct ReplyStarts {
    up_to_target: Vec<u8>,
    /// By [`Persistence`], by index into [`REDIRECT_STATUSES`]: all before the target.
    redirects: [[Vec<u8>; REDIRECT_STATUSES.len()]; 3],
    /// By [`Persistence`].
    common: [Vec<u8>; 3],
    second: Option<u64>,
}

impl ReplyStarts {
    /// Starts with this Referrer-Policy; `at` must be called before the first reply.
    #[must_use]
    pub fn new(referrer_policy: &str) -> Self {
        Self {
            up_to_target: format!("Referrer-Policy: {referrer_policy}\r\nLocation: ").into_bytes(),
            redirects: Default::default(),
            common: Default::default(),
            second: None,
        }
    }

    /// Date replies from now on with this second since the Unix epoch.
    #[inline]
    pub fn at(&mut self, second: u64) {
        if self.second != Some(second) {
            self.make(second);
        }
    }

    #[cold]
    fn make(&mut self, second: u64) {
        self.second = Some(second);
        // No date later than that can be written with four digits.
        let date = fmt_http_date(UNIX_EPOCH + Duration::from_secs(second.min(LAST_SECOND)));
        for (persistence, line) in CONNECTION.iter().enumerate() {
            let common = format!("Date: {date}\r\nX-Content-Type-Options: nosniff\r\n{line}").into_bytes();
            for (index, &status) in REDIRECT_STATUSES.iter().enumerate() {
                self.redirects[persistence][index] = [&status_line(status)[..], &common, &self.up_to_target].concat();
            }
            self.common[persistence] = common;
        }
    }

    /// All of a redirect before its target; `status`: an index into [`REDIRECT_STATUSES`].
    #[must_use]
    #[inline]
    pub fn redirect(&self, status: usize, persistence: Persistence) -> &[u8] {
        &self.redirects[persistence as usize][status]
    }

    /// Write the start of a reply that is no redirect.
    pub fn write_other(&self, status: u16, persistence: Persistence, out: &mut Vec<u8>) {
        out.extend_from_slice(&status_line(status));
        out.extend_from_slice(&self.common[persistence as usize]);
    }
}

fn status_line(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} {}\r\n", phrase(status)).into_bytes()
}

const CONNECTION: [&str; 3] = ["", "Connection: close\r\n", "Connection: keep-alive\r\n"]; // by Persistence
const LAST_SECOND: u64 = 253_402_300_799; // the end of the year 9999

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirects_start_is_dated_and_ends_at_its_target() {
        let mut starts = ReplyStarts::new("no-referrer");
        starts.at(784_111_777); // RFC 9110 §5.6.7
        let expected = "HTTP/1.1 302 Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Content-Type-Options: nosniff\r\n\
            Connection: close\r\nReferrer-Policy: no-referrer\r\nLocation: ";
        assert_eq!(starts.redirect(1, Persistence::Close), expected.as_bytes());
    }

    #[test]
    fn any_second_has_a_date() {
        ReplyStarts::new("no-referrer").at(u64::MAX);
    }
}
