//! The segments that an input describes. No fuzzer guesses a CRC, so an input says which ones are made to fit.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

// docs/spool.md has the format, and names these.
const HEADER_BYTES: usize = 128;
const STAMPS_AT: [usize; 2] = [64, 80];
const PAYLOAD_BYTES: std::ops::RangeInclusive<usize> = 1..=2_048;
/// An epoch is of one worker.
const EPOCHS: [([u8; 16], u32); 2] = [([0xab; 16], 0), ([0xcd; 16], 1)];

/// In memory where that can be.
pub fn folder() -> TempDir {
    let ram = Path::new("/dev/shm");
    if ram.is_dir() { TempDir::new_in(ram) } else { TempDir::new() }.expect("a folder")
}

/// Write all files of an input; how many bytes they have.
///
/// A file is: which name, what is made to fit, of which records, its length (two bytes), its content. One that is named
/// like another replaces it.
pub fn write(mut input: &[u8], folder: &Path) -> usize {
    let mut bytes = 0;
    while let Some((&[name, fits, records, low, high], rest)) = input.split_first_chunk() {
        let (content, rest) = rest.split_at(usize::from(u16::from_le_bytes([low, high])).min(rest.len()));
        input = rest;
        bytes += content.len();
        let (epoch, worker) = EPOCHS[usize::from(name & 1)];
        let file = File { epoch, worker, number: u32::from(name >> 1) };
        fs::write(folder.join(file.name()), file.content(content, fits, records)).expect("a file");
    }
    bytes
}

struct File {
    epoch: [u8; 16],
    worker: u32,
    number: u32,
}

impl File {
    fn name(&self) -> String {
        format!("{}-{:032x}-{:08}.seg", self.worker, u128::from_be_bytes(self.epoch), self.number)
    }

    /// `fits`: bit 0: the header is the file's own; 1: the size in it, too; 2: its CRC; 3 and 4: the stamps' proofs.
    /// `records`: bits of the records, by their place modulo 8, that get their CRC.
    fn content(&self, content: &[u8], fits: u8, records: u8) -> Vec<u8> {
        let mut bytes = content.to_vec();
        if bytes.len() >= HEADER_BYTES {
            self.make_header_fit(&mut bytes, fits);
            self.make_records_fit(&mut bytes, records);
        }
        bytes
    }

    fn make_header_fit(&self, bytes: &mut [u8], fits: u8) {
        if fits & 1 != 0 {
            bytes[..10].copy_from_slice(b"e302spl\0\x01\0");
            bytes[12..16].copy_from_slice(&self.worker.to_le_bytes());
            bytes[16..32].copy_from_slice(&self.epoch);
            bytes[32..36].copy_from_slice(&self.number.to_le_bytes());
        }
        if fits & 2 != 0 {
            let size = u32::try_from(bytes.len()).expect("an input is small");
            bytes[36..40].copy_from_slice(&size.to_le_bytes());
        }
        if fits & 4 != 0 {
            let crc = crc32c::crc32c(&bytes[..60]);
            bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        }
        for (bit, at) in [8, 16].into_iter().zip(STAMPS_AT) {
            if fits & bit != 0 {
                let crc = crc32c::crc32c_append(self.seed(), &bytes[at..at + 8]);
                bytes[at + 8..at + 16].copy_from_slice(&(1 << 32 | u64::from(crc)).to_le_bytes());
            }
        }
    }

    fn make_records_fit(&self, bytes: &mut [u8], records: u8) {
        let mut at = HEADER_BYTES;
        for place in 0.. {
            let Some(length) = length(bytes, at) else {
                return;
            };
            let payload = at + 8..at + 8 + length;
            if records >> (place % 8) & 1 != 0 {
                let crc = crc32c::crc32c_append(self.seed(), &bytes[payload.clone()]);
                bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
            }
            at = payload.end.next_multiple_of(8);
        }
    }

    fn seed(&self) -> u32 {
        crc32c::crc32c(&self.epoch)
    }
}

/// The payload's length in the word at `at`; `None`: nothing there can be a record.
fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at + 4)?;
    let length = u32::from_le_bytes([word[0], word[1], word[2], word[3]]) as usize;
    (PAYLOAD_BYTES.contains(&length) && at + 8 + length <= bytes.len()).then_some(length)
}
