//! The hash by which Kafka's own default partitioner spreads keys over partitions.

// Both of org.apache.kafka.common.utils.Utils.murmur2.
const SEED: u32 = 0x9747_b28c;
const MULTIPLIER: u32 = 0x5bd1_e995;
const SHIFT: u32 = 24;
const WORD_BYTES: usize = 4;

/// The partition of a key, of so many: 0 ≤ partition < `partitions`.
///
/// # Panics
/// When there are no partitions.
#[must_use]
pub fn partition(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions // Kafka's toPositive
}

#[allow(clippy::cast_possible_truncation)] // Java's lengths have 32 bits
fn murmur2(key: &[u8]) -> u32 {
    let mut hash = SEED ^ key.len() as u32;
    let words = key.chunks_exact(WORD_BYTES);
    let rest = words.remainder();
    for bytes in words {
        let word = word(bytes).wrapping_mul(MULTIPLIER);
        let word = (word ^ (word >> SHIFT)).wrapping_mul(MULTIPLIER);
        hash = hash.wrapping_mul(MULTIPLIER) ^ word;
    }
    if !rest.is_empty() {
        hash = (hash ^ word(rest)).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(MULTIPLIER);
    hash ^ (hash >> 15)
}

/// Of at most four bytes, the first the least.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hash_as_in_kafkas_own_tests() {
        // org.apache.kafka.common.utils.UtilsTest.testMurmur2
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            let hash: i32 = hash;
            assert_eq!(murmur2(key.as_bytes()).to_ne_bytes(), hash.to_ne_bytes(), "{key}");
        }
    }
}
