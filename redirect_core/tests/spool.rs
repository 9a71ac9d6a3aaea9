//! Writer and reader together, on real files.
#![allow(clippy::unwrap_used)] // a test that can not go on should stop

mod common;

use std::fs::{self, File};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use common::{NOON_MS, at, click, clicks, drain, killed, lost, options, reader, record, segments, visitor, writer};
use redirect_core::spool::{Click, HEAD, Options, PREFETCH, SpoolReader, SpoolWriter, Watermarks};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

#[test]
fn a_click_is_read_while_its_writer_lives() {
    let folder = folder();
    let writer = writer(folder.path());
    let mut reader = reader(folder.path());
    assert!(reader.read(&Watermarks::new(), 10).unwrap().is_empty());
    assert!(click(&writer, b"abcdefg"));
    let batches = reader.read(&Watermarks::new(), 10).unwrap();
    let [batch] = &batches[..] else { panic!("{batches:?}") };
    assert_eq!((batch.epoch, batch.after_seq, batch.last_seq), (writer.epoch(), 0, 1));
    assert_eq!((batch.records, batch.lost, batch.oldest_ms), (1, 0, NOON_MS));
    assert_eq!(batch.clicks.user_agents, [b"Firefox"]);
    let count = &batch.clicks.counts[0];
    assert_eq!((&count.domain[..], &count.code[..], count.clicks), (&b""[..], &b"abcdefg"[..], 1));
    assert_eq!((count.hour_ms, count.flags, count.user_agent), (NOON_MS, 0, 0));
}

#[test]
fn clicks_are_added_up_by_what_is_counted() {
    let folder = folder();
    let writer = writer(folder.path());
    let plain = Click { now_ms: NOON_MS, domain: b"", code: b"abcdefg", variant: 0, flags: 0 };
    let others = [
        Click { domain: b"go.example", ..plain },
        Click { code: b"spring-sale", ..plain },
        Click { now_ms: NOON_MS + 3_600_000, ..plain },
        Click { flags: HEAD, ..plain },
        Click { flags: PREFETCH, ..plain },
    ];
    for click in [plain, plain, Click { now_ms: NOON_MS + 3_599_999, variant: 2, ..plain }].iter().chain(&others) {
        assert_eq!(writer.record(click, &mut visitor()), Some(true));
    }
    let batches = drain(&mut reader(folder.path()), &mut Watermarks::new());
    let mut counts: Vec<_> = batches[0].clicks.counts.iter().map(|count| count.clicks).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 1, 1, 1, 3]);
}

#[test]
fn a_batch_comes_again_until_its_watermark_has_moved() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 50);
    let mut reader = reader(folder.path());
    let epoch = writer.epoch();
    for (watermark, last_seq) in [(0, 30), (0, 30), (30, 50), (30, 50), (10, 40), (0, 30), (50, 0)] {
        let batches = reader.read(&at(epoch, watermark), 30).unwrap();
        assert_eq!(batches.first().map_or(0, |batch| batch.last_seq), last_seq);
        assert_eq!(clicks(&batches), last_seq.saturating_sub(watermark));
    }
}

#[test]
fn nothing_is_lost_from_segment_to_segment() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 1_000);
    assert!(segments(folder.path()).len() > 20);
    let batches = drain(&mut reader(folder.path()), &mut Watermarks::new());
    assert_eq!((clicks(&batches), lost(&batches), writer.spooled()), (1_000, 0, 1_000));
}

#[test]
fn a_reader_that_starts_anew_goes_on_from_the_watermark() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 1_000);
    for watermark in [0, 1, 499, 500, 999, 1_000, 2_000] {
        let batches = drain(&mut reader(folder.path()), &mut at(writer.epoch(), watermark));
        assert_eq!((clicks(&batches), lost(&batches)), (1_000_u64.saturating_sub(watermark), 0));
    }
}

#[test]
fn only_what_is_complete_and_counted_is_freed() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 1_000);
    writer.sync().unwrap();
    let mut reader = reader(folder.path());
    assert_eq!(reader.free(&Watermarks::new()).unwrap(), 0);
    assert!(reader.free(&at(writer.epoch(), 500)).unwrap() > 0);
    assert_eq!(clicks(&drain(&mut reader, &mut at(writer.epoch(), 500))), 500);
    reader.free(&at(writer.epoch(), 1_000)).unwrap();
    record(&writer, 1);
    assert_eq!(clicks(&drain(&mut reader, &mut at(writer.epoch(), 1_000))), 1);
    writer.close().unwrap();
    reader.free(&at(writer.epoch(), 1_001)).unwrap();
    assert!(segments(folder.path()).is_empty());
    assert_eq!(reader.size().unwrap(), redirect_core::spool::Size::default());
}

#[test]
fn a_killed_writers_clicks_are_counted_and_its_segments_freed() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 100);
    let killed = killed(folder.path());
    let mut reader = reader(killed.path());
    let mut watermarks = Watermarks::new();
    let batches = drain(&mut reader, &mut watermarks);
    assert_eq!((clicks(&batches), lost(&batches)), (100, 0));
    assert_eq!(reader.epochs().unwrap(), [writer.epoch()]);
    reader.free(&watermarks).unwrap();
    assert!(reader.epochs().unwrap().is_empty());
}

#[test]
fn segments_are_freed_without_being_read_again_after_a_restart() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 100);
    let killed = killed(folder.path());
    reader(killed.path()).free(&at(writer.epoch(), 100)).unwrap();
    assert!(segments(killed.path()).is_empty());
}

#[test]
fn a_torn_record_costs_itself_alone() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 20);
    let killed = killed(folder.path());
    let path = &segments(killed.path())[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[128 + 100] ^= 0xff; // within the second record
    fs::write(path, bytes).unwrap();
    let batches = drain(&mut reader(killed.path()), &mut Watermarks::new());
    assert_eq!((clicks(&batches), lost(&batches)), (19, 1));
}

#[test]
fn clicks_that_a_complete_segment_lost_at_its_end_are_known() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 20);
    writer.close().unwrap();
    let path = &segments(folder.path())[0];
    let mut bytes = fs::read(path).unwrap();
    let half = bytes.len() / 4;
    bytes[half..].fill(0);
    fs::write(path, bytes).unwrap();
    let mut watermarks = Watermarks::new();
    let batches = drain(&mut reader(folder.path()), &mut watermarks);
    assert_eq!(clicks(&batches) + lost(&batches), 20);
    assert!(lost(&batches) > 0);
    assert_eq!(watermarks[&writer.epoch()], 20);
}

#[test]
fn a_second_reader_is_told_so() {
    let folder = folder();
    let first = reader(folder.path());
    assert!(SpoolReader::open(folder.path().to_path_buf()).unwrap().is_none());
    drop(first);
    assert!(SpoolReader::open(folder.path().to_path_buf()).unwrap().is_some());
}

#[test]
fn an_unborn_segment_is_deleted_only_if_its_writer_is_gone() {
    let folder = folder();
    let path = folder.path().join("1-00000000000000000000000000000001-00000000.seg");
    let unborn = File::create(&path).unwrap();
    unborn.set_len(8192).unwrap();
    flock(&unborn, FlockOperation::LockExclusive).unwrap();
    let mut reader = reader(folder.path());
    assert!(reader.read(&Watermarks::new(), 10).unwrap().is_empty());
    assert!(path.exists());
    drop(unborn);
    assert!(reader.read(&Watermarks::new(), 10).unwrap().is_empty());
    assert!(!path.exists());
}

#[test]
fn a_segment_with_a_damaged_header_is_set_aside() {
    let folder = folder();
    let writer = writer(folder.path());
    record(&writer, 1);
    let killed = killed(folder.path());
    let path = &segments(killed.path())[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[20] ^= 1;
    fs::write(path, &bytes).unwrap();
    let mut reader = reader(killed.path());
    assert!(reader.read(&Watermarks::new(), 10).unwrap().is_empty());
    assert!(!path.exists());
    let name = format!("{}.bad", path.file_name().unwrap().to_str().unwrap());
    assert_eq!(reader.damaged().unwrap(), [&name[..]]);
    assert_eq!(fs::read(killed.path().join(name)).unwrap(), bytes);
    assert_eq!(reader.size().unwrap().segments, 0);
}

#[test]
fn at_the_limit_clicks_are_counted_in_memory_and_written_when_there_is_room() {
    let folder = folder();
    let full = Options { limit_bytes: 2 * 4096, ..options(folder.path()) };
    let writer = SpoolWriter::open(full).unwrap();
    let fates: Vec<_> = (0..200).map(|_| click(&writer, b"abcdefg")).collect();
    let spooled = fates.iter().filter(|&&spooled| spooled).count() as u64;
    assert!(!fates[199] && spooled == writer.spooled());
    assert_eq!((writer.volatile(), writer.dropped()), (200 - spooled, 0));
    assert_eq!(writer.error().unwrap(), "the spool has reached its limit of 8192 bytes");

    let mut reader = reader(folder.path());
    let mut watermarks = Watermarks::new();
    let mut counted = clicks(&drain(&mut reader, &mut watermarks));
    assert_eq!(counted, spooled);
    assert!(reader.free(&watermarks).unwrap() > 0);
    wait_until(|| writer.volatile() == 0);
    assert_eq!((writer.error(), writer.clicks()), (None, 200));
    assert_eq!(writer.spooled(), spooled + 1);
    let restored = drain(&mut reader, &mut watermarks);
    counted += clicks(&restored);
    assert_eq!(counted, 200);
    assert_eq!((restored.len(), &restored[0].clicks.user_agents[..]), (1, &[b"Firefox".to_vec()][..]));
    assert_eq!(restored[0].clicks.counts[0].hour_ms, NOON_MS);
}

#[test]
fn a_writer_starts_on_a_full_spool_and_what_it_has_in_memory_at_its_end_is_dropped() {
    let folder = folder();
    let writer = SpoolWriter::open(Options { limit_bytes: 0, ..options(folder.path()) }).unwrap();
    assert!(!click(&writer, b"abcdefg"));
    assert_eq!((writer.spooled(), writer.volatile(), writer.dropped()), (0, 1, 0));
    writer.close().unwrap();
    assert_eq!((writer.spooled(), writer.volatile(), writer.dropped()), (0, 0, 1));
    assert!(segments(folder.path()).is_empty());
}

#[test]
fn a_closed_writer_leaves_complete_segments_alone() {
    let folder = folder();
    let unused = writer(folder.path());
    unused.close().unwrap();
    assert!(segments(folder.path()).is_empty());

    let used = writer(folder.path());
    record(&used, 20);
    used.close().unwrap();
    used.close().unwrap();
    assert_eq!(used.record(&Click { now_ms: 0, domain: b"", code: b"a", variant: 0, flags: 0 }, &mut visitor()), None);
    assert_eq!(segments(folder.path()).len(), 1);
    let lock = File::open(&segments(folder.path())[0]).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
}

#[test]
fn epochs_are_read_side_by_side() {
    let folder = folder();
    let (one, other) = (writer(folder.path()), writer(folder.path()));
    record(&one, 10);
    record(&other, 20);
    let mut reader = reader(folder.path());
    let batches = reader.read(&at(one.epoch(), 10), 100).unwrap();
    assert_eq!((batches.len(), batches[0].epoch, clicks(&batches)), (1, other.epoch(), 20));
    assert_eq!(reader.epochs().unwrap().len(), 2);
}

#[test]
fn reading_and_freeing_beside_a_busy_writer_counts_each_click_once() {
    const CLICKS: u64 = 100_000;
    let folder = folder();
    let writer = SpoolWriter::open(Options { segment_bytes: 32 * 1024, ..options(folder.path()) }).unwrap();
    let mut reader = reader(folder.path());
    let mut watermarks = Watermarks::new();
    let mut batches = Vec::new();
    thread::scope(|scope| {
        let recording = scope.spawn(|| record(&writer, CLICKS));
        while !recording.is_finished() {
            batches.extend(drain(&mut reader, &mut watermarks));
            reader.free(&watermarks).unwrap();
        }
    });
    writer.close().unwrap();
    batches.extend(drain(&mut reader, &mut watermarks));
    reader.free(&watermarks).unwrap();
    assert_eq!((clicks(&batches), lost(&batches), writer.spooled()), (CLICKS, 0, CLICKS));
    assert!(segments(folder.path()).is_empty());
}

fn wait_until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "it did not happen in 10 s");
        sleep(Duration::from_millis(5));
    }
}
