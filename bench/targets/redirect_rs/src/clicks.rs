//! Clicks, counted in memory and added to Redis once a second: kill -9 loses those of the last second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use fred::prelude::{Client, KeysInterface};

const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Commands that are written at once: while they are, no request is answered.
const CHUNK: usize = 500;

type Counts = HashMap<Box<str>, i64, RandomState>;

/// Clicks by code since the last flush.
pub struct Clicks {
    pending: Mutex<Counts>,
    redis: Client,
}

impl Clicks {
    /// None yet.
    pub fn new(redis: Client) -> Self {
        Self { pending: Mutex::default(), redis }
    }

    /// Count a click of this code.
    pub fn count(&self, code: &str) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clicks) = pending.get_mut(code) {
            *clicks += 1;
        } else {
            pending.insert(code.into(), 1);
        }
    }

    /// Add to Redis what was counted, over and over.
    pub async fn flush_every_second(&self) {
        loop {
            tokio::time::sleep(FLUSH_EVERY).await;
            self.flush().await;
        }
    }

    /// Add to Redis what was counted.
    pub async fn flush(&self) {
        let counts: Vec<_> = self.take().into_iter().collect();
        for chunk in counts.chunks(CHUNK) {
            if let Err(error) = add(&self.redis, chunk).await {
                eprintln!("{} codes' clicks are lost: {error}", chunk.len());
            }
        }
    }

    /// What was counted; what comes next finds room for as much.
    fn take(&self) -> Counts {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let emptied = Counts::with_capacity_and_hasher(pending.len(), RandomState::default());
        std::mem::replace(&mut pending, emptied)
    }
}

async fn add(redis: &Client, counts: &[(Box<str>, i64)]) -> Result<(), fred::error::Error> {
    let pipeline = redis.pipeline();
    for (code, clicks) in counts {
        pipeline.incr_by::<(), _>(format!("clicks:{code}"), *clicks).await?;
    }
    pipeline.last().await
}
