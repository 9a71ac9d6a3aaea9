-- Click counts. class: 0 human, 1 bot, 2 preview, 3 prefetch, 4 monitor, 5 head. hour: hours since the Unix epoch, UTC.
-- Rows are narrow and lie in the order of their keys, because each click of a rarely clicked link rewrites two of them.

CREATE TABLE click_total (
    domain TEXT NOT NULL,
    code TEXT NOT NULL,
    class INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    PRIMARY KEY (domain, code, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE click_hour (
    domain TEXT NOT NULL,
    code TEXT NOT NULL,
    hour INTEGER NOT NULL,
    class INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    PRIMARY KEY (domain, code, hour, class)
) STRICT, WITHOUT ROWID;

-- The sums over all links, so that the service's own figures cost the same at any number of links.
CREATE TABLE service_total (
    class INTEGER NOT NULL PRIMARY KEY,
    clicks INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service_hour (
    hour INTEGER NOT NULL,
    class INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    PRIMARY KEY (hour, class)
) STRICT, WITHOUT ROWID;

-- Clicks known to be lost.
CREATE TABLE dropped (
    reason TEXT NOT NULL PRIMARY KEY,
    clicks INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far each start of a worker has been counted. touched_at: ms since the Unix epoch of the last count, or of the
-- last time that its segments were seen.
CREATE TABLE watermark (
    epoch BLOB NOT NULL PRIMARY KEY CHECK (length(epoch) = 16),
    seq INTEGER NOT NULL,
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
