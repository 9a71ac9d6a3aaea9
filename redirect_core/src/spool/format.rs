//! The spool's bytes: segment names, headers, stamps and records. Nothing here touches a file.

use std::fmt;

use crate::codes::{CODE_BYTES, pack_code, unpack_code};
use crate::spool::visitor::{self, MAX_VISITOR_BYTES};

/// Flag of a record: a HEAD request.
pub const HEAD: u8 = 1;
/// Flag of a record: `Sec-Purpose` or `Purpose` said prefetch.
pub const PREFETCH: u8 = 2;

/// Longest domain a record holds (RFC 1035 §2.3.4 allows 255 octets).
pub const MAX_DOMAIN_BYTES: usize = 255;
/// Longest code or alias a record holds.
pub const MAX_CODE_BYTES: usize = 64;

/// Bytes before a segment's first record.
pub const HEADER_BYTES: usize = 128;
/// Records begin at multiples of this, so that the commit word is stored in one piece.
pub const ALIGNMENT: usize = 8;

const MAGIC: [u8; 8] = *b"e302spl\0";
const VERSION: u16 = 1;
const STATIC_BYTES: usize = 64;
const CHECKED_BYTES: usize = 60;
/// Where the stamp of a segment's first seq lies.
pub const FIRST_SEQ_AT: usize = 64;
/// Where the stamp of a complete segment's last seq lies.
pub const LAST_SEQ_AT: usize = 80;
/// Bytes of a stamp.
pub const STAMP_BYTES: usize = 16;

/// Bytes of the word in front of a payload.
pub const COMMIT_BYTES: usize = 8;
const HEAD_BYTES: usize = 24;
const PACKED_CODE_BYTES: usize = 6;
const PACKED: u8 = 0x80;
const MIN_PAYLOAD_BYTES: usize = HEAD_BYTES + 1 + visitor::FIXED_BYTES;
const MAX_PAYLOAD_BYTES: usize = HEAD_BYTES + MAX_DOMAIN_BYTES + MAX_CODE_BYTES + MAX_VISITOR_BYTES;
/// Bytes of the longest record, commit word and padding included.
pub const MAX_RECORD_BYTES: usize = (COMMIT_BYTES + MAX_PAYLOAD_BYTES).next_multiple_of(ALIGNMENT);

/// 128 random bits that name one start of one worker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Epoch(pub [u8; 16]);

impl Epoch {
    /// Where CRCs of this epoch start, so that bytes of another epoch are never taken for its records.
    #[must_use]
    pub fn seed(&self) -> u32 {
        crc32c::crc32c(&self.0)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// What a segment's file name says; segments of one epoch sort by their number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SegmentName {
    /// Whose segment it is.
    pub epoch: Epoch,
    /// 0, 1, 2 … in the order of writing; one that was prepared and never used leaves no gap of records.
    pub number: u32,
    /// The worker's slot, for people who look at the folder.
    pub worker: u32,
}

impl SegmentName {
    /// The name in a file's name; `None`: it is no segment's.
    #[must_use]
    pub fn parse(file_name: &str) -> Option<Self> {
        let (worker, rest) = file_name.strip_suffix(".seg")?.split_once('-')?;
        let (epoch, number) = rest.split_once('-')?;
        let name = Self {
            epoch: Epoch(u128::from_str_radix(epoch, 16).ok()?.to_be_bytes()),
            number: number.parse().ok()?,
            worker: worker.parse().ok()?,
        };
        // Signs, missing zeros, capitals: a name that we would not give is none of ours.
        (name.to_string() == file_name).then_some(name)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}-{:08}.seg", self.worker, self.epoch, self.number)
    }
}

/// What stands in a segment from its creation on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The same as in the file's name.
    pub name: SegmentName,
    /// Bytes of the file.
    pub size: u32,
    /// When it was made, in ms since the Unix epoch.
    pub created_ms: u64,
}

impl Header {
    /// The header's bytes; the stamps behind them are empty.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.name.worker.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.name.epoch.0);
        bytes[32..36].copy_from_slice(&self.name.number.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.size.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.created_ms.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CHECKED_BYTES]);
        bytes[CHECKED_BYTES..STATIC_BYTES].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header at the start of a segment; `None`: damaged, or of a format that is not ours.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let checked = bytes.get(..CHECKED_BYTES)?;
        let sound = checked.starts_with(&MAGIC)
            && read_u16(bytes, 8)? == VERSION
            && read_u32(bytes, CHECKED_BYTES)? == crc32c::crc32c(checked);
        if !sound {
            return None;
        }
        Some(Self {
            name: SegmentName {
                worker: read_u32(bytes, 12)?,
                epoch: Epoch(read_array(bytes, 16)?),
                number: read_u32(bytes, 32)?,
            },
            size: read_u32(bytes, 36)?,
            created_ms: read_u64(bytes, 40)?,
        })
    }
}

/// A number of the header that is set once, later than the header: its value, then the word that proves it.
#[must_use]
pub fn stamp(value: u64, seed: u32) -> (u64, u64) {
    let crc = crc32c::crc32c_append(seed, &value.to_le_bytes());
    (value, 1 << 32 | u64::from(crc)) // the bit above keeps the word from being zero, which means unset
}

/// The value of a stamp; `None`: not set, or damaged.
#[must_use]
pub fn read_stamp(bytes: &[u8], seed: u32) -> Option<u64> {
    let value = read_u64(bytes, 0)?;
    (stamp(value, seed) == (value, read_u64(bytes, 8)?)).then_some(value)
}

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
    /// [`HEAD`], [`PREFETCH`].
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

fn read_array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    read_array(bytes, at).map(u16::from_le_bytes)
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    read_array(bytes, at).map(u32::from_le_bytes)
}

fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    read_array(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: SegmentName = SegmentName { epoch: Epoch([0xab; 16]), number: 7, worker: 3 };

    #[test]
    fn a_segments_name_comes_back_from_its_file_name() {
        let text = "3-abababababababababababababababab-00000007.seg";
        assert_eq!(NAME.to_string(), text);
        assert_eq!(SegmentName::parse(text), Some(NAME));
        for other in ["", "3-ab-7.seg", "+3-abababababababababababababababab-00000007.seg", ".reader.lock"] {
            assert_eq!(SegmentName::parse(other), None);
        }
        assert_eq!(SegmentName::parse(&text.replace("ab", "AB")), None);
        assert_eq!(SegmentName::parse(&text.replace(".seg", ".seg.bad")), None);
    }

    #[test]
    fn a_header_with_any_bit_flipped_is_refused() {
        let header = Header { name: NAME, size: 1 << 20, created_ms: 1_700_000_000_000 };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Some(header));
        for bit in 0..STATIC_BYTES * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn a_stamp_of_zero_differs_from_none() {
        let (value, proof) = stamp(0, 5);
        let bytes = [value.to_le_bytes(), proof.to_le_bytes()].concat();
        assert_eq!(read_stamp(&bytes, 5), Some(0));
        assert_eq!(read_stamp(&bytes, 6), None);
        assert_eq!(read_stamp(&[0; STAMP_BYTES], 5), None);
    }

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
            flipped in any::<prop::sample::Index>(),
        ) {
            let record = Record {
                seq, time_ms, count, variant, flags, domain: &domain,
                code: StoredCode::of(&code), visitor: visitor::NOBODY,
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
            let _ = (Record::decode(&bytes), Header::decode(&bytes), read_record(&bytes, 0), read_stamp(&bytes, 0));
        }
    }
}
