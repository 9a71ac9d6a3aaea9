//! Where a code leads: asked of memory, of Redis and of the store, in this order.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderValue;
use foldhash::fast::RandomState;
use fred::prelude::{Client, KeysInterface};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

/// Targets as they stand in a Location field, by code.
type Cache = Mutex<HashMap<Box<str>, HeaderValue, RandomState>>;

const SELECT: &str = "SELECT target FROM link WHERE domain = '' AND code = ? AND enabled AND removed_at IS NULL";

/// The links, on three levels.
pub struct Links {
    /// None: every request asks Redis. Without bound, lifetime or order of use: no cache is cheaper than this one.
    cache: Option<Cache>,
    redis: Client,
    store: SqlitePool,
}

impl Links {
    /// Open the store, a links database of edge302.
    ///
    /// # Errors
    /// It can't be opened.
    pub async fn open(redis: Client, store: &Path, cache: bool) -> Result<Self, sqlx::Error> {
        let store = SqlitePool::connect_with(SqliteConnectOptions::new().filename(store)).await?;
        Ok(Self { cache: cache.then(Cache::default), redis, store })
    }

    /// The target of a code; None: there is no such link.
    ///
    /// # Errors
    /// Redis or the store did not answer, or a target is no header value.
    pub async fn target(&self, code: &str) -> Result<Option<HeaderValue>, Box<dyn Error>> {
        let Some(cache) = &self.cache else {
            return self.shared_target(code).await;
        };
        let cached = cache.lock().unwrap_or_else(PoisonError::into_inner).get(code).cloned();
        if cached.is_some() {
            return Ok(cached);
        }
        let found = self.shared_target(code).await?;
        if let Some(target) = &found {
            cache.lock().unwrap_or_else(PoisonError::into_inner).insert(code.into(), target.clone());
        }
        Ok(found)
    }

    async fn shared_target(&self, code: &str) -> Result<Option<HeaderValue>, Box<dyn Error>> {
        let key = format!("link:{code}");
        if let Some(target) = self.redis.get::<Option<String>, _>(&key).await? {
            return Ok(Some(HeaderValue::try_from(target)?));
        }
        let stored = sqlx::query_scalar::<_, String>(SELECT).bind(code).fetch_optional(&self.store).await?;
        let Some(target) = stored else { return Ok(None) };
        self.redis.set::<(), _, _>(key, target.as_str(), None, None, false).await?;
        Ok(Some(HeaderValue::try_from(target)?))
    }
}
