//! What the spool's tests share: a writer in a folder of its own, and what a dead one leaves.
#![allow(dead_code, missing_docs, clippy::missing_panics_doc)] // each test file uses its part

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redirect_core::spool::{
    Batch, Click, Counts, Epoch, Events, Options, Privacy, SpoolReader, SpoolWriter, Visitor, Watermarks,
};
use tempfile::TempDir;

pub const NOON_MS: u64 = 1_700_049_600_000;
pub const SMALL_SEGMENT_BYTES: u32 = 4096;

pub fn options(folder: &Path) -> Options {
    Options {
        folder: folder.to_path_buf(),
        worker: 1,
        segment_bytes: SMALL_SEGMENT_BYTES,
        limit_bytes: 1 << 30,
        sync_every: Duration::from_millis(10),
    }
}

pub fn writer(folder: &Path) -> SpoolWriter {
    SpoolWriter::open(options(folder)).unwrap()
}

pub fn reader(folder: &Path) -> SpoolReader {
    SpoolReader::open(folder.to_path_buf()).unwrap().unwrap()
}

pub fn visitor() -> Visitor {
    Visitor::new(Some([203, 0, 113, 7].into()), Privacy::Truncate, b"https://example.com/", b"Firefox", b"de")
}

/// Record a click on `code`; true: it is in a segment.
pub fn click(writer: &SpoolWriter, code: &[u8]) -> bool {
    let click = Click { now_ms: NOON_MS, domain: b"", code, variant: 0, flags: 0 };
    writer.record(&click, &mut visitor()).unwrap()
}

pub fn record(writer: &SpoolWriter, clicks: u64) {
    for number in 0..clicks {
        assert!(click(writer, format!("code{:03}", number % 1_000).as_bytes()));
    }
}

/// The folder as it would be had all its writers been killed at this instant: a copy, which nobody has locked.
pub fn killed(folder: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for path in segments(folder) {
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

/// Paths of the folder's segments, in order.
pub fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    paths.sort();
    paths
}

/// Everything that can be read, counting on from `watermarks`.
pub fn drain(reader: &mut SpoolReader, watermarks: &mut Watermarks) -> Vec<Batch<Counts>> {
    let mut all = Vec::new();
    loop {
        let batches = reader.read(watermarks, 1_000).unwrap();
        if batches.is_empty() {
            return all;
        }
        for batch in &batches {
            assert_eq!(batch.after_seq, watermarks.get(&batch.epoch).copied().unwrap_or(0));
            assert!(batch.last_seq > batch.after_seq);
            watermarks.insert(batch.epoch, batch.last_seq);
        }
        all.extend(batches);
    }
}

/// Every event that can be read, going on from `watermarks`.
pub fn drain_events(reader: &mut SpoolReader, watermarks: &mut Watermarks, max_records: u64) -> Vec<Batch<Events>> {
    let mut all = Vec::new();
    loop {
        let batches = reader.read_events(watermarks, max_records).unwrap();
        if batches.is_empty() {
            return all;
        }
        watermarks.extend(batches.iter().map(|batch| (batch.epoch, batch.last_seq)));
        all.extend(batches);
    }
}

pub fn clicks(batches: &[Batch<Counts>]) -> u64 {
    batches.iter().flat_map(|batch| &batch.clicks.counts).map(|count| count.clicks).sum()
}

pub fn lost(batches: &[Batch<Counts>]) -> u64 {
    batches.iter().map(|batch| batch.lost).sum()
}

pub fn at(epoch: Epoch, seq: u64) -> Watermarks {
    Watermarks::from([(epoch, seq)])
}
