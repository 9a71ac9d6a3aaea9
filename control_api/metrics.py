"""Counts and times of requests for Prometheus, gathered in plain numbers and handed over together."""

import enum
from bisect import bisect_left
from typing import Final

from prometheus_client import Counter, Histogram

BOUNDS_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # bounded, as labels must be

_REQUESTS: Final = Counter("edge302_api_requests", "Requests to the control plane.", ("route", "method", "status"))
_SECONDS: Final = Histogram(
    "edge302_api_request_seconds",
    "Time from a request's head to the last byte of its reply handed over.",
    ("route",),
    buckets=BOUNDS_SECONDS,
)
_CUT_OFF: Final = Counter("edge302_api_cut_off", "Replies that were cut off before their end, by reason.", ("reason",))


class CutOff(enum.StrEnum):
    """Why a reply that had begun has no end."""

    STORE = "store"  # it went away
    KEY = "key"  # it was revoked, or has expired
    STALLED = "stalled"  # the client took nothing
    FAULT = "fault"  # of ours


# A series that is there from the start shows its first event as an increase.
for _reason in CutOff:
    _CUT_OFF.labels(_reason.value)


def cut_off(reason: CutOff) -> None:
    """Count a reply that was cut off. There are few, so that each is counted at once."""
    _CUT_OFF.labels(reason.value).inc()


class RequestTally:
    """Requests since the last flush.

    prometheus-client keeps the numbers of processes that are read together in mapped files, at 10 us a request; here
    one costs less than a tenth of that.
    """

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[str, _Seconds] = {}

    def note(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request. `route` is a template, never a path: labels must be few."""
        key = (route, method if method in METHODS else "other", status)
        self._requests[key] = self._requests.get(key, 0) + 1
        times = self._seconds.get(route)
        if times is None:
            times = self._seconds[route] = _Seconds()
        times.sum += seconds
        times.buckets[bisect_left(BOUNDS_SECONDS, seconds)] += 1

    def flush(self) -> None:
        """Hand over what was counted."""
        requests, self._requests = self._requests, {}
        seconds, self._seconds = self._seconds, {}
        for (route, method, status), count in requests.items():
            _REQUESTS.labels(route, method, str(status)).inc(count)
        for route, times in seconds.items():
            times.add_to(_SECONDS.labels(route))


class _Seconds:
    """Times of one route."""

    __slots__ = ("buckets", "sum")

    def __init__(self) -> None:
        self.sum = 0.0
        self.buckets = [0] * (len(BOUNDS_SECONDS) + 1)

    def add_to(self, histogram: Histogram) -> None:
        """Add all at once, for which prometheus-client has no method: its own are for one time after another."""
        histogram._sum.inc(self.sum)  # noqa: SLF001
        for bucket, count in zip(histogram._buckets, self.buckets, strict=True):  # noqa: SLF001
            if count:
                bucket.inc(count)
