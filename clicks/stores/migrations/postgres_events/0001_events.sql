-- Single clicks, and what was added up of them. class: 0 human, 1 bot, 2 preview, 3 prefetch, 4 monitor, 5 head.
-- time: ms since the Unix epoch; quarter: quarters of an hour, day: days since then, UTC.

CREATE TABLE event_state (
    one integer NOT NULL PRIMARY KEY CHECK (one = 1),
    rolled bigint NOT NULL,                 -- the clicks up to this id are in the sums; those behind are not yet
    log_since bigint NOT NULL               -- all clicks from this time on are in the log
);
INSERT INTO event_state VALUES (1, 0, 0);

CREATE TABLE event_watermark (
    epoch bytea NOT NULL PRIMARY KEY CHECK (length(epoch) = 16),
    seq bigint NOT NULL,
    touched_at bigint NOT NULL,
    node text NOT NULL                       -- whose segments they are: no other node knows when those are gone
) WITH (fillfactor = 50);

-- Dictionaries. key: a digest of the texts, which are too long for an index.
CREATE TABLE event_domain (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE, domain text COLLATE "C" NOT NULL
);
CREATE TABLE event_link (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key bytea NOT NULL UNIQUE,
    domain integer NOT NULL,
    code text COLLATE "C" NOT NULL,
    clicks bigint NOT NULL DEFAULT 0        -- of all time, as far as they are in the sums
);
CREATE INDEX event_link_clicks ON event_link (clicks);
CREATE TABLE event_agent (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE,
    reason text COLLATE "C" NOT NULL, browser text COLLATE "C" NOT NULL, os text COLLATE "C" NOT NULL,
    device text COLLATE "C" NOT NULL
);
CREATE TABLE event_place (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE,
    country text COLLATE "C" NOT NULL, city text COLLATE "C" NOT NULL
);
CREATE TABLE event_source (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE,
    referrer text COLLATE "C" NOT NULL, referrer_host text COLLATE "C" NOT NULL
);
CREATE TABLE event_language (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE, language text COLLATE "C" NOT NULL
);
CREATE TABLE event_campaign (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE,
    variant text COLLATE "C" NOT NULL, utm_source text COLLATE "C" NOT NULL, utm_medium text COLLATE "C" NOT NULL,
    utm_campaign text COLLATE "C" NOT NULL,
    utm_term text COLLATE "C" NOT NULL, utm_content text COLLATE "C" NOT NULL
);
CREATE TABLE event_origin (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE,
    epoch text COLLATE "C" NOT NULL, node text COLLATE "C" NOT NULL, worker integer NOT NULL
);
-- User agents and networks, which only the log knows: entries unused for as long as the log reaches back are deleted.
CREATE TABLE event_text (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE,
    text text COLLATE "C" NOT NULL, used_day integer NOT NULL
);

-- The clicks one by one, in the order in which they came: one transaction at a time adds some (see the store), so whoever
-- has read up to an id has missed none below it.
CREATE TABLE event_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time bigint NOT NULL,
    origin integer NOT NULL,
    seq bigint NOT NULL,
    domain integer NOT NULL,
    link integer NOT NULL,
    class smallint NOT NULL,
    agent integer NOT NULL,
    place integer NOT NULL,
    source integer NOT NULL,
    language integer NOT NULL,
    campaign integer NOT NULL,
    user_agent bigint NOT NULL,
    network bigint NOT NULL,
    visitor bigint NOT NULL,
    clicks bigint NOT NULL
);
CREATE INDEX event_log_time ON event_log (time);
CREATE INDEX event_log_link ON event_log (link, time);

-- Sums. scope: 0 the service, -id a domain, id a link.
CREATE TABLE event_quarter (
    scope integer NOT NULL,
    quarter integer NOT NULL,
    class smallint NOT NULL,
    clicks bigint NOT NULL,
    PRIMARY KEY (scope, quarter, class)
);

-- facet: 0 link (of the service alone), 1 agent, 2 place, 3 source, 4 language, 5 campaign; value: an id of its
-- dictionary. period: a day; or 32 of them, day / 32 as -(day / 32) - 1 (not of links).
CREATE TABLE event_day (
    scope integer NOT NULL,
    facet integer NOT NULL,
    period integer NOT NULL,
    class smallint NOT NULL,
    value integer NOT NULL,
    clicks bigint NOT NULL,
    PRIMARY KEY (scope, facet, period, class, value)
);

-- Visitors of today and yesterday, one by one. classes: the sum of 1 << class of theirs.
CREATE TABLE event_visitor (
    scope integer NOT NULL,
    day integer NOT NULL,
    visitor bigint NOT NULL,
    classes integer NOT NULL,
    PRIMARY KEY (scope, day, visitor)
);

-- How many they were on earlier days, by their classes together: so any choice of classes can be counted.
CREATE TABLE event_visitor_day (
    scope integer NOT NULL,
    day integer NOT NULL,
    classes integer NOT NULL,
    visitors bigint NOT NULL,
    PRIMARY KEY (scope, day, classes)
);
