//! Whatever happens to the bytes of a dead writer's spool, it is read to its end without a panic, and then freed.
#![allow(clippy::unwrap_used)] // a test that can not go on should stop

mod common;

use std::fs;
use std::ops::Range;

use common::{clicks, drain, drain_events, killed, lost, reader, record, segments, writer};
use proptest::prelude::*;
use redirect_core::spool::Watermarks;
use tempfile::TempDir;

const RECORDS: u64 = 60;
const HEADER_BYTES: usize = 128;

#[derive(Clone, Debug)]
enum Damage {
    Flip { at: prop::sample::Index, bit: u8 },
    Zero { at: prop::sample::Index, bytes: usize },
    Repeat { at: prop::sample::Index, bytes: usize, to: prop::sample::Index },
    Cut { at: prop::sample::Index },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        (at(), 1..600_usize).prop_map(|(at, bytes)| Damage::Zero { at, bytes }),
        (at(), 1..600_usize, at()).prop_map(|(at, bytes, to)| Damage::Repeat { at, bytes, to }),
        at().prop_map(|at| Damage::Cut { at }),
    ]
}

fn inflict(damage: &Damage, bytes: &mut Vec<u8>) {
    let range = |at: &prop::sample::Index, length: usize, bytes: &[u8]| -> Range<usize> {
        let start = at.index(bytes.len());
        start..(start + length).min(bytes.len())
    };
    match damage {
        Damage::Flip { at, bit } => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Damage::Zero { at, bytes: length } => {
            let range = range(at, *length, bytes);
            bytes[range].fill(0);
        }
        Damage::Repeat { at, bytes: length, to } => {
            let copied = bytes[range(at, *length, bytes)].to_vec();
            let range = range(to, copied.len(), bytes);
            let fits = range.len();
            bytes[range].copy_from_slice(&copied[..fits]);
        }
        Damage::Cut { at } => bytes.truncate(at.index(bytes.len()).max(1)),
    }
}

/// A dead writer's folder, made once: copies of it are damaged.
fn spool() -> TempDir {
    let folder = TempDir::new().unwrap();
    let writer = writer(folder.path());
    record(&writer, RECORDS);
    killed(folder.path())
}

/// Found by fuzzing: records beyond the segment's last one counted, unless a batch ended among them.
#[test]
fn a_block_of_a_later_segment_counts_or_not_whatever_the_size_of_a_batch() {
    let folder = TempDir::new().unwrap();
    let writer = writer(folder.path());
    record(&writer, RECORDS);
    writer.close().unwrap();
    let paths = segments(folder.path());
    let (mut first, second) = (fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    let half = first.len() / 2;
    first[half..].copy_from_slice(&second[HEADER_BYTES..HEADER_BYTES + half]);
    fs::write(&paths[0], first).unwrap();
    paths[1..].iter().for_each(|path| fs::remove_file(path).unwrap());

    let read = |max_records| {
        let (mut reader, mut watermarks) = (reader(folder.path()), Watermarks::new());
        let mut read = (0, 0);
        loop {
            let batches = reader.read(&watermarks, max_records).unwrap();
            if batches.is_empty() {
                return read;
            }
            read = (read.0 + clicks(&batches), read.1 + lost(&batches));
            watermarks.extend(batches.iter().map(|batch| (batch.epoch, batch.last_seq)));
        }
    };
    let in_one_go = read(u64::MAX);
    assert!(in_one_go.0 > 0 && in_one_go.1 > 0, "{in_one_go:?}");
    (1..=RECORDS).for_each(|max_records| assert_eq!(read(max_records), in_one_go));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_spool_is_read_to_its_end_and_freed(
        wounds in prop::collection::vec((any::<prop::sample::Index>(), damage()), 1..6),
        max_records in 1..200_u64,
    ) {
        thread_local!(static SPOOL: TempDir = spool());
        let folder = SPOOL.with(|spool| killed(spool.path()));
        let paths = segments(folder.path());
        for (which, damage) in &wounds {
            let path = which.get(&paths);
            let mut bytes = fs::read(path).unwrap();
            inflict(damage, &mut bytes);
            fs::write(path, bytes).unwrap();
        }
        let mut reader = reader(folder.path());
        let mut watermarks = Watermarks::new();
        let first = reader.read(&watermarks, max_records).unwrap();
        prop_assert!(first.iter().all(|batch| batch.records <= max_records));
        let batches = drain(&mut reader, &mut watermarks);
        prop_assert!(clicks(&batches) <= RECORDS);
        prop_assert_eq!(clicks(&batches) + lost(&batches), watermarks.values().sum::<u64>());
        prop_assert!(watermarks.values().sum::<u64>() <= RECORDS);
        let mut reached = Watermarks::new();
        let events = drain_events(&mut reader, &mut reached, max_records);
        prop_assert_eq!(&reached, &watermarks);
        prop_assert_eq!(events.iter().map(|batch| batch.clicks.events.len() as u64).sum::<u64>(), clicks(&batches));
        reader.free(&watermarks).unwrap();
        prop_assert!(segments(folder.path()).is_empty());
    }
}
