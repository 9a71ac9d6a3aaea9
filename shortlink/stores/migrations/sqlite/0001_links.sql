-- Links, their change feed, and what the control plane keeps beside them. Times are ms since the Unix epoch.

CREATE TABLE link (
    domain TEXT NOT NULL,
    code TEXT NOT NULL,
    target TEXT NOT NULL,
    status INTEGER NOT NULL,
    cache_control TEXT NOT NULL,
    not_before INTEGER,
    expires_at INTEGER,
    max_visits INTEGER,
    expired_target TEXT,
    password_hash TEXT,
    forward_query INTEGER NOT NULL,
    rules TEXT,
    title TEXT,
    title_folded TEXT,               -- str.casefold of the title: SQLite itself folds ASCII alone
    tags TEXT NOT NULL,              -- JSON array, in the owner's order; link_tag is its index
    enabled INTEGER NOT NULL,
    owner_key TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    first_version INTEGER NOT NULL,  -- the version it was added with: tells it from one added again later
    version INTEGER NOT NULL,
    removed_at INTEGER,              -- a tombstone since then: keeps the version, and nothing of the content
    PRIMARY KEY (domain, code)
) STRICT, WITHOUT ROWID;

-- Each in the order of a list; tombstones are in none of them.
CREATE INDEX link_created ON link (created_at DESC, domain, code) WHERE removed_at IS NULL;
CREATE INDEX link_updated ON link (updated_at DESC, domain, code) WHERE removed_at IS NULL;
CREATE INDEX link_removed ON link (removed_at) WHERE removed_at IS NOT NULL;

CREATE TABLE link_tag (
    tag TEXT NOT NULL,
    domain TEXT NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (tag, domain, code)
) STRICT, WITHOUT ROWID;

-- The change feed. AUTOINCREMENT: a position is never used again, not even when the feed was purged empty.
CREATE TABLE change (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    domain TEXT NOT NULL,
    code TEXT NOT NULL,
    version INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- Triggers, so that no statement can change a link and forget the feed.
CREATE TRIGGER link_added AFTER INSERT ON link BEGIN
    INSERT INTO change (domain, code, version, at_ms) VALUES (new.domain, new.code, new.version, new.updated_at);
END;
CREATE TRIGGER link_changed AFTER UPDATE OF version ON link BEGIN
    INSERT INTO change (domain, code, version, at_ms) VALUES (new.domain, new.code, new.version, new.updated_at);
END;

CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,       -- SHA-256 of the request, in hex
    domain TEXT NOT NULL,
    code TEXT NOT NULL,
    version INTEGER NOT NULL,        -- the link's first_version
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at_ms);

CREATE TABLE visitor_salt (
    day INTEGER PRIMARY KEY,         -- days since the Unix epoch, UTC
    salt BLOB NOT NULL
) STRICT;

CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    prefix TEXT NOT NULL UNIQUE,     -- the part of the key that finds its row
    name TEXT NOT NULL,
    hash BLOB NOT NULL,              -- SHA-256 of the secret
    scopes TEXT NOT NULL,            -- separated by spaces
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES
    ('links', 0),                    -- how many there are, tombstones not counted
    ('purged', 0),                   -- the last position of the feed that is gone
    ('generation', lower(hex(randomblob(8))));
