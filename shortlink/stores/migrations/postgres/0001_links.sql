-- Links, their change feed, and what the control plane keeps beside them. Times are ms since the Unix epoch.
-- Names are compared byte by byte (COLLATE "C"), as every other store does, whatever the database's locale.

CREATE TABLE link (
    domain text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    target text NOT NULL,
    status integer NOT NULL,
    cache_control text NOT NULL,
    not_before bigint,
    expires_at bigint,
    max_visits bigint,
    expired_target text,
    password_hash text,
    forward_query boolean NOT NULL,
    rules text,
    title text,
    title_folded text,               -- str.casefold of the title, so that every store finds the same
    tags jsonb NOT NULL,             -- array, in the owner's order
    enabled boolean NOT NULL,
    owner_key text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    first_version bigint NOT NULL,   -- the version it was added with: tells it from one added again later
    version bigint NOT NULL,
    removed_at bigint,               -- a tombstone since then: keeps the version, and nothing of the content
    PRIMARY KEY (domain, code)
);

-- Each in the order of a list; tombstones are in none of them.
CREATE INDEX link_created ON link (created_at DESC, domain, code) WHERE removed_at IS NULL;
CREATE INDEX link_updated ON link (updated_at DESC, domain, code) WHERE removed_at IS NULL;
CREATE INDEX link_removed ON link (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX link_tags ON link USING gin (tags jsonb_path_ops) WHERE tags <> '[]';

-- The change feed. Positions are drawn under the writers' lock, which is held until the commit: whoever sees one sees
-- all before it.
CREATE TABLE change (
    position bigint PRIMARY KEY,
    domain text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    at_ms bigint NOT NULL
);
CREATE SEQUENCE change_position;

-- How many links there are, in parts: one row would be written by everybody.
CREATE TABLE link_count (
    part integer PRIMARY KEY,
    links bigint NOT NULL
);

-- One writer of links at a time: first of all, before any row is locked, so that writers never wait for each other in
-- a circle. docs/adr/0010-one-writer-at-a-time-in-postgresql.md
-- A writer that is stopped between two statements, or whose machine is gone, loses its connection and so the lock.
CREATE FUNCTION lock_links() RETURNS void LANGUAGE sql AS $$
    SELECT set_config('idle_in_transaction_session_timeout', '2s', true);
    SELECT pg_advisory_xact_lock(7305804402464567347);
$$;
CREATE FUNCTION link_writes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_links();
    RETURN NULL;
END $$;
CREATE TRIGGER link_writes BEFORE INSERT OR UPDATE ON link FOR EACH STATEMENT EXECUTE FUNCTION link_writes();

-- Triggers, so that no statement can change a link and forget the feed or the count. The notification carries nothing,
-- and many of one transaction are one.
CREATE FUNCTION count_links(more bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO link_count (part, links) VALUES (pg_backend_pid() % 16, more)
        ON CONFLICT (part) DO UPDATE SET links = link_count.links + excluded.links
$$;
CREATE FUNCTION link_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    more bigint;
BEGIN
    INSERT INTO change (position, domain, code, version, at_ms)
        SELECT nextval('change_position'), domain, code, version, updated_at FROM written;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    more := (SELECT count(*) FROM written WHERE removed_at IS NULL);
    IF TG_OP = 'UPDATE' THEN
        more := more - (SELECT count(*) FROM replaced WHERE removed_at IS NULL);
    END IF;
    IF more <> 0 THEN
        PERFORM count_links(more);
    END IF;
    PERFORM pg_notify('edge302_change', '');
    RETURN NULL;
END $$;
CREATE TRIGGER link_added AFTER INSERT ON link REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION link_written();
CREATE TRIGGER link_changed AFTER UPDATE ON link REFERENCING OLD TABLE AS replaced NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION link_written();

CREATE TABLE idempotency (
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,      -- SHA-256 of the request
    domain text,                     -- null while the first request is under way
    code text,
    version bigint,                  -- the link's first_version
    at_ms bigint NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_at ON idempotency (at_ms);

CREATE TABLE visitor_salt (
    day bigint PRIMARY KEY,          -- days since the Unix epoch, UTC
    salt bytea NOT NULL
);

CREATE TABLE api_key (
    id text PRIMARY KEY,
    prefix text NOT NULL UNIQUE,     -- the part of the key that finds its row
    name text NOT NULL,
    hash bytea NOT NULL,             -- SHA-256 of the secret
    scopes text NOT NULL,            -- separated by spaces
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint
);

-- Who may do what only one process may. The server's clock decides.
CREATE TABLE lease (
    name text PRIMARY KEY,
    holder text NOT NULL,            -- empty: nobody
    term bigint NOT NULL,
    until timestamptz NOT NULL
);

CREATE TABLE feed (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    generation text NOT NULL,
    purged bigint NOT NULL           -- the last position of the feed that is gone
);
INSERT INTO feed (generation, purged) VALUES (substr(replace(gen_random_uuid()::text, '-', ''), 1, 16), 0);
