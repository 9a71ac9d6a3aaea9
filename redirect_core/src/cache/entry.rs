//! A link as the cache keeps it: a header of 32 bytes, its code, its target, and what few links have besides.

use crate::http::{Answer, DEFAULT_CACHE_CONTROL};

/// Bytes of an entry before its code.
pub const HEADER_BYTES: usize = 32;
/// Entries begin at multiples of this, so that 32 bits say where one is in up to 16 GiB.
pub const UNIT_BYTES: usize = 4;

/// Times of the monotonic clock, in sixteenths of a second: 32 bits of them last for eight years.
pub type Ticks = u32;

const UNITS_AT: usize = 0; // u16
const TARGET_LENGTH_AT: usize = 2; // u16
const EXTRA_LENGTH_AT: usize = 4; // u16
const DOMAIN_AT: usize = 6; // u16
const CODE_LENGTH_AT: usize = 8;
const STATUS_AT: usize = 9;
const FLAGS_AT: usize = 10;
const FREQUENCY_AT: usize = 11;
const ASKED_AT: usize = 12; // Ticks
const REFRESH_AT: usize = 16; // Ticks
const FRESH_UNTIL_AT: usize = 20; // Ticks
const VERSION_AT: usize = 24; // u64

const GONE: u8 = 1; // its bytes wait for the end of their ring to pass
const STALE: u8 = 2; // an old copy that is served because no store answers
const LIMITED: u8 = 4; // `Limits` must be looked at
const OWN_CACHE_CONTROL: u8 = 8;
const MAX_FREQUENCY: u8 = 3;

/// What must be looked at each time a link is served; most links have none of it. Times in ms since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits<'a> {
    /// Its reply can't be prepared: 500.
    pub broken: bool,
    /// 404.
    pub disabled: bool,
    /// Earlier: 404.
    pub not_before: Option<u64>,
    /// From then on `expired_target`, or 410.
    pub expires_at: Option<u64>,
    /// Where it leads then; `None`: nowhere.
    pub expired_target: Option<&'a [u8]>,
    /// The visitor's query is added to the target.
    pub forward_query: bool,
}

/// A link to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// The link's.
    pub version: u64,
    /// Index of its domain.
    pub domain: u16,
    /// 1 to 64 bytes.
    pub code: &'a [u8],
    /// Index into `REDIRECT_STATUSES`.
    pub status: u8,
    /// Where it leads; at most 8,000 bytes, each of which may stand in a head.
    pub target: &'a [u8],
    /// Of its reply.
    pub cache_control: &'a [u8],
    /// `Limits::default()`: none.
    pub limits: Limits<'a>,
}

impl NewEntry<'_> {
    /// Put the entry into `out`, whose former content is lost; its times are still to be set. False: it is too large.
    pub fn encode(&self, out: &mut Vec<u8>) -> bool {
        out.clear();
        out.resize(HEADER_BYTES, 0);
        out.extend_from_slice(self.code);
        out.extend_from_slice(self.target);
        let extra_at = out.len();
        let mut flags = 0;
        if self.cache_control != DEFAULT_CACHE_CONTROL {
            flags |= OWN_CACHE_CONTROL;
            push_text(out, self.cache_control);
        }
        if self.limits != Limits::default() {
            flags |= LIMITED;
            self.limits.encode(out);
        }
        let extra_bytes = out.len() - extra_at;
        out.resize(out.len().next_multiple_of(UNIT_BYTES), 0);
        let (Ok(units), Ok(target_bytes), Ok(extra_bytes), Ok(code_bytes)) = (
            u16::try_from(out.len() / UNIT_BYTES),
            u16::try_from(self.target.len()),
            u16::try_from(extra_bytes),
            u8::try_from(self.code.len()),
        ) else {
            return false;
        };
        put(out, UNITS_AT, units.to_le_bytes());
        put(out, TARGET_LENGTH_AT, target_bytes.to_le_bytes());
        put(out, EXTRA_LENGTH_AT, extra_bytes.to_le_bytes());
        put(out, DOMAIN_AT, self.domain.to_le_bytes());
        put(out, CODE_LENGTH_AT, [code_bytes, self.status, flags, 0]);
        put(out, VERSION_AT, self.version.to_le_bytes());
        true
    }
}

/// A link that is cached: a view of its bytes.
#[derive(Clone, Copy)]
pub struct Entry<'a>(pub &'a [u8]);

impl<'a> Entry<'a> {
    /// All its bytes, padding included.
    #[must_use]
    #[inline]
    pub fn size(&self) -> usize {
        usize::from(self.u16(UNITS_AT)) * UNIT_BYTES
    }

    /// The link's version.
    #[must_use]
    pub fn version(&self) -> u64 {
        u64::from_le_bytes(self.array(VERSION_AT))
    }

    /// Whether it is of this link.
    #[must_use]
    #[inline]
    pub fn is_of(&self, domain: u16, code: &[u8]) -> bool {
        self.u16(DOMAIN_AT) == domain && self.code() == code
    }

    /// Index of its domain.
    #[must_use]
    pub fn domain(&self) -> u16 {
        self.u16(DOMAIN_AT)
    }

    /// The link's code.
    #[must_use]
    #[inline]
    pub fn code(&self) -> &'a [u8] {
        &self.0[HEADER_BYTES..HEADER_BYTES + self.code_bytes()]
    }

    /// Where it leads.
    #[must_use]
    #[inline]
    pub fn target(&self) -> &'a [u8] {
        let at = HEADER_BYTES + self.code_bytes();
        &self.0[at..at + usize::from(self.u16(TARGET_LENGTH_AT))]
    }

    /// Index into `REDIRECT_STATUSES`.
    #[must_use]
    #[inline]
    pub fn status(&self) -> usize {
        usize::from(self.0[STATUS_AT])
    }

    /// True if it may be sent as it is, until its time to be refreshed: no limits, no copy held over.
    #[must_use]
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.0[FLAGS_AT] & (LIMITED | STALE) == 0
    }

    /// True for a copy past its lifetime that is served because no store answers.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.0[FLAGS_AT] & STALE != 0
    }

    /// True once it is removed.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0[FLAGS_AT] & GONE != 0
    }

    /// How often it was found of late: 0 to 3.
    #[must_use]
    #[inline]
    pub fn frequency(&self) -> u8 {
        self.0[FREQUENCY_AT]
    }

    /// When it was read from a store, at the earliest.
    #[must_use]
    #[inline]
    pub fn asked_at(&self) -> Ticks {
        self.u32(ASKED_AT)
    }

    /// From then on it is asked for anew in the background.
    #[must_use]
    #[inline]
    pub fn refresh_at(&self) -> Ticks {
        self.u32(REFRESH_AT)
    }

    /// The end of its lifetime.
    #[must_use]
    #[inline]
    pub fn fresh_until(&self) -> Ticks {
        self.u32(FRESH_UNTIL_AT)
    }

    /// Its Cache-Control.
    #[must_use]
    #[inline]
    pub fn cache_control(&self) -> &'a [u8] {
        if self.0[FLAGS_AT] & OWN_CACHE_CONTROL == 0 {
            return DEFAULT_CACHE_CONTROL;
        }
        take_text(&mut self.extra())
    }

    /// What must be looked at when it is served.
    #[must_use]
    pub fn limits(&self) -> Limits<'a> {
        let mut extra = self.extra();
        if self.0[FLAGS_AT] & OWN_CACHE_CONTROL != 0 {
            take_text(&mut extra);
        }
        if self.0[FLAGS_AT] & LIMITED == 0 { Limits::default() } else { Limits::decode(extra) }
    }

    fn extra(&self) -> &'a [u8] {
        let at = HEADER_BYTES + self.code_bytes() + usize::from(self.u16(TARGET_LENGTH_AT));
        &self.0[at..at + usize::from(self.u16(EXTRA_LENGTH_AT))]
    }

    #[inline]
    fn code_bytes(&self) -> usize {
        usize::from(self.0[CODE_LENGTH_AT])
    }

    #[inline]
    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    #[inline]
    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    #[inline]
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.0[at..at + N]);
        bytes
    }
}

/// Changes of an entry where it lies.
pub struct EntryMut<'a>(pub &'a mut [u8]);

impl EntryMut<'_> {
    /// It was found.
    #[inline]
    pub fn touch(&mut self) {
        if self.0[FREQUENCY_AT] < MAX_FREQUENCY {
            self.0[FREQUENCY_AT] += 1;
        }
    }

    /// How often it counts as found.
    pub fn set_frequency(&mut self, frequency: u8) {
        self.0[FREQUENCY_AT] = frequency;
    }

    /// It is removed.
    pub fn remove(&mut self) {
        self.0[FLAGS_AT] |= GONE;
    }

    /// It was read from a store: it may be served without asking until `fresh_until`.
    pub fn confirm(&mut self, asked_at: Ticks, refresh_at: Ticks, fresh_until: Ticks) {
        self.0[FLAGS_AT] &= !STALE;
        put(self.0, ASKED_AT, asked_at.to_le_bytes());
        put(self.0, REFRESH_AT, refresh_at.to_le_bytes());
        put(self.0, FRESH_UNTIL_AT, fresh_until.to_le_bytes());
    }

    /// No store answers: ask again at `until`, and not before.
    pub fn hold_over(&mut self, until: Ticks, is_fresh: bool) {
        if is_fresh {
            put(self.0, REFRESH_AT, until.to_le_bytes());
        } else {
            self.0[FLAGS_AT] |= STALE;
            put(self.0, FRESH_UNTIL_AT, until.to_le_bytes());
        }
    }
}

/// Bytes of a ring that no entry takes: `units` of them are passed over at once.
pub fn encode_filler(units: u16, out: &mut [u8]) {
    put(out, UNITS_AT, units.to_le_bytes());
    out[FLAGS_AT] = GONE;
}

impl<'a> Limits<'a> {
    const BROKEN: u8 = 1;
    const DISABLED: u8 = 2;
    const NOT_BEFORE: u8 = 4;
    const EXPIRES: u8 = 8;
    const EXPIRED_TARGET: u8 = 16;
    const FORWARD_QUERY: u8 = 32;

    fn encode(&self, out: &mut Vec<u8>) {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        out.push(
            flag(self.broken, Self::BROKEN)
                | flag(self.disabled, Self::DISABLED)
                | flag(self.not_before.is_some(), Self::NOT_BEFORE)
                | flag(self.expires_at.is_some(), Self::EXPIRES)
                | flag(self.expired_target.is_some(), Self::EXPIRED_TARGET)
                | flag(self.forward_query, Self::FORWARD_QUERY),
        );
        for time in [self.not_before, self.expires_at].into_iter().flatten() {
            out.extend_from_slice(&time.to_le_bytes());
        }
        out.extend_from_slice(self.expired_target.unwrap_or_default());
    }

    fn decode(bytes: &'a [u8]) -> Self {
        let Some((&flags, mut rest)) = bytes.split_first() else {
            return Self::default();
        };
        let mut time = |flag: u8| {
            let (time, after) = rest.split_first_chunk().filter(|_| flags & flag != 0)?;
            rest = after;
            Some(u64::from_le_bytes(*time))
        };
        let (not_before, expires_at) = (time(Self::NOT_BEFORE), time(Self::EXPIRES));
        Self {
            broken: flags & Self::BROKEN != 0,
            disabled: flags & Self::DISABLED != 0,
            not_before,
            expires_at,
            expired_target: (flags & Self::EXPIRED_TARGET != 0).then_some(rest),
            forward_query: flags & Self::FORWARD_QUERY != 0,
        }
    }
}

/// What a link leads to now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leads<'a> {
    /// Somewhere.
    To {
        /// Index into `REDIRECT_STATUSES`.
        status: usize,
        /// Where; the visitor's query is still to be added if so it says.
        target: &'a [u8],
        /// Of the reply.
        cache_control: &'a [u8],
        /// Whether the visitor's query is added.
        with_query: bool,
    },
    /// Nowhere.
    Nowhere(Answer),
}

impl<'a> Entry<'a> {
    /// What to answer at this time (ms since the epoch).
    #[must_use]
    pub fn leads(&self, now_ms: u64) -> Leads<'a> {
        let limits = self.limits();
        let expired = limits.expires_at.is_some_and(|end| now_ms >= end);
        match limits {
            Limits { broken: true, .. } => Leads::Nowhere(Answer::InternalError),
            Limits { disabled: true, .. } => Leads::Nowhere(Answer::NotFound),
            Limits { not_before: Some(start), .. } if now_ms < start => Leads::Nowhere(Answer::NotFound),
            Limits { expired_target: None, .. } if expired => Leads::Nowhere(Answer::Gone),
            // The link's own Cache-Control was meant for its target, not for where it leads when that is over.
            Limits { expired_target: Some(target), .. } if expired => {
                Leads::To { status: FOUND, target, cache_control: DEFAULT_CACHE_CONTROL, with_query: false }
            }
            Limits { forward_query, .. } => Leads::To {
                status: self.status(),
                target: self.target(),
                cache_control: self.cache_control(),
                with_query: forward_query,
            },
        }
    }

    /// False for a link that is known to be disabled: an old copy of that is never served.
    #[must_use]
    pub fn may_be_stale(&self) -> bool {
        !self.limits().disabled
    }
}

const FOUND: usize = 1; // 302 in REDIRECT_STATUSES

#[inline]
fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

#[allow(clippy::cast_possible_truncation)] // a Cache-Control is far shorter; what is not makes `encode` fail
fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text);
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return &[];
    };
    let (text, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    *bytes = rest;
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_entry_says_what_it_was_made_of(
            version: u64, domain: u16, code in "[0-9A-Za-z_-]{1,64}", status in 0..5_u8, target in "[!-~]{1,300}",
            cache_control in "[ -~]{1,40}", broken: bool, disabled: bool, not_before: Option<u64>,
            expires_at: Option<u64>, expired_target in prop::option::of("[!-~]{1,300}"), forward_query: bool,
        ) {
            let limits = Limits {
                broken, disabled, not_before, expires_at, forward_query,
                expired_target: expired_target.as_ref().map(String::as_bytes),
            };
            let new = NewEntry {
                version, domain, code: code.as_bytes(), status, target: target.as_bytes(),
                cache_control: cache_control.as_bytes(), limits,
            };
            let mut bytes = Vec::new();
            prop_assert!(new.encode(&mut bytes));
            let entry = Entry(&bytes);
            prop_assert_eq!(entry.size(), bytes.len());
            prop_assert!(entry.is_of(domain, code.as_bytes()));
            prop_assert_eq!((entry.version(), entry.status()), (version, usize::from(status)));
            prop_assert_eq!((entry.target(), entry.cache_control()), (target.as_bytes(), cache_control.as_bytes()));
            prop_assert_eq!(entry.limits(), limits);
            prop_assert_eq!(entry.is_plain(), limits == Limits::default());
        }
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let (target, limits) = (vec![b'x'; 70_000], Limits::default());
        let new =
            NewEntry { version: 1, domain: 0, code: b"a", status: 1, target: &target, cache_control: b"x", limits };
        assert!(!new.encode(&mut Vec::new()));
    }
}
