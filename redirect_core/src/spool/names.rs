//! What names an epoch, and a segment of it.

use std::fmt;

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

#[cfg(test)]
mod tests {
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
}
