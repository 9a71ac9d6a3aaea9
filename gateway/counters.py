"""A worker's counters page: unsigned 64-bit numbers in a memory-mapped file that outlives the worker.

One process writes (its worker, engine included), any may read. Counters go on where the last worker of the
slot stopped, so that Prometheus sees no reset; gauges are written anew. The layout is this file's tables;
its fingerprint stands in the page, and a page of another layout starts from zero.
"""

import mmap
import os
import struct
import zlib
from pathlib import Path
from typing import Final

from gateway.engines.contract import Tier

GAUGES: Final = (
    "pid",
    "started_ms",
    "heartbeat_ms",  # ms since the Unix epoch, about once a second: the supervisor's sign of life
    "connections",
    "misses_in_flight",
    "cached_links",
    "cached_bytes",
    "absent_codes",
    "clicks_volatile",
    "draining",
    "relay_live",  # 1: announcements are heard, so Redis is asked before the store
    "redis_breaker_open",  # 1: Redis did not answer, and is asked once a second
)
COUNTERS: Final = (
    "connections_accepted",
    "connections_refused",  # past a limit
    "connections_timed_out",
    "connections_aborted",  # output not taken in time
    "clicks_spooled",
    "clicks_dropped_memory",
    "clicks_head",
    "cache_hits",
    "cache_stale_hits",
    "cache_absent_hits",
    "cache_misses",
    "redis_hits",
    "redis_errors",  # no answer in time included
    "store_hits",
    "store_absent",
    "store_unavailable",
    "misses_refused",  # 503: too many in flight
    "engine_errors",  # a reply that could not be prepared, or a connection lost to a fault of ours
    "changes_heard",
)
ROUTES: Final = ("redirect", "fixed", "refused")
STATUSES: Final = (
    200, 204, 301, 302, 303, 307, 308, 400, 404, 405, 408, 410, 413, 414, 417, 429, 431, 500, 501, 503, 505,
)  # fmt: skip
LATENCY_BOUNDS_US: Final = (
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
)  # fmt: skip
_MAGIC: Final = int.from_bytes(b"E302CNT1", "little")
_HEADER_WORDS: Final = 2


def _layout() -> dict[str, int]:
    """Names of all numbers, in the order in which they lie behind the page's two header words."""
    names = [*GAUGES, *COUNTERS]
    names += [request_counter(route, status) for route in ROUTES for status in STATUSES]
    for tier in Tier:
        names += [latency_bucket(tier, index) for index in range(len(LATENCY_BOUNDS_US) + 1)]
        names.append(latency_sum_us(tier))
    return {name: index + _HEADER_WORDS for index, name in enumerate(names)}


def request_counter(route: str, status: int) -> str:
    """The name of the counter of requests by route and status."""
    return f"requests.{route}.{status}"


def latency_bucket(tier: Tier, index: int) -> str:
    """The name of the counter of replies up to LATENCY_BOUNDS_US[index], not cumulative; the last is above all."""
    return f"latency.{tier.name.lower()}.{index}"


def latency_sum_us(tier: Tier) -> str:
    """The name of the sum of all latencies of a tier, in µs."""
    return f"latency.{tier.name.lower()}.sum_us"


INDEX: Final = _layout()
FINGERPRINT: Final = zlib.crc32("\n".join(INDEX).encode())
PAGE_BYTES: Final = -(-(len(INDEX) + _HEADER_WORDS) * 8 // mmap.PAGESIZE) * mmap.PAGESIZE


class CountersPage:
    """The page of one slot. `words[INDEX[name]] += 1` is how the hot path counts."""

    def __init__(self, path: Path) -> None:
        """Open the page for writing, keeping counters of the same layout and clearing gauges.

        Clicks that a worker of this slot had in memory alone when it was killed are lost, and told as dropped.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, PAGE_BYTES)
            self._map = mmap.mmap(descriptor, PAGE_BYTES)
        finally:
            os.close(descriptor)
        self.words: memoryview = memoryview(self._map).cast("Q")
        if (self.words[0], self.words[1]) != (_MAGIC, FINGERPRINT):
            self._map[:] = bytes(PAGE_BYTES)
            self.words[0], self.words[1] = _MAGIC, FINGERPRINT
        self.add("clicks_dropped_memory", self["clicks_volatile"])
        for name in GAUGES:
            self[name] = 0

    def __getitem__(self, name: str) -> int:
        value: int = self.words[INDEX[name]]
        return value

    def __setitem__(self, name: str, value: int) -> None:
        self.words[INDEX[name]] = value

    def add(self, name: str, by: int = 1) -> None:
        """Count; for what happens less often than a request."""
        self.words[INDEX[name]] += by

    def close(self) -> None:
        """Unmap the page; what was counted stays in the file."""
        self.words.release()
        self._map.close()


def read_page(path: Path) -> dict[str, int]:
    """All numbers of a page by name; empty when there is none, or one of another layout."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    if len(raw) != PAGE_BYTES:
        return {}
    words = struct.unpack(f"<{PAGE_BYTES // 8}Q", raw)
    if words[:2] != (_MAGIC, FINGERPRINT):
        return {}
    return {name: words[index] for name, index in INDEX.items()}
