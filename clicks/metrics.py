"""What the shipper tells Prometheus."""

from collections import Counter as Sum
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from clicks.counts import ClickBatch, TrafficClass

STORED: Final = Counter("edge302_clicks_stored", "Clicks counted in the store, by class.", ["class"])
DROPPED: Final = Counter("edge302_clicks_dropped", "Clicks known to be lost, by reason.", ["reason"])
BATCHES: Final = Counter("edge302_ship_batches", "Batches of clicks counted in the store.")
SECONDS: Final = Histogram(
    "edge302_ship_seconds",
    "Time to read, class and count what waited in the spool.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
WAITING: Final = Gauge(
    "edge302_clicks_waiting_seconds",
    "Age of the oldest click that is not counted yet; 0: none waits.",
    multiprocess_mode="mostrecent",  # one shipper a node: its newest word holds, also until the next one starts
)

EVENTS_SHIPPED: Final = Counter("edge302_events_shipped", "Single clicks that a sink has taken.", ["sink"])
EVENTS_DROPPED: Final = Counter(
    "edge302_events_dropped",
    "Single clicks that a sink will never get, by reason; they are counted all the same.",
    ["sink", "reason"],
)
EVENTS_ERRORS: Final = Counter(
    "edge302_events_errors", "Rounds that brought no clicks to a sink, by kind of trouble.", ["sink", "kind"]
)
EVENTS_WAITING: Final = Gauge(
    "edge302_events_waiting_seconds",
    "Age of the oldest click that a sink has not taken yet; 0: none waits.",
    ["sink"],
    multiprocess_mode="mostrecent",
)

# A series that is there from the start shows its first event as an increase.
for traffic in TrafficClass:
    STORED.labels(traffic.value)
DROPPED.labels("power")


def stored(batch: ClickBatch) -> None:
    """Tell of a batch that the store has taken."""
    clicks: Sum[TrafficClass] = Sum()
    for key, count in batch.counts.items():
        clicks[key.traffic] += count
    for traffic, count in clicks.items():
        STORED.labels(traffic.value).inc(count)
    for reason, count in batch.dropped.items():
        DROPPED.labels(reason).inc(count)
    BATCHES.inc()


def has_sink(sink: str) -> None:
    """Show a sink's series from its beginning."""
    EVENTS_SHIPPED.labels(sink)
    EVENTS_DROPPED.labels(sink, "spool_full")
    for kind in ("unavailable", "spool", "unexpected", "taken_over", "corrupt"):
        EVENTS_ERRORS.labels(sink, kind)
    EVENTS_WAITING.labels(sink).set(0)
