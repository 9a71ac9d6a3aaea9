//! Single clicks out of real files: all that is known of each, every one once, and troubles that stay where they are.
#![allow(clippy::unwrap_used)] // a test that can not go on should stop

mod common;

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use common::{NOON_MS, at, clicks, drain, drain_events, killed, options, reader, record, segments, visitor, writer};
use proptest::prelude::*;
use redirect_core::spool::{Batch, Click, Description, Encoder, Events, HEAD, Options, SpoolWriter, Watermarks};
use tempfile::TempDir;

const RECORDS: u64 = 300;
const FIRST_SEQ: Range<usize> = 64..80; // the stamp, as docs/spool.md has it

#[test]
fn an_event_has_all_that_is_known_of_a_click_in_the_schemas_order() {
    let folder = TempDir::new().unwrap();
    let writer = SpoolWriter::open(Options { worker: 7, ..options(folder.path()) }).unwrap();
    let plain = Click { now_ms: NOON_MS, domain: b"go.example", code: b"spring\"\xff", variant: 2, flags: HEAD };
    writer.record(&plain, &mut visitor()).unwrap();
    writer.record(&Click { domain: b"", code: b"abcdefg", ..plain }, &mut visitor()).unwrap();
    let batches = reader(folder.path()).read_events(&Watermarks::new(), 10).unwrap();
    let [batch] = &batches[..] else { panic!("{batches:?}") };
    assert_eq!((batch.epoch, batch.worker, batch.after_seq, batch.last_seq), (writer.epoch(), 7, 0, 2));
    assert_eq!((batch.records, batch.lost, batch.oldest_ms), (2, 0, NOON_MS));
    let events = &batch.clicks;
    assert_eq!(events.agents, [(b"Firefox".to_vec(), HEAD)]);
    assert_eq!(events.networks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["203.0.113.0/24"]);
    assert_eq!(
        (&events.referrers[..], &events.languages[..]),
        (&[b"https://example.com/".to_vec()][..], &[b"de".to_vec()][..])
    );
    let raw = events.events[0].visitor;
    assert_ne!(raw, 0);
    let hex = writer.epoch().to_string();
    let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    assert_eq!(
        encoded(batch)[0],
        format!(
            "{{\"v\":1,\"epoch\":\"{uuid}\",\"seq\":1,\"node\":\"no\\\"de\",\"worker\":7,\"time\":{NOON_MS},\"clicks\":1,\
             \"domain\":\"go.example\",\"code\":\"spring\\\"\u{fffd}\",\"variant\":2,\"agent\":0,\"visitor\":\"{raw}\",\
             \"network\":0,\"referrer\":0,\"language\":0}}"
        )
    );
    assert!(encoded(batch)[1].ends_with(",\"language\":0,\"link\":1}"));
}

/// The batch's clicks as JSON; of the first link there is nothing to be told.
fn encoded(batch: &Batch<Events>) -> Vec<String> {
    let events = &batch.clicks;
    let members = |name: &str, values: usize| (0..values).map(|at| format!("\"{name}\":{at}")).collect::<Vec<_>>();
    let mut links = members("link", events.links.len());
    links[0].clear();
    let description = Description {
        node: "no\"de",
        agents: &members("agent", events.agents.len()),
        networks: &members("network", events.networks.len()),
        referrers: &members("referrer", events.referrers.len()),
        languages: &members("language", events.languages.len()),
        links: &links,
    };
    let encoder = Encoder::new(batch, description).unwrap();
    let encode = |event| {
        let mut out = Vec::new();
        encoder.push(&mut out, event);
        String::from_utf8(out).unwrap()
    };
    events.events.iter().map(encode).collect()
}

#[test]
fn a_description_of_another_batch_is_refused() {
    let folder = TempDir::new().unwrap();
    let writer = writer(folder.path());
    record(&writer, 2);
    let batches = reader(folder.path()).read_events(&Watermarks::new(), 10).unwrap();
    let one = [""];
    let description =
        Description { node: "", agents: &one, networks: &one, referrers: &one, languages: &one, links: &one };
    let refused = Encoder::new(&batches[0], description).err().unwrap();
    assert_eq!(refused.to_string(), "1 links are described, the batch has 2");
}

#[test]
fn counts_and_events_are_read_each_at_its_own_pace() {
    let folder = TempDir::new().unwrap();
    let writer = writer(folder.path());
    record(&writer, RECORDS);
    let mut reader = reader(folder.path());
    let epoch = writer.epoch();
    for (counted, kept) in [(0, 200), (100, 10), (RECORDS, 150), (0, RECORDS), (250, 0)] {
        assert_eq!(clicks(&reader.read(&at(epoch, counted), 1_000).unwrap()), RECORDS - counted);
        let batches = reader.read_events(&at(epoch, kept), 1_000).unwrap();
        let seqs: Vec<_> = batches.iter().flat_map(|batch| &batch.clicks.events).map(|event| event.seq).collect();
        assert_eq!(seqs, (kept + 1..=RECORDS).collect::<Vec<_>>());
    }
}

#[test]
fn events_go_on_behind_segments_that_were_freed() {
    let folder = TempDir::new().unwrap();
    let writer = writer(folder.path());
    record(&writer, RECORDS);
    let mut reader = reader(folder.path());
    let mut watermarks = Watermarks::new();
    watermarks.extend(reader.read_events(&watermarks, 5).unwrap().iter().map(|batch| (batch.epoch, batch.last_seq)));
    reader.free(&at(writer.epoch(), 200)).unwrap();
    let batches = drain_events(&mut reader, &mut watermarks, 1_000);
    let first = batches[0].clicks.events[0].seq;
    assert!((6..=201).contains(&first), "{first}");
    assert_eq!((batches[0].after_seq, batches[0].lost), (5, first - 6));
    assert_eq!(batches.iter().map(|batch| batch.records).sum::<u64>(), RECORDS + 1 - first);
    assert_eq!(watermarks, at(writer.epoch(), RECORDS));
}

#[test]
fn the_oldest_segments_are_freed_first_and_no_more_than_is_wanted() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (writer(folder.path()), writer(folder.path()));
    record(&one, RECORDS);
    record(&other, RECORDS);
    let all = Watermarks::from([(one.epoch(), RECORDS), (other.epoch(), RECORDS)]);
    let mut reader = reader(folder.path());
    let created = |path: &PathBuf| u64::from_le_bytes(fs::read(path).unwrap()[40..48].try_into().unwrap());
    let ages: Vec<_> = segments(folder.path()).into_iter().map(|path| (created(&path), path)).collect();
    let segment_bytes = u64::from(common::SMALL_SEGMENT_BYTES);
    assert_eq!(reader.free_oldest(&all, 0).unwrap(), 0);
    assert_eq!(reader.free_oldest(&all, segment_bytes + 1).unwrap(), 2 * segment_bytes);
    let (left, gone): (Vec<_>, Vec<_>) = ages.iter().partition(|(_, path)| path.exists());
    assert_eq!(gone.len(), 2);
    assert!(gone.iter().all(|(age, _)| left.iter().all(|(other, _)| age <= other)));
    assert!(reader.free(&all).unwrap() > 0);
}

#[test]
fn a_segment_that_cannot_be_read_holds_up_its_own_epoch_alone() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (writer(folder.path()), writer(folder.path()));
    record(&one, RECORDS);
    record(&other, RECORDS);
    let killed = killed(folder.path());
    let of_one: Vec<_> = segments(killed.path())
        .into_iter()
        .filter(|path| path.to_str().unwrap().contains(&one.epoch().to_string()))
        .collect();
    let (unreadable, aside) = (&of_one[1], killed.path().join("aside"));
    // A spare segment, prepared or half made, may be the last: it holds nothing, and is freed.
    let has_records = |path: &&PathBuf| fs::read(path).unwrap()[FIRST_SEQ].iter().any(|&byte| byte != 0);
    let behind: Vec<_> = of_one[2..].iter().filter(has_records).collect();
    assert!(!behind.is_empty());
    fs::rename(unreadable, &aside).unwrap();
    fs::create_dir(unreadable).unwrap(); // whatever the user may do, no one reads a folder
    let mut reader = reader(killed.path());
    let (mut counted, mut kept) = (Watermarks::new(), Watermarks::new());
    let before = clicks(&drain(&mut reader, &mut counted));
    drain_events(&mut reader, &mut kept, 7);
    assert_eq!(kept, counted);
    assert_eq!(counted[&other.epoch()], RECORDS);
    assert!((1..RECORDS).contains(&counted[&one.epoch()]));
    let name = unreadable.file_name().unwrap().to_str().unwrap();
    let [(told, reason)] = &reader.errors()[..] else { panic!("{:?}", reader.errors()) };
    assert_eq!(told, name);
    assert!(reason.contains("directory"), "{reason}");
    assert!(reader.free(&counted).unwrap() > 0);
    assert!(behind.iter().all(|path| path.exists()), "what was not read is kept");

    fs::remove_dir(unreadable).unwrap();
    fs::rename(&aside, unreadable).unwrap();
    assert_eq!(before + clicks(&drain(&mut reader, &mut counted)), 2 * RECORDS);
    assert_eq!(reader.errors(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_click_is_read_once_whatever_batches_and_restarts(
        steps in prop::collection::vec((1..200_u64, any::<bool>(), any::<bool>()), 1..12),
    ) {
        thread_local!(static SPOOL: TempDir = spool());
        let folder = SPOOL.with(|spool| killed(spool.path()));
        let mut reader = Some(reader(folder.path()));
        let (mut watermarks, mut seqs) = (Watermarks::new(), Vec::new());
        let whole = [(u64::MAX, false, true)];
        for (max_records, restarts, is_stored) in steps.into_iter().chain(whole) {
            if restarts {
                drop(reader.take());
            }
            let reader = reader.get_or_insert_with(|| common::reader(folder.path()));
            let batches = reader.read_events(&watermarks, max_records).unwrap();
            if is_stored {
                watermarks.extend(batches.iter().map(|batch| (batch.epoch, batch.last_seq)));
                seqs.extend(batches.iter().flat_map(|batch| &batch.clicks.events).map(|event| event.seq));
            }
        }
        prop_assert_eq!(seqs, (1..=RECORDS).collect::<Vec<_>>());
    }
}

fn spool() -> TempDir {
    let folder = TempDir::new().unwrap();
    let writer = writer(folder.path());
    record(&writer, RECORDS);
    killed(folder.path())
}
