"""What ingest tells Prometheus."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from clicks.ingest.block import Block

ROWS: Final = Counter("edge302_ingest_rows", "Clicks inserted into ClickHouse.")
BLOCKS: Final = Counter("edge302_ingest_blocks", "Blocks inserted into ClickHouse.")
REPEATED: Final = Counter(
    "edge302_ingest_repeated_blocks", "Blocks repeated, because whoever began them did not come to their end."
)
DUPLICATES: Final = Counter(
    "edge302_ingest_duplicates", "Clicks that came from Kafka a second time, and were left out."
)
DEAD: Final = Counter("edge302_ingest_dead_letters", "Events that can't be stored, by reason.", ["reason"])
ERRORS: Final = Counter("edge302_ingest_errors", "What failed and was asked for again, by kind.", ["kind"])
BLOCK_ROWS: Final = Histogram(
    "edge302_ingest_block_rows",
    "Clicks in a block.",
    buckets=(1, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000),
)
SECONDS: Final = Histogram(
    "edge302_ingest_insert_seconds",
    "Time that ClickHouse took to insert a block.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
LAST_BLOCK: Final = Gauge(
    "edge302_ingest_last_block_timestamp_seconds",
    "When a block was inserted last, in Unix time; its age is time() less this.",
    multiprocess_mode="mostrecent",  # one ingest a node: its newest word holds, also until the next one starts
)
DELAY: Final = Gauge(
    "edge302_ingest_delay_seconds",
    "How old the oldest click of the last block was when that was inserted.",
    multiprocess_mode="mostrecent",
)
LAG: Final = Gauge(
    "kafka_consumer_lag",
    "Offsets of a partition that are committed in Kafka and not yet read; 0 also where another member reads it.",
    ["topic", "partition"],
    multiprocess_mode="mostrecent",
)

# A series that is there from the start shows its first event as an increase.
for reason in ("not-json", "not-an-event", "other-version", "refused-by-clickhouse"):
    DEAD.labels(reason)
for kind in ("clickhouse", "kafka", "lost-offsets"):
    ERRORS.labels(kind)


def finished(block: Block, now_ms: int) -> None:
    """Tell of a block that is stored."""
    for refused in block.refused:
        DEAD.labels(refused.kind).inc()
    DUPLICATES.inc(block.duplicates)
    if block.lines:
        ROWS.inc(len(block.lines))
        BLOCKS.inc()
        BLOCK_ROWS.observe(len(block.lines))
        LAST_BLOCK.set(now_ms / 1_000)
        DELAY.set(max(0, now_ms - block.oldest_ms) / 1_000)
