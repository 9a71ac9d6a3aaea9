//! Where a head ends in a stream of bytes, and when it is refused before that.
//!
//! The verdict on a stream never depends on how it was cut into reads: each check asks for the first byte at
//! which it is decided.

use memchr::memmem;

use crate::http::answers::Answer;
use crate::http::line::{Line, can_be_line};
use crate::http::{MAX_FIELDS, MAX_HEAD_BYTES, MAX_REQUEST_LINE_BYTES};

/// What is known of the head at the start of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It goes on after them.
    NotYet,
    /// It is refused before it ends.
    Refused(Early),
    /// It is whole: its line, where its fields begin, and the first byte after it.
    Head {
        /// Its first line.
        line: Line,
        /// Offset of its first field.
        fields_at: usize,
        /// Offset of what follows it.
        end: usize,
    },
}

/// A head that is refused before it ends; `line` is `None` when not even that was well-formed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Early {
    /// The answer it gets.
    pub answer: Answer,
    /// Its line.
    pub line: Option<Line>,
}

/// Looks for the end of one head after another, and searches no byte twice when a head comes in pieces.
#[derive(Default)]
pub struct HeadFinder {
    /// Of the unfinished head, once it is complete.
    pub line: Option<Line>,
    // Offsets from the head's first byte; no head is longer than 8 KiB.
    fields_at: u16,
    searched: u16,
    counted: u16,
    field_count: u16,
}

impl HeadFinder {
    /// The head that `data` begins with. After `NotYet` the next call must get the same head with more bytes behind.
    #[allow(clippy::cast_possible_truncation)] // offsets within a head
    pub fn find(&mut self, data: &[u8]) -> Found {
        if self.line.is_none() {
            if let Some(answer) = self.find_line(data) {
                return Found::Refused(Early { answer, line: None });
            }
        }
        let Some(line) = self.line else {
            return Found::NotYet;
        };
        let limit = data.len().min(MAX_HEAD_BYTES);
        let searched = usize::from(self.searched);
        let found = memmem::find(&data[searched..limit], b"\r\n\r\n").map(|at| searched + at);
        let seen_to = found.map_or(limit, |at| at + 2);
        self.field_count += count_line_ends(&data[usize::from(self.counted)..seen_to]) as u16;
        if usize::from(self.field_count) > MAX_FIELDS || (found.is_none() && data.len() >= MAX_HEAD_BYTES) {
            return Found::Refused(Early { answer: Answer::HeadTooLarge, line: Some(line) });
        }
        if let Some(at) = found {
            let fields_at = usize::from(self.fields_at);
            *self = Self::default();
            return Found::Head { line, fields_at, end: at + 4 };
        }
        self.searched = self.searched.max(data.len().saturating_sub(3) as u16);
        // Half a line end is counted with its other half.
        self.counted = (data.len() - usize::from(data.ends_with(b"\r"))) as u16;
        Found::NotYet
    }

    /// Note the line if it is complete, else say what is wrong with what there is of it.
    ///
    /// A line may come byte by byte, and `can_be_line` looks at all of it each time: at most 2 KiB.
    #[allow(clippy::cast_possible_truncation)] // a line fits into 2 KiB
    fn find_line(&mut self, data: &[u8]) -> Option<Answer> {
        let window = &data[..data.len().min(MAX_REQUEST_LINE_BYTES + 2)];
        let Some(line_end) = memmem::find(window, b"\r\n") else {
            let too_long = window.get(MAX_REQUEST_LINE_BYTES).is_some_and(|&byte| byte != b'\r');
            let shown = if too_long { &window[..=MAX_REQUEST_LINE_BYTES] } else { window };
            if !can_be_line(shown) {
                return Some(Answer::BadRequest);
            }
            return too_long.then_some(Answer::UriTooLong);
        };
        let Some(line) = Line::parse(&data[..line_end]) else {
            return Some(Answer::BadRequest);
        };
        self.line = Some(line);
        self.fields_at = line_end as u16 + 2;
        self.searched = line_end as u16; // a head without fields ends in the line's own CRLF and one more
        self.counted = self.fields_at;
        None
    }
}

fn count_line_ends(data: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', data).filter(|&at| at > 0 && data[at - 1] == b'\r').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first verdict when `data` comes in pieces that end at `cuts` and at its end.
    fn verdict(data: &[u8], mut cuts: Vec<usize>) -> Found {
        cuts.push(data.len());
        cuts.sort_unstable();
        let mut finder = HeadFinder::default();
        cuts.into_iter()
            .map(|end| finder.find(&data[..end]))
            .find(|found| *found != Found::NotYet)
            .unwrap_or(Found::NotYet)
    }

    #[test]
    fn a_head_ends_behind_its_first_empty_line() {
        let data = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /";
        assert!(matches!(verdict(data, vec![]), Found::Head { fields_at: 16, end: 27, .. }));
        assert!(matches!(verdict(b"GET / HTTP/1.1\r\n\r\n", vec![]), Found::Head { fields_at: 16, end: 18, .. }));
    }

    #[test]
    fn limits_hold_whatever_one_read_brings() {
        let long = [&b"GET /"[..], &[b'a'; 4_000], b" HTTP/1.1\r\n\r\n"].concat();
        assert!(matches!(verdict(&long, vec![]), Found::Refused(Early { answer: Answer::UriTooLong, .. })));
        let large = [&b"GET / HTTP/1.1\r\nX: "[..], &[b'a'; 9_000], b"\r\n\r\n"].concat();
        assert!(matches!(verdict(&large, vec![]), Found::Refused(Early { answer: Answer::HeadTooLarge, .. })));
        let many = [&b"GET / HTTP/1.1\r\n"[..], &b"X: y\r\n".repeat(65), b"\r\n"].concat();
        assert!(matches!(verdict(&many, vec![]), Found::Refused(Early { answer: Answer::HeadTooLarge, .. })));
    }

    proptest! {
        #[test]
        fn the_verdict_does_not_depend_on_the_cuts(
            pieces in prop::collection::vec(prop::sample::select(vec![
                &b"GET /a HTTP/1.1\r\n"[..], b"Host: a\r\n", b"\r\n", b"\r", b"\n", b" ", b"x", b"X: y\r\nZ: w\r\n",
            ]), 0..90),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let data = pieces.concat();
            let cuts = cuts.iter().map(|cut| cut.index(data.len() + 1)).collect();
            prop_assert_eq!(verdict(&data, cuts), verdict(&data, (0..data.len()).collect()));
        }
    }
}
