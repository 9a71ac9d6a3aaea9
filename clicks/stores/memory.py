"""Clicks in memory: the store that tests run on, and the plainest answer to what each method means."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from clicks.counts import (
    MAX_ORPHANS,
    WATERMARK_KEPT_MS,
    ClickBatch,
    Orphan,
    Series,
    SeriesPoint,
    TrafficClass,
    whole_hours,
)
from shortlink.clock import Clock
from shortlink.links import LinkKey


class MemoryClickStore:
    """A ClickStore that lives as long as the object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._totals: dict[LinkKey, Counter[TrafficClass]] = defaultdict(Counter)
        self._service: Counter[TrafficClass] = Counter()
        self._hours: dict[tuple[LinkKey | None, int], Counter[TrafficClass]] = defaultdict(Counter)
        self._dropped: Counter[str] = Counter()
        self._events_dropped: Counter[str] = Counter()
        self._watermarks: dict[bytes, int] = {}
        self._touched_ms: dict[bytes, int] = {}
        self._orphans: dict[LinkKey, Orphan] = {}

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to let go of: what was counted stays."""

    async def add(self, batch: ClickBatch) -> bool:
        if self._watermarks.get(batch.epoch, 0) != batch.after_seq:
            return False
        for (domain, code, hour_ms, traffic), clicks in batch.counts.items():
            key = LinkKey(domain, code)
            self._totals[key][traffic] += clicks
            self._hours[key, hour_ms][traffic] += clicks
            self._hours[None, hour_ms][traffic] += clicks
            self._service[traffic] += clicks
        self._dropped.update(batch.dropped)
        self._watermarks[batch.epoch] = batch.last_seq
        self._touched_ms[batch.epoch] = self._clock.now_ms()
        return True

    async def watermarks(self) -> dict[bytes, int]:
        return dict(self._watermarks)

    async def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        self._touched_ms.update((epoch, now_ms) for epoch in epochs if epoch in self._watermarks)
        old = [epoch for epoch, touched in self._touched_ms.items() if touched <= now_ms - WATERMARK_KEPT_MS]
        for epoch in old:
            del self._touched_ms[epoch], self._watermarks[epoch]
        return len(old)

    async def totals(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Mapping[TrafficClass, int]]:
        return {key: dict(self._totals[key]) for key in keys if key in self._totals}

    async def service_totals(self) -> Mapping[TrafficClass, int]:
        return dict(self._service)

    async def dropped(self) -> Mapping[str, int]:
        return dict(self._dropped)

    async def add_events_dropped(self, sink: str, reason: str, events: int) -> None:
        self._events_dropped[f"{sink}:{reason}"] += events

    async def events_dropped(self) -> Mapping[str, int]:
        return dict(self._events_dropped)

    async def series(self, key: LinkKey | None, since_ms: int, until_ms: int) -> Series:
        hours = whole_hours(since_ms, until_ms)
        return Series([SeriesPoint(hour_ms, dict(self._hours.get((key, hour_ms), {}))) for hour_ms in hours])

    async def add_orphans(self, visits: Mapping[LinkKey, int], at_ms: int) -> None:
        for key, clicks in visits.items():
            known = self._orphans.get(key, Orphan(*key, 0, at_ms))
            self._orphans[key] = Orphan(*key, known.clicks + clicks, max(known.last_at_ms, at_ms))
        self._orphans = {LinkKey(orphan.domain, orphan.code): orphan for orphan in await self.orphans(MAX_ORPHANS)}

    async def orphans(self, limit: int) -> Sequence[Orphan]:
        def rank(orphan: Orphan) -> tuple[int, int, str, str]:
            return -orphan.clicks, -orphan.last_at_ms, orphan.domain, orphan.code

        return sorted(self._orphans.values(), key=rank)[:limit]

    async def forget_orphans(self) -> int:
        forgotten = len(self._orphans)
        self._orphans.clear()
        return forgotten
