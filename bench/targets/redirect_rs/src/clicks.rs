//! Clicks, counted in memory and added to Redis once a second: those of the last second are lost with the process.

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
#[derive(Default)]
pub struct Clicks {
    pending: Mutex<Counts>,
}

impl Clicks {
    /// Count a click of this code.
    pub fn count(&self, code: &str) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clicks) = pending.get_mut(code) {
            *clicks += 1;
        } else {
            pending.insert(code.into(), 1);
        }
    }

    /// Add what was counted to Redis, over and over.
    pub async fn flush_every_second(&self, redis: &Client) {
        loop {
            tokio::time::sleep(FLUSH_EVERY).await;
            let counts = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
            let counts: Vec<_> = counts.into_iter().collect();
            for chunk in counts.chunks(CHUNK) {
                if let Err(error) = add(redis, chunk).await {
                    eprintln!("{} codes' clicks are lost: {error}", chunk.len());
                }
            }
        }
    }
}

async fn add(redis: &Client, counts: &[(Box<str>, i64)]) -> Result<(), fred::error::Error> {
    let pipeline = redis.pipeline();
    for (code, clicks) in counts {
        pipeline.incr_by::<(), _>(format!("clicks:{code}"), *clicks).await?;
    }
    pipeline.last().await
}
