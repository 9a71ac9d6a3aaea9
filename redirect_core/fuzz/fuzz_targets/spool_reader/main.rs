//! Any bytes in a dead worker's segments: they are read to their end, no seq is counted twice, what was counted is what
//! comes click by click, and what was read is freed.
#![no_main]

mod files;

use libfuzzer_sys::fuzz_target;
use redirect_core::spool::{Batch, Counts, Description, Encoder, Epoch, Events, Size, SpoolReader, Watermarks};
use tempfile::TempDir;

fuzz_target!(|data: &[u8]| {
    let Some((&max_records, rest)) = data.split_first() else {
        return;
    };
    let folder = files::folder();
    let bytes = files::write(rest, folder.path());
    let max_records = u64::from(max_records) + 1;

    let mut reader = open(&folder);
    let reached = drain(&mut reader, max_records, bytes);
    assert!(read(&mut reader, &reached, max_records).is_empty(), "something is new although all was read");
    drop(reader);

    let mut again = open(&folder);
    assert_eq!(drain(&mut again, u64::MAX, bytes), reached, "read in one go, it reaches another place");
    let before = again.size().expect("a size");
    let freed = again.free(&reached).expect("segments that can be deleted");
    assert_eq!(freed, before.bytes);
    assert_eq!(again.size().expect("a size"), Size::default());
    assert!(read(&mut again, &reached, max_records).is_empty());
    assert!(again.epochs().expect("names").is_empty());
});

fn open(folder: &TempDir) -> SpoolReader {
    SpoolReader::open(folder.path().to_owned()).expect("a folder that can be read").expect("no other reader")
}

/// Read all there is; the watermarks that it reaches. `bytes`: of all files, which bounds how often there can be more.
fn drain(reader: &mut SpoolReader, max_records: u64, bytes: usize) -> Watermarks {
    let mut watermarks = Watermarks::new();
    for _ in 0..=bytes {
        let batches = read(reader, &watermarks, max_records);
        let again = read(reader, &watermarks, max_records); // as after a count that could not be stored
        assert!(reach(&again).eq(reach(&batches)), "it comes otherwise when it comes again");
        let events = reader.read_events(&watermarks, max_records).expect("segments that can be read");
        assert!(reach(&events).eq(reach(&batches)), "click by click it is something else");
        events.iter().for_each(encode);
        if batches.is_empty() {
            return watermarks;
        }
        watermarks.extend(batches.iter().map(|batch| (batch.epoch, batch.last_seq)));
    }
    panic!("it is read for ever");
}

/// What batches add to the watermarks, and of how many records.
fn reach<T>(batches: &[Batch<T>]) -> impl Iterator<Item = (Epoch, u64, u64)> {
    batches.iter().map(|batch| (batch.epoch, batch.last_seq, batch.records))
}

/// One read, and all that must be true of it.
fn read(reader: &mut SpoolReader, watermarks: &Watermarks, max_records: u64) -> Vec<Batch<Counts>> {
    let batches = reader.read(watermarks, max_records).expect("segments that can be read");
    for batch in &batches {
        assert_eq!(batch.after_seq, watermarks.get(&batch.epoch).copied().unwrap_or(0));
        assert!(batch.last_seq > batch.after_seq && batch.records <= max_records);
        assert_eq!(batch.records + batch.lost, batch.last_seq - batch.after_seq);
        for count in &batch.clicks.counts {
            assert!((count.user_agent as usize) < batch.clicks.user_agents.len());
            assert!((1..=64).contains(&count.code.len()));
        }
    }
    batches
}

/// Make JSON of clicks of which nothing is told beyond what the spool has.
fn encode(batch: &Batch<Events>) {
    let clicks = &batch.clicks;
    assert_eq!(clicks.events.len() as u64, batch.records);
    assert!(clicks.events.is_sorted_by(|one, next| one.seq < next.seq));
    let nothing = |values: usize| vec![""; values];
    let description = Description {
        node: "",
        agents: &nothing(clicks.agents.len()),
        networks: &nothing(clicks.networks.len()),
        referrers: &nothing(clicks.referrers.len()),
        languages: &nothing(clicks.languages.len()),
        links: &nothing(clicks.links.len()),
    };
    let encoder = Encoder::new(batch, description).expect("a description of each value");
    let mut json = Vec::new();
    clicks.events.iter().for_each(|event| encoder.push(&mut json, event));
    assert!(std::str::from_utf8(&json).is_ok_and(|text| text.bytes().all(|byte| byte >= b' ')));
}
