//! What an older release has spooled is counted by this one.
#![allow(clippy::unwrap_used)] // a test that can not go on should stop

mod common;

use std::fs;

use common::{click, clicks, drain, reader, segments, writer};
use redirect_core::spool::{Count, HEAD, PREFETCH, Watermarks};
use tempfile::TempDir;

/// Of format version 1, by a worker that was killed: three clicks by Firefox, curl and one without a name.
const SEGMENT: &[u8] = include_bytes!("data/3-393d2e0552726ce3af8e7b6feaa8b246-00000000.seg");
const NAME: &str = "3-393d2e0552726ce3af8e7b6feaa8b246-00000000.seg";
/// The hour of its clicks.
const THEN_MS: u64 = 1_699_963_200_000;

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(NAME), SEGMENT).unwrap();
    folder
}

#[test]
fn clicks_of_version_1_are_counted_and_their_segment_is_freed() {
    let folder = folder();
    let mut reader = reader(folder.path());
    let mut watermarks = Watermarks::new();
    let batches = drain(&mut reader, &mut watermarks);
    let [batch] = &batches[..] else { panic!("{batches:?}") };
    assert_eq!((batch.records, batch.lost, batch.last_seq), (3, 0, 3));
    let mut counted: Vec<_> = batch.clicks.counts.iter().map(|count| told(count, &batch.clicks.user_agents)).collect();
    counted.sort_unstable();
    let expected: [(&[u8], u8, &[u8]); 3] =
        [(b"abcdefg", 0, b"Firefox"), (b"abcdefg", PREFETCH, b""), (b"spring-sale", HEAD, b"curl/8")];
    assert_eq!(counted, expected);
    assert!(batch.clicks.counts.iter().all(|count| (count.hour_ms, count.clicks) == (THEN_MS, 1)));
    reader.free(&watermarks).unwrap();
    assert!(segments(folder.path()).is_empty());
}

#[test]
fn old_and_new_segments_are_read_side_by_side() {
    let folder = folder();
    let writer = writer(folder.path());
    assert!(click(&writer, b"abcdefg"));
    assert_eq!(clicks(&drain(&mut reader(folder.path()), &mut Watermarks::new())), 4);
}

fn told<'a>(count: &'a Count, user_agents: &'a [Vec<u8>]) -> (&'a [u8], u8, &'a [u8]) {
    (&count.code, count.flags, &user_agents[count.user_agent as usize])
}
