"""What the engine counts: replies and clicks straight into its worker's page, so that kill -9 takes none along."""

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from gateway.counters import (
    INDEX,
    LATENCY_BOUNDS_US,
    ROUTES,
    STATUSES,
    CountersPage,
    latency_bucket,
    latency_sum_us,
    request_counter,
)
from gateway.engines.contract import Tier

if TYPE_CHECKING:
    from redirect_core import SpoolWriter

REPLY_INDEX: Final = {route: {status: INDEX[request_counter(route, status)] for status in STATUSES} for route in ROUTES}
REDIRECT_INDEX: Final = REPLY_INDEX["redirect"]
CLICKS_SPOOLED: Final = INDEX["clicks_spooled"]


class Tallies:
    """Counts replies, their latencies, and what became of clicks.

    Latencies and hits reach the page about once a second (`settle`): they say how it goes, nobody adds them up.
    """

    def __init__(self, page: CountersPage, spool: "SpoolWriter") -> None:
        self._page = page
        self._words = page.words
        self._spool = spool
        self._hits = 0
        self._buckets = [[0] * (len(_BOUNDS_SECONDS) + 1) for _ in Tier]
        self._seconds = [0.0 for _ in Tier]
        self._unspooled = 0  # clicks that were counted in memory alone
        self._settled = 0  # of these, how many the page says were spooled later or dropped
        self._dropped = spool.dropped

    def reply(self, route: str, status: int) -> None:
        """One reply entered the output."""
        self._words[REPLY_INDEX[route][status]] += 1

    def hit(self, seconds: float, replies: int = 1) -> None:
        """So many replies went out of the cache, `seconds` after their requests came in."""
        self._hits += replies
        self._buckets[_CACHE][bisect_left(_BOUNDS_SECONDS, seconds)] += replies
        self._seconds[_CACHE] += seconds * replies

    def latency(self, tier: int, seconds: float, replies: int = 1) -> None:
        """So many other replies went out `seconds` after their requests came in."""
        self._buckets[tier][bisect_left(_BOUNDS_SECONDS, seconds)] += replies
        self._seconds[tier] += seconds * replies

    def click(self, spooled: bool, *, head: bool) -> None:
        """One click was recorded; not `spooled`: in memory alone, until the spool has room."""
        if spooled:
            self._words[CLICKS_SPOOLED] += 1
        else:
            self._unspooled += 1
        if head:
            self._words[_CLICKS_HEAD] += 1

    def add(self, name: str, by: int = 1) -> None:
        """Count something that happens less often than a hit."""
        self._page.add(name, by)

    def unspooled_click(self) -> None:
        """A click was counted in memory alone."""
        self._unspooled += 1

    def settle(self) -> None:
        """Bring the page up to date; about once a second."""
        self._settle_clicks()
        self._page.add("cache_hits", self._hits)
        self._hits = 0
        for tier in Tier:
            for index, replies in enumerate(self._buckets[tier]):
                self._page.add(latency_bucket(tier, index), replies)
            self._buckets[tier] = [0] * len(self._buckets[tier])
            whole_us = int(self._seconds[tier] * 1e6)
            self._page.add(latency_sum_us(tier), whole_us)
            self._seconds[tier] -= whole_us / 1e6

    def _settle_clicks(self) -> None:
        """Say what became of the clicks that were counted in memory."""
        volatile, dropped = self._spool.volatile, self._spool.dropped
        self._page["clicks_volatile"] = volatile
        self._page.add("clicks_dropped_memory", dropped - self._dropped)
        newly_settled = self._unspooled - volatile - self._settled
        self._page.add("clicks_spooled", newly_settled - (dropped - self._dropped))
        self._settled += newly_settled
        self._dropped = dropped


_CLICKS_HEAD: Final = INDEX["clicks_head"]
_BOUNDS_SECONDS: Final = [bound / 1e6 for bound in LATENCY_BOUNDS_US]
_CACHE: Final = int(Tier.CACHE)
