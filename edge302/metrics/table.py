"""Which numbers of a worker's counters page make which metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from gateway.counters import ROUTES, STATUSES, request_counter


@dataclass(frozen=True, slots=True)
class Sample:
    """One series: its label values, and the number in the page that it is made of."""

    labels: tuple[str, ...]
    number: str


@dataclass(frozen=True, slots=True)
class PageMetric:
    """One metric that is the sum over the workers' pages.

    Attributes:
        name: without the `_total` of a counter.
        labels: label names; few values each, and never a link or a client.
    """

    kind: Literal["counter", "gauge"]
    name: str
    help: str
    labels: tuple[str, ...]
    samples: Sequence[Sample]


def _counter(name: str, help_: str, number: str) -> PageMetric:
    return PageMetric("counter", name, help_, (), [Sample((), number)])


def _gauge(name: str, help_: str, number: str) -> PageMetric:
    return PageMetric("gauge", name, help_, (), [Sample((), number)])


PAGE_METRICS: Final = (
    PageMetric(
        "counter",
        "edge302_requests",
        "Requests answered by the edge, by kind of answer and status.",
        ("route", "status"),
        [Sample((route, str(status)), request_counter(route, status)) for route in ROUTES for status in STATUSES],
    ),
    PageMetric(
        "counter",
        "edge302_lookups",
        "Where links were looked for, and with what result.",
        ("tier", "result"),
        [
            Sample(("cache", "hit"), "cache_hits"),
            Sample(("cache", "stale"), "cache_stale_hits"),
            Sample(("cache", "absent"), "cache_absent_hits"),
            Sample(("cache", "miss"), "cache_misses"),
            Sample(("redis", "hit"), "redis_hits"),
            Sample(("store", "hit"), "store_hits"),
            Sample(("store", "absent"), "store_absent"),
            Sample(("store", "unavailable"), "store_unavailable"),
        ],
    ),
    _counter("edge302_misses_refused", "Lookups answered 503 because too many were in flight.", "misses_refused"),
    _counter("edge302_redis_errors", "Questions that Redis did not answer well and in time.", "redis_errors"),
    _gauge("edge302_redis_breakers_open", "Workers that do not ask Redis for now.", "redis_breaker_open"),
    _gauge("edge302_relay_heard", "Workers that hear a live relay, and so trust Redis.", "relay_live"),
    _gauge("edge302_misses_in_flight", "Links being looked up now.", "misses_in_flight"),
    _gauge("edge302_cached_links", "Links in the workers' caches.", "cached_links"),
    _gauge("edge302_cached_bytes", "Memory of the workers' caches, as they estimate it.", "cached_bytes"),
    _gauge("edge302_absent_codes", "Codes remembered as absent.", "absent_codes"),
    _gauge("edge302_connections", "Connections open now.", "connections"),
    _counter("edge302_connections_accepted", "Connections accepted.", "connections_accepted"),
    PageMetric(
        "counter",
        "edge302_connections_cut",
        "Connections closed by the edge before the client wished it, by reason.",
        ("reason",),
        [
            Sample(("limit",), "connections_refused"),
            Sample(("timeout",), "connections_timed_out"),
            Sample(("unread",), "connections_aborted"),
        ],
    ),
    _counter("edge302_clicks_spooled", "Redirects written to the spool, HEAD requests included.", "clicks_spooled"),
    _counter("edge302_clicks_head", "HEAD requests among the recorded redirects.", "clicks_head"),
    _gauge("edge302_clicks_volatile", "Clicks in memory alone, because the spool takes none now.", "clicks_volatile"),
    PageMetric(
        "counter",
        "edge302_clicks_dropped",
        "Clicks lost, by reason.",
        ("reason",),
        [Sample(("memory",), "clicks_dropped_memory")],
    ),
    _counter("edge302_engine_errors", "Faults of ours that cost one reply or connection.", "engine_errors"),
    _counter("edge302_changes_heard", "Changes of links that workers heard from the store.", "changes_heard"),
    _gauge("edge302_workers_draining", "Workers that finish their connections before they exit.", "draining"),
)
