//! One worker's spool: the recorder, and the thread that waits for the disk in its stead.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use crate::spool::factory::Factory;
use crate::spool::header::HEADER_BYTES;
use crate::spool::names::Epoch;
use crate::spool::record::MAX_RECORD_BYTES;
use crate::spool::recorder::{Click, Fate, Recorder, Unsynced};
use crate::spool::salts::{Salt, Salts, random};
use crate::spool::visitor::Visitor;

/// Sizes of segments that make sense; each is a multiple of [`SEGMENT_STEP_BYTES`].
pub const SEGMENT_BYTES: std::ops::RangeInclusive<u32> = 4096..=1 << 30;
const SEGMENT_STEP_BYTES: u32 = 4096; // a page
const _: () = assert!(HEADER_BYTES + MAX_RECORD_BYTES <= SEGMENT_STEP_BYTES as usize);

/// Counts written back while the recorder's lock is held: about 0.1 ms.
const RESTORED_AT_ONCE: usize = 1_000;

/// Where a spool is, and how large it may grow.
#[derive(Clone, Debug)]
pub struct Options {
    /// An existing folder, shared by the spools of all workers.
    pub folder: PathBuf,
    /// The worker's slot.
    pub worker: u32,
    /// Within [`SEGMENT_BYTES`]; rounded up to a page.
    pub segment_bytes: u32,
    /// Of all segments in the folder.
    pub limit_bytes: u64,
    /// How long a power cut reaches back.
    pub sync_every: Duration,
}

/// The only writer of its epoch.
pub struct SpoolWriter {
    epoch: Epoch,
    shared: Arc<Shared>,
    /// To wake the thread without a lock.
    keeper: Thread,
    /// `None` once closed.
    running: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    factory: Arc<Factory>,
    /// Held for one click by the worker, and for moments by the keeper.
    recorder: Mutex<Recorder>,
    /// Held while syncing, so that whoever waited knows that all before it is on disk.
    syncing: Mutex<Synced>,
    sync_error: Mutex<Option<String>>,
    stopping: AtomicBool,
}

/// How far the current segment is on disk.
#[derive(Default)]
struct Synced {
    position: usize,
}

impl SpoolWriter {
    /// Start an epoch. When the disk is full it counts in memory until a segment can be had.
    ///
    /// # Errors
    /// The folder can't be written to.
    pub fn open(options: Options) -> io::Result<Self> {
        let epoch = Epoch(random()?);
        let segment_bytes = options.segment_bytes.next_multiple_of(SEGMENT_STEP_BYTES);
        let factory = Arc::new(Factory::new(options.folder, options.worker, epoch, segment_bytes, options.limit_bytes));
        let first = match factory.take_at_once() {
            Err(error) if !is_full(&error) => return Err(error),
            made => made.ok(),
        };
        if let Some(first) = &first {
            first.sync()?;
            first.warm();
        }
        let recorder = Recorder::new(Arc::clone(&factory), first, Salts::new()?);
        let shared = Arc::new(Shared {
            factory,
            recorder: Mutex::new(recorder),
            syncing: Mutex::default(),
            sync_error: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let keeper = Arc::clone(&shared);
        let running =
            thread::Builder::new().name("spool-keeper".into()).spawn(move || keeper.keep(options.sync_every))?;
        let keeper = running.thread().clone();
        Ok(Self { epoch, shared, keeper, running: Mutex::new(Some(running)) })
    }

    /// What names this start of this worker.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Records written, which is also the last seq.
    #[must_use]
    pub fn spooled(&self) -> u64 {
        self.shared.recorder().spooled()
    }

    /// Clicks in the records written.
    #[must_use]
    pub fn clicks(&self) -> u64 {
        self.shared.recorder().clicks()
    }

    /// Clicks in memory alone.
    #[must_use]
    pub fn volatile(&self) -> u64 {
        self.shared.recorder().volatile()
    }

    /// Clicks lost because too many different ones were in memory, or because it was closed while there was no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.recorder().dropped()
    }

    /// Why no segment could be had, or nothing be synced, the last time that was tried; `None`: it could.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let keeper_died = || lock(&self.running).as_ref().is_some_and(JoinHandle::is_finished);
        self.shared
            .factory
            .error()
            .or_else(|| lock(&self.shared.sync_error).clone())
            .or_else(|| keeper_died().then(|| "the thread that syncs the spool has died".to_owned()))
    }

    /// Salts of visitor hashes by UTC day number; they replace those set before.
    pub fn set_salts(&self, salts: std::collections::HashMap<u64, Salt>) {
        self.shared.recorder().salts.set(salts);
    }

    /// Record a click; it survives the death of the process when this is `Some(true)`. `Some(false)`: it is in memory
    /// alone, or lost. `None`: the spool is closed. The click's lengths are the caller's to keep.
    #[inline]
    pub fn record(&self, click: &Click<'_>, visitor: &mut Visitor) -> Option<bool> {
        let mut recorder = self.shared.recorder();
        if recorder.is_closed() {
            return None;
        }
        let fate = recorder.record(click, visitor);
        drop(recorder);
        if fate == Fate::SpooledPastHalf {
            self.keeper.unpark();
        }
        Some(matches!(fate, Fate::Spooled | Fate::SpooledPastHalf))
    }

    /// Put on disk what was recorded so far.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.shared.sync()
    }

    /// Write what is in memory if that can be, complete the segment, sync it and give its lock back. Idempotent.
    ///
    /// # Errors
    /// What was recorded last may not be on disk.
    pub fn close(&self) -> io::Result<()> {
        let Some(running) = lock(&self.running).take() else {
            return Ok(());
        };
        self.shared.recorder().close();
        self.shared.stopping.store(true, Ordering::Release);
        self.keeper.unpark();
        let _ = running.join(); // its panic has been reported, and what it left undone follows
        self.shared.factory.discard()?;
        self.shared.sync()
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        let _ = self.close(); // nobody is left to be told
    }
}

impl Shared {
    fn recorder(&self) -> MutexGuard<'_, Recorder> {
        lock(&self.recorder)
    }

    /// The keeper's life: prepare segments ahead, sync, bring volatile clicks back.
    fn keep(&self, every: Duration) {
        while !self.stopping.load(Ordering::Acquire) {
            thread::park_timeout(every);
            if self.recorder().wants_segment() {
                self.factory.prepare();
            }
            while self.recorder().restore(RESTORED_AT_ONCE) {}
            let _ = self.sync(); // kept as `sync_error`
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut synced = lock(&self.syncing);
        let unsynced = self.recorder().unsynced();
        let result = synced.sync(&unsynced);
        *lock(&self.sync_error) = result.as_ref().err().map(ToString::to_string);
        result
    }
}

impl Synced {
    fn sync(&mut self, unsynced: &Unsynced) -> io::Result<()> {
        if !unsynced.retired.is_empty() {
            self.position = 0; // of another segment
        }
        unsynced.retired.iter().try_for_each(|segment| segment.sync())?;
        let Some((segment, position)) = &unsynced.current else {
            return Ok(());
        };
        if self.position == *position {
            return Ok(());
        }
        let recorded = position - self.position;
        segment.sync()?;
        segment.prefault(*position, 2 * recorded);
        self.position = *position;
        Ok(())
    }
}

/// True for what passes without anyone mending the folder.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The lock, whether a panic passed by or not: no invariant spans several locked sections.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
