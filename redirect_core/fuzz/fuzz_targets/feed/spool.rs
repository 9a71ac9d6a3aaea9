//! Where the clicks of all inputs go: a spool on a RAM disk, begun anew before it is full.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redirect_core::spool::{Options, SpoolWriter};
use tempfile::TempDir;

const SEGMENT_BYTES: u32 = 16 << 20;
/// So few that its thread is never woken: not even half of a segment is written.
const MAX_RECORDS: u64 = 4_000;

/// A spool with room for the clicks of one input.
pub fn spool() -> Arc<SpoolWriter> {
    thread_local!(static CURRENT: RefCell<Option<(Arc<SpoolWriter>, TempDir)>> = const { RefCell::new(None) });
    CURRENT.with_borrow_mut(|current| {
        let (writer, _) = match current.take() {
            Some(spool) if spool.0.spooled() < MAX_RECORDS => current.insert(spool),
            _ => current.insert(begin()),
        };
        Arc::clone(writer)
    })
}

/// All clicks recorded, whatever became of them.
pub fn clicks(spool: &SpoolWriter) -> u64 {
    spool.clicks() + spool.volatile() + spool.dropped()
}

fn begin() -> (Arc<SpoolWriter>, TempDir) {
    let folder = folder();
    let options = Options {
        folder: folder.path().to_owned(),
        worker: 0,
        segment_bytes: SEGMENT_BYTES,
        limit_bytes: u64::from(SEGMENT_BYTES),
        sync_every: Duration::from_secs(3_600),
    };
    (Arc::new(SpoolWriter::open(options).expect("a spool")), folder)
}

/// In memory where that can be.
fn folder() -> TempDir {
    let ram = Path::new("/dev/shm");
    if ram.is_dir() { TempDir::new_in(ram) } else { TempDir::new() }.expect("a folder")
}
