-- Single clicks, and what was added up of them. class: 0 human, 1 bot, 2 preview, 3 prefetch, 4 monitor, 5 head.
-- time: ms since the Unix epoch; quarter: quarters of an hour, day: days since then, UTC.

CREATE TABLE event_state (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    rolled INTEGER NOT NULL,                 -- the clicks up to this id are in the sums; those behind are not yet
    log_since INTEGER NOT NULL               -- all clicks from this time on are in the log
) STRICT;
INSERT INTO event_state VALUES (1, 0, 0);

CREATE TABLE event_watermark (
    epoch BLOB NOT NULL PRIMARY KEY CHECK (length(epoch) = 16),
    seq INTEGER NOT NULL,
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Dictionaries. key: a digest of the texts, which are too long for an index.
CREATE TABLE event_domain (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, domain TEXT NOT NULL) STRICT;
CREATE TABLE event_link (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    domain INTEGER NOT NULL,
    code TEXT NOT NULL,
    clicks INTEGER NOT NULL DEFAULT 0        -- of all time, as far as they are in the sums
) STRICT;
CREATE INDEX event_link_clicks ON event_link (clicks);
CREATE TABLE event_agent (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
    reason TEXT NOT NULL, browser TEXT NOT NULL, os TEXT NOT NULL, device TEXT NOT NULL
) STRICT;
CREATE TABLE event_place (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, country TEXT NOT NULL, city TEXT NOT NULL
) STRICT;
CREATE TABLE event_source (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, referrer TEXT NOT NULL, referrer_host TEXT NOT NULL
) STRICT;
CREATE TABLE event_language (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, language TEXT NOT NULL) STRICT;
CREATE TABLE event_campaign (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
    variant TEXT NOT NULL, utm_source TEXT NOT NULL, utm_medium TEXT NOT NULL, utm_campaign TEXT NOT NULL,
    utm_term TEXT NOT NULL, utm_content TEXT NOT NULL
) STRICT;
CREATE TABLE event_origin (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, epoch TEXT NOT NULL, node TEXT NOT NULL, worker INTEGER NOT NULL
) STRICT;
-- User agents and networks, which only the log knows: entries unused for as long as the log reaches back are deleted.
CREATE TABLE event_text (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, text TEXT NOT NULL, used_day INTEGER NOT NULL
) STRICT;

-- The clicks one by one, in the order in which they came; ids are never used again.
CREATE TABLE event_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    domain INTEGER NOT NULL,
    link INTEGER NOT NULL,
    class INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    place INTEGER NOT NULL,
    source INTEGER NOT NULL,
    language INTEGER NOT NULL,
    campaign INTEGER NOT NULL,
    user_agent INTEGER NOT NULL,
    network INTEGER NOT NULL,
    visitor INTEGER NOT NULL,
    clicks INTEGER NOT NULL
) STRICT;
CREATE INDEX event_log_time ON event_log (time);
CREATE INDEX event_log_link ON event_log (link, time);

-- Sums. scope: 0 the service, -id a domain, id a link.
CREATE TABLE event_quarter (
    scope INTEGER NOT NULL,
    quarter INTEGER NOT NULL,
    class INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    PRIMARY KEY (scope, quarter, class)
) STRICT, WITHOUT ROWID;

-- facet: 0 link (of the service alone), 1 agent, 2 place, 3 source, 4 language, 5 campaign; value: an id of its
-- dictionary. period: a day; or 32 of them, day / 32 as -(day / 32) - 1 (not of links).
CREATE TABLE event_day (
    scope INTEGER NOT NULL,
    facet INTEGER NOT NULL,
    period INTEGER NOT NULL,
    class INTEGER NOT NULL,
    value INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    PRIMARY KEY (scope, facet, period, class, value)
) STRICT, WITHOUT ROWID;

-- Visitors of today and yesterday, one by one. classes: the sum of 1 << class of theirs.
CREATE TABLE event_visitor (
    scope INTEGER NOT NULL,
    day INTEGER NOT NULL,
    visitor INTEGER NOT NULL,
    classes INTEGER NOT NULL,
    PRIMARY KEY (scope, day, visitor)
) STRICT, WITHOUT ROWID;

-- How many they were on earlier days, by their classes together: so any choice of classes can be counted.
CREATE TABLE event_visitor_day (
    scope INTEGER NOT NULL,
    day INTEGER NOT NULL,
    classes INTEGER NOT NULL,
    visitors INTEGER NOT NULL,
    PRIMARY KEY (scope, day, classes)
) STRICT, WITHOUT ROWID;
