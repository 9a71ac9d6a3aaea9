//! The head of a segment: what is known at its creation, and two stamps that are set later.

use crate::spool::bytes::{read_array, read_u16, read_u32, read_u64};
use crate::spool::names::{Epoch, SegmentName};

/// Bytes before a segment's first record.
pub const HEADER_BYTES: usize = 128;
/// Where the stamp of a segment's first seq lies.
pub const FIRST_SEQ_AT: usize = 64;
/// Where the stamp of a complete segment's last seq lies.
pub const LAST_SEQ_AT: usize = 80;
/// Bytes of a stamp.
pub const STAMP_BYTES: usize = 16;

const MAGIC: [u8; 8] = *b"e302spl\0";
/// Of what is written. Version 1 knew no whole addresses, so that what it wrote reads the same in version 2.
const VERSION: u16 = 2;
const READ_VERSIONS: std::ops::RangeInclusive<u16> = 1..=VERSION;
const STATIC_BYTES: usize = 64;
const CHECKED_BYTES: usize = 60;

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
            && READ_VERSIONS.contains(&read_u16(bytes, 8)?)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: SegmentName = SegmentName { epoch: Epoch([0xab; 16]), number: 7, worker: 3 };

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

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = (Header::decode(&bytes), read_stamp(&bytes, 0));
        }
    }
}
