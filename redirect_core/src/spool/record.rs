//! A record: one click's payload, and the commit word in front of it.

use crate::codes::{CODE_BYTES, pack_code, unpack_code};
use crate::spool::bytes::{read_u32, read_u64};
use crate::spool::visitor::{self, MAX_VISITOR_BYTES};

/// Flag of a record: a HEAD request.
pub const HEAD: u8 = 1;
/// Flag of a record: `Sec-Purpose` or one of its forerunners said prefetch or preview.
pub const PREFETCH: u8 = 2;
/// Flag of a record: `DNT` or `Sec-GPC` was 1, and that is honoured. Its user agent decides on the class, and is to be
/// forgotten then.
pub const UNTRACKED: u8 = 4;

/// Longest domain a record holds (RFC 1035 §2.3.4 allows 255 octets).
pub const MAX_DOMAIN_BYTES: usize = 255;
/// Longest code or alias a record holds.
pub const MAX_CODE_BYTES: usize = 64;
/// Records begin at multiples of this, so that the commit word is stored in one piece.
pub const ALIGNMENT: usize = 8;
/// Bytes of the word in front of a payload.
pub const COMMIT_BYTES: usize = 8;

const HEAD_BYTES: usize = 24;
const PACKED_CODE_BYTES: usize = 6;
const PACKED: u8 = 0x80;
const MIN_PAYLOAD_BYTES: usize = HEAD_BYTES + 1 + visitor::FIXED_BYTES;
const MAX_PAYLOAD_BYTES: usize = HEAD_BYTES + MAX_DOMAIN_BYTES + MAX_CODE_BYTES + MAX_VISITOR_BYTES;
/// Bytes of the longest record, commit word and padding included.
pub const MAX_RECORD_BYTES: usize = (COMMIT_BYTES + MAX_PAYLOAD_BYTES).next_multiple_of(ALIGNMENT);

/// A code as a record holds it: 6 bytes for most, the text itself for aliases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoredCode<'a> {
    /// What `pack_code` made of a code.
    Packed(u64),
    /// An alias, or any other text.
    Raw(&'a [u8]),
}

impl<'a> StoredCode<'a> {
    /// The shortest form of a code or alias.
    #[must_use]
    #[inline]
    pub fn of(text: &'a [u8]) -> Self {
        pack_code(text).map_or(Self::Raw(text), Self::Packed)
    }

    /// The code's text.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        match *self {
            Self::Packed(number) => unpack_code(number).unwrap_or([b'0'; CODE_BYTES]).to_vec(),
            Self::Raw(text) => text.to_vec(),
        }
    }
}

/// One click, or `count` equal ones, as it lies in a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// 1, 2, 3 … within its epoch.
    pub seq: u64,
    /// When it happened, in ms since the Unix epoch; for several, the start of their hour.
    pub time_ms: u64,
    /// How many clicks it stands for.
    pub count: u32,
    /// Which of the link's targets was chosen.
    pub variant: u8,
    /// [`HEAD`], [`PREFETCH`], [`UNTRACKED`].
    pub flags: u8,
    /// At most [`MAX_DOMAIN_BYTES`].
    pub domain: &'a [u8],
    /// 1 to [`MAX_CODE_BYTES`].
    pub code: StoredCode<'a>,
    /// What [`visitor::Visitor::anonymised`] made.
    pub visitor: &'a [u8],
}

impl Record<'_> {
    /// Put the payload in `out`, whose former content is lost. Lengths are the caller's to keep.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // lengths are within the limits above
    pub fn encode(&self, out: &mut Vec<u8>) {
        let packed;
        let (code, code_length): (&[u8], u8) = match self.code {
            StoredCode::Packed(number) => {
                packed = number.to_le_bytes();
                (&packed[..PACKED_CODE_BYTES], PACKED | PACKED_CODE_BYTES as u8)
            }
            StoredCode::Raw(text) => (text, text.len() as u8),
        };
        let mut head = [0; HEAD_BYTES];
        head[0..8].copy_from_slice(&self.seq.to_le_bytes());
        head[8..16].copy_from_slice(&self.time_ms.to_le_bytes());
        head[16..20].copy_from_slice(&self.count.to_le_bytes());
        head[20] = self.variant;
        head[21] = self.flags;
        head[22] = self.domain.len() as u8;
        head[23] = code_length;
        out.clear();
        out.extend_from_slice(&head);
        out.extend_from_slice(self.domain);
        out.extend_from_slice(code);
        out.extend_from_slice(self.visitor);
    }
}

impl<'a> Record<'a> {
    /// The record that has this payload; `None`: its lengths contradict each other.
    #[must_use]
    pub fn decode(payload: &'a [u8]) -> Option<Self> {
        let (head, rest) = payload.split_at_checked(HEAD_BYTES)?;
        let (domain, rest) = rest.split_at_checked(usize::from(head[22]))?;
        let (code, visitor) = rest.split_at_checked(usize::from(head[23] & !PACKED))?;
        let code = match (head[23] & PACKED != 0, code.len()) {
            (true, PACKED_CODE_BYTES) => StoredCode::Packed(read_packed(code)?),
            (false, 1..=MAX_CODE_BYTES) => StoredCode::Raw(code),
            _ => return None,
        };
        visitor::is_whole(visitor).then_some(Self {
            seq: read_u64(head, 0)?,
            time_ms: read_u64(head, 8)?,
            count: read_u32(head, 16)?,
            variant: head[20],
            flags: head[21],
            domain,
            code,
            visitor,
        })
    }
}

fn read_packed(bytes: &[u8]) -> Option<u64> {
    let mut word = [0; 8];
    word[..PACKED_CODE_BYTES].copy_from_slice(bytes);
    let number = u64::from_le_bytes(word);
    unpack_code(number).map(|_| number)
}

/// The word that makes a payload a record: its length below, its CRC above; never zero.
#[must_use]
#[inline]
pub fn commit_word(payload: &[u8], seed: u32) -> u64 {
    u64::from(crc32c::crc32c_append(seed, payload)) << 32 | payload.len() as u64
}

/// Bytes that a payload takes in a segment.
#[must_use]
#[inline]
pub fn record_bytes(payload: usize) -> usize {
    (COMMIT_BYTES + payload).next_multiple_of(ALIGNMENT)
}

/// The record at the start of `bytes` and the bytes that it takes; `None`: none that is whole and sound.
#[must_use]
pub fn read_record(bytes: &[u8], seed: u32) -> Option<(Record<'_>, usize)> {
    let word = read_u64(bytes, 0)?;
    let length = usize::try_from(word & u64::from(u32::MAX)).ok()?;
    if !(MIN_PAYLOAD_BYTES..=MAX_PAYLOAD_BYTES).contains(&length) {
        return None;
    }
    let payload = bytes.get(COMMIT_BYTES..COMMIT_BYTES + length)?;
    if commit_word(payload, seed) != word {
        return None;
    }
    Some((Record::decode(payload)?, record_bytes(length)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spool::visitor::Visitor;

    #[test]
    fn zeros_are_no_record() {
        assert_eq!(read_record(&[0; 256], 1), None);
    }

    proptest! {
        #[test]
        fn a_record_comes_back_whole_and_of_its_epoch_alone(
            seq: u64, time_ms: u64, count: u32, variant: u8, flags: u8,
            domain in prop::collection::vec(any::<u8>(), 0..=MAX_DOMAIN_BYTES),
            code in prop_oneof!["[0-9A-Za-z]{7}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 1..=64)],
            user_agent in prop::collection::vec(any::<u8>(), 0..=512),
            flipped in any::<prop::sample::Index>(),
        ) {
            let visitor = Visitor::nameless(&user_agent);
            let record = Record {
                seq, time_ms, count, variant, flags, domain: &domain,
                code: StoredCode::of(&code), visitor: &visitor,
            };
            let mut payload = Vec::new();
            record.encode(&mut payload);
            let mut bytes = commit_word(&payload, 9).to_le_bytes().to_vec();
            bytes.extend_from_slice(&payload);
            bytes.resize(record_bytes(payload.len()), 0);
            prop_assert_eq!(read_record(&bytes, 9), Some((record, bytes.len())));
            prop_assert_eq!(record.code.text(), code);
            prop_assert_eq!(read_record(&bytes, 10), None);
            let bit = flipped.index((COMMIT_BYTES + payload.len()) * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(read_record(&bytes, 9), None);
        }

        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
            let _ = (Record::decode(&bytes), read_record(&bytes, 0));
        }
    }
}
