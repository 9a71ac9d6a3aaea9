//! A segment as its writer has it: preallocated, locked, mapped, appended to.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::io::{Errno, retry_on_intr};

use crate::spool::header::{FIRST_SEQ_AT, HEADER_BYTES, Header, LAST_SEQ_AT, stamp};
use crate::spool::record::{COMMIT_BYTES, commit_word, record_bytes};

const PAGE_BYTES: usize = 4096;

/// The file and its mapping, shared by the thread that records and the one that syncs.
pub struct Segment {
    path: PathBuf,
    /// Open, it holds the lock that tells the reader that its writer lives.
    file: File,
    map: MmapRaw,
    size: usize,
    seed: u32,
    /// Whether the folder knows the file even after a power cut.
    anchored: AtomicBool,
}

impl Segment {
    /// Make the file, reserve its blocks (so that a full disk is an error here, not a SIGBUS later), lock and map it.
    ///
    /// # Errors
    /// What the system says; no file is left then.
    pub fn create(folder: &Path, header: &Header) -> io::Result<Self> {
        let path = folder.join(header.name.to_string());
        let file = create_locked(&path)?;
        let made = reserve(&file, header).and_then(|()| {
            let size = header.size as usize;
            let map = MmapOptions::new().len(size).map_raw(&file)?;
            Ok((map, size))
        });
        match made {
            Ok((map, size)) => {
                let seed = header.name.epoch.seed();
                Ok(Self { path, file, map, size, seed, anchored: AtomicBool::new(false) })
            }
            Err(error) => {
                fs::remove_file(&path)?;
                Err(error)
            }
        }
    }

    /// Put on the disk what was stored so far.
    ///
    /// # Errors
    /// What the system says; what of it reached the disk is unknown then.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        if !self.anchored.load(Ordering::Relaxed) {
            if let Some(folder) = self.path.parent() {
                File::open(folder)?.sync_all()?;
            }
            self.anchored.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Have the file's pages in memory, so that the first records don't wait for them; it dirties none. A hint, too.
    pub fn warm(&self) {
        let _ = self.map.advise(Advice::PopulateRead);
    }

    /// Take the page faults of the coming `bytes` now: a sync makes pages read-only again, and the first store to
    /// each one may wait for the file system's journal. It is only a hint, so that kernels without it (before 5.14) do.
    pub fn prefault(&self, from: usize, bytes: usize) {
        let start = (from / PAGE_BYTES * PAGE_BYTES).min(self.size);
        let end = (from + bytes).next_multiple_of(PAGE_BYTES).min(self.size);
        if start < end {
            let _ = self.map.advise_range(Advice::PopulateWrite, start, end - start);
        }
    }

    /// Delete the file; for one that holds no record.
    ///
    /// # Errors
    /// What the system says.
    pub fn discard(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    fn store(&self, at: usize, bytes: &[u8]) {
        assert!(at.checked_add(bytes.len()).is_some_and(|end| end <= self.size));
        // SAFETY: the mapping is writable, `size` bytes long, and lives as long as `self`; the range lies within it.
        // Only the one Appender of this segment stores, and nothing in this process reads.
        unsafe {
            self.map.as_mut_ptr().add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    /// Store a word behind all that was stored before it.
    fn publish(&self, at: usize, word: u64) {
        assert!(at % 8 == 0 && at.checked_add(8).is_some_and(|end| end <= self.size));
        // SAFETY: as in `store`; the mapping begins at a page, so that a multiple of 8 within it is aligned.
        let place = unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(at).cast()) };
        place.store(word, Ordering::Release);
    }

    fn stamp(&self, at: usize, value: u64) {
        let (value, proof) = stamp(value, self.seed);
        self.store(at, &value.to_le_bytes());
        self.publish(at + 8, proof.to_le());
    }
}

/// A new file that this process has locked, and that is still in its folder.
fn create_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
        // Before the lock a reader may have taken the empty file for a dead writer's, and deleted it.
        if file.metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

fn reserve(file: &File, header: &Header) -> io::Result<()> {
    match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, u64::from(header.size))) {
        Err(Errno::OPNOTSUPP) => reserve_by_writing(file, header.size as usize)?,
        other => other?,
    }
    file.write_all_at(&header.encode(), 0)
}

/// For file systems without `fallocate`: zeros in every block.
fn reserve_by_writing(file: &File, size: usize) -> io::Result<()> {
    let zeros = vec![0; 64 * 1024];
    (0..size).step_by(zeros.len()).try_for_each(|at| {
        let length = zeros.len().min(size - at);
        file.write_all_at(&zeros[..length], at as u64)
    })
}

/// The end of a segment, where its one writer appends.
pub struct Appender {
    segment: Arc<Segment>,
    position: usize,
}

impl Appender {
    /// At the start of a segment that holds no record.
    #[must_use]
    pub fn new(segment: Segment) -> Self {
        Self { segment: Arc::new(segment), position: HEADER_BYTES }
    }

    /// The segment, for the thread that syncs it.
    #[must_use]
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Bytes of the segment that are in use.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// True once half of the segment is in use.
    #[must_use]
    #[inline]
    pub fn is_half_full(&self) -> bool {
        self.position >= self.segment.size / 2
    }

    /// True while it holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.position == HEADER_BYTES
    }

    /// Append a record; it survives the death of the process when this returns. False: no room is left.
    #[must_use]
    #[inline]
    pub fn append(&mut self, payload: &[u8], seq: u64) -> bool {
        let end = self.position + record_bytes(payload.len());
        if end > self.segment.size {
            return false;
        }
        if self.is_empty() {
            self.segment.stamp(FIRST_SEQ_AT, seq);
        }
        self.segment.store(self.position + COMMIT_BYTES, payload);
        self.segment.publish(self.position, commit_word(payload, self.segment.seed).to_le());
        self.position = end;
        true
    }

    /// Say in the segment that no record will follow `last_seq`.
    pub fn complete(&self, last_seq: u64) {
        self.segment.stamp(LAST_SEQ_AT, last_seq);
    }
}
