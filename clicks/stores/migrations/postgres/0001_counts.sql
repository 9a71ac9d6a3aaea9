-- Click counts. class: 0 human, 1 bot, 2 preview, 3 prefetch, 4 monitor, 5 head. hour: hours since the Unix epoch, UTC.

CREATE TABLE click_total (
    domain text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    class smallint NOT NULL,
    clicks bigint NOT NULL,
    PRIMARY KEY (domain, code, class)
) WITH (fillfactor = 80);            -- room for the next version of a row on its own page

-- Partitioned by month, so that what is past its time goes at once. Partitions are made ahead by the shipper; what none
-- of them takes lands in the last, and nothing is lost.
CREATE TABLE click_hour (
    domain text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    hour integer NOT NULL,
    class smallint NOT NULL,
    clicks bigint NOT NULL,
    PRIMARY KEY (domain, code, hour, class)
) PARTITION BY RANGE (hour);
CREATE TABLE click_hour_rest PARTITION OF click_hour DEFAULT;

-- The sums over all links, so that the service's own figures cost the same at any number of links.
CREATE TABLE service_total (
    class smallint PRIMARY KEY,
    clicks bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE service_hour (
    hour integer NOT NULL,
    class smallint NOT NULL,
    clicks bigint NOT NULL,
    PRIMARY KEY (hour, class)
) WITH (fillfactor = 50);

-- Clicks known to be lost.
CREATE TABLE dropped (
    reason text PRIMARY KEY,
    clicks bigint NOT NULL
);

-- How far each start of a worker has been counted. touched_at: ms since the Unix epoch of the last count, or of the last
-- time that its segments were seen.
CREATE TABLE watermark (
    epoch bytea PRIMARY KEY CHECK (length(epoch) = 16),
    seq bigint NOT NULL,
    touched_at bigint NOT NULL,
    node text NOT NULL               -- whose segments they are: no other node knows when those are gone
) WITH (fillfactor = 50);
