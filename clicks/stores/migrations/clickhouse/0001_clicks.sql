-- Clicks one by one, as Kafka has them: columns are ClickEvent's fields and take its JSON as it is, `time` in ms too (a
-- DateTime64 would read the number as seconds). `at` is for people. `clicks` is signed: what is forgotten is taken out of all that is added
-- up below by inserting it once more with its opposite.
-- Windows: a block's token is known to a table and to each one that is fed by it, or those would count it twice.
-- fsync: Kafka's offsets move on when ClickHouse has answered, so a power cut must leave it what it took.
CREATE TABLE IF NOT EXISTS click_event
(
    v UInt16 CODEC(ZSTD(1)),
    epoch LowCardinality(String),
    seq UInt64 CODEC(Delta, ZSTD(1)),
    node LowCardinality(String),
    worker UInt16 CODEC(ZSTD(1)),
    time Int64 CODEC(Delta, ZSTD(1)),
    clicks Int64 CODEC(ZSTD(1)),
    domain LowCardinality(String),
    code String CODEC(ZSTD(1)),
    variant UInt16 CODEC(ZSTD(1)),
    class LowCardinality(String),
    reason LowCardinality(String),
    browser LowCardinality(String),
    os LowCardinality(String),
    device LowCardinality(String),
    user_agent String CODEC(ZSTD(1)),
    visitor UInt64 CODEC(ZSTD(1)),
    network String CODEC(ZSTD(1)),
    country LowCardinality(String),
    city LowCardinality(String),
    referrer String CODEC(ZSTD(1)),
    referrer_host LowCardinality(String),
    language LowCardinality(String),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_term LowCardinality(String),
    utm_content LowCardinality(String),
    at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(time, 'UTC'),
    arrived DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    INDEX by_arrived arrived TYPE minmax GRANULARITY 16
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(time, 'UTC'))
ORDER BY (domain, code, time, epoch, seq)
SETTINGS non_replicated_deduplication_window = 1000, enable_block_number_column = 1, enable_block_offset_column = 1,
    fsync_after_insert = 1, fsync_part_directory = 1;

-- Clicks of each link by quarter of an hour. All other counts that are not of values are made of it.
CREATE TABLE IF NOT EXISTS link_quarter
(
    domain LowCardinality(String),
    code String CODEC(ZSTD(1)),
    quarter DateTime('UTC') CODEC(Delta, ZSTD(1)),
    class LowCardinality(String),
    clicks Int64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(quarter)
ORDER BY (domain, code, quarter, class)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS link_day
(
    domain LowCardinality(String),
    code String CODEC(ZSTD(1)),
    day Date CODEC(Delta, ZSTD(1)),
    class LowCardinality(String),
    clicks Int64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (domain, code, day, class)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- For the most clicked links of long times.
CREATE TABLE IF NOT EXISTS link_month
(
    domain LowCardinality(String),
    code String CODEC(ZSTD(1)),
    month Date CODEC(ZSTD(1)),
    class LowCardinality(String),
    clicks Int64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(month)
ORDER BY (month, domain, code, class)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS domain_quarter
(
    domain LowCardinality(String),
    quarter DateTime('UTC') CODEC(Delta, ZSTD(1)),
    class LowCardinality(String),
    clicks Int64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(quarter)
ORDER BY (domain, quarter, class)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Clicks of each domain by the value of a dimension.
CREATE TABLE IF NOT EXISTS value_day
(
    domain LowCardinality(String),
    dimension LowCardinality(String),
    day Date CODEC(Delta, ZSTD(1)),
    value String CODEC(ZSTD(1)),
    class LowCardinality(String),
    clicks Int64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (dimension, domain, day, value, class)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Different visitors a day, as states that add up to one of several links, classes or domains. Exact for some hundred
-- visitors; beyond, the error is about 1 % (2^13 registers), of domains 0.3 % (2^17).
CREATE TABLE IF NOT EXISTS link_visitors
(
    domain LowCardinality(String),
    code String CODEC(ZSTD(1)),
    day Date CODEC(Delta, ZSTD(1)),
    class LowCardinality(String),
    visitors AggregateFunction(uniqCombined64(13), UInt64) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (domain, code, day, class)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS domain_visitors
(
    domain LowCardinality(String),
    day Date CODEC(Delta, ZSTD(1)),
    class LowCardinality(String),
    visitors AggregateFunction(uniqCombined64(17), UInt64) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(day)
ORDER BY (domain, day, class)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- How far a block of Kafka brought an epoch (clicks/ingest): a click that came before is told by it.
CREATE TABLE IF NOT EXISTS ingest_mark
(
    topic LowCardinality(String),
    partition UInt32,
    epoch LowCardinality(String),
    seq UInt64,
    seq_before UInt64,
    block String,
    at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (topic, partition, epoch)
TTL at + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS to_link_quarter TO link_quarter AS
SELECT domain, code, toDateTime(intDiv(time, 900000) * 900, 'UTC') AS quarter, class, sum(clicks) AS clicks
FROM click_event GROUP BY domain, code, quarter, class;

CREATE MATERIALIZED VIEW IF NOT EXISTS to_link_day TO link_day AS
SELECT domain, code, toDate(quarter) AS day, class, sum(clicks) AS clicks
FROM link_quarter GROUP BY domain, code, day, class;

CREATE MATERIALIZED VIEW IF NOT EXISTS to_link_month TO link_month AS
SELECT domain, code, toStartOfMonth(quarter) AS month, class, sum(clicks) AS clicks
FROM link_quarter GROUP BY domain, code, month, class;

CREATE MATERIALIZED VIEW IF NOT EXISTS to_domain_quarter TO domain_quarter AS
SELECT domain, quarter, class, sum(clicks) AS clicks
FROM link_quarter GROUP BY domain, quarter, class;

CREATE MATERIALIZED VIEW IF NOT EXISTS to_value_day TO value_day AS
SELECT domain, told.1 AS dimension, toDate(intDiv(time, 86400000)) AS day, told.2 AS value, class, sum(clicks) AS clicks
FROM click_event
ARRAY JOIN [
    ('reason', toString(reason)), ('browser', toString(browser)), ('os', toString(os)), ('device', toString(device)),
    ('country', toString(country)), ('city', toString(city)), ('referrer', referrer),
    ('referrer_host', toString(referrer_host)), ('language', toString(language)), ('variant', toString(variant)),
    ('utm_source', toString(utm_source)), ('utm_medium', toString(utm_medium)),
    ('utm_campaign', toString(utm_campaign)), ('utm_term', toString(utm_term)), ('utm_content', toString(utm_content))
] AS told
GROUP BY domain, dimension, day, value, class;

CREATE MATERIALIZED VIEW IF NOT EXISTS to_link_visitors TO link_visitors AS
SELECT domain, code, toDate(intDiv(time, 86400000)) AS day, class, uniqCombined64State(13)(visitor) AS visitors
FROM click_event WHERE visitor != 0 AND clicks > 0 GROUP BY domain, code, day, class;

CREATE MATERIALIZED VIEW IF NOT EXISTS to_domain_visitors TO domain_visitors AS
SELECT domain, toDate(intDiv(time, 86400000)) AS day, class, uniqCombined64State(17)(visitor) AS visitors
FROM click_event WHERE visitor != 0 AND clicks > 0 GROUP BY domain, day, class;
