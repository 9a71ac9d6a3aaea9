"""A store of clicks on a loop of its own, so that tests ask it in plain calls."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from clicks.counts import ClickBatch, Orphan, SeriesPoint, TrafficClass
from clicks.stores.contract import ClickStore
from shortlink.links import LinkKey


class Running:
    """An open store; its methods are the store's, waited for."""

    def __init__(self, store: ClickStore) -> None:
        self.store = store
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.run(self.store.open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._runner.close()

    def close(self) -> None:
        self._runner.run(self.store.close())

    def add(self, batch: ClickBatch) -> bool:
        return self._runner.run(self.store.add(batch))

    def add_at_once(self, batches: Sequence[ClickBatch]) -> list[bool]:
        async def gathered() -> list[bool]:
            return list(await asyncio.gather(*(self.store.add(batch) for batch in batches)))

        return self._runner.run(gathered())

    def watermarks(self) -> dict[bytes, int]:
        return self._runner.run(self.store.watermarks())

    def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        return self._runner.run(self.store.forget_epochs(epochs, now_ms))

    def totals(self, *codes: str) -> dict[str, Mapping[TrafficClass, int]]:
        """Totals of codes of the default domain."""
        found = self._runner.run(self.store.totals([LinkKey("", code) for code in codes]))
        return {key.code: clicks for key, clicks in found.items()}

    def totals_by_key(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Mapping[TrafficClass, int]]:
        return self._runner.run(self.store.totals(keys))

    def service_totals(self) -> Mapping[TrafficClass, int]:
        return self._runner.run(self.store.service_totals())

    def dropped(self) -> Mapping[str, int]:
        return self._runner.run(self.store.dropped())

    def add_events_dropped(self, sink: str, reason: str, events: int) -> None:
        self._runner.run(self.store.add_events_dropped(sink, reason, events))

    def events_dropped(self) -> Mapping[str, int]:
        return self._runner.run(self.store.events_dropped())

    def series(self, key: LinkKey | None, since_ms: int, until_ms: int) -> Sequence[SeriesPoint]:
        return self._runner.run(self.store.series(key, since_ms, until_ms)).points

    def add_orphans(self, visits: Mapping[LinkKey, int], at_ms: int) -> None:
        self._runner.run(self.store.add_orphans(visits, at_ms))

    def add_orphans_at_once(self, all_visits: Sequence[Mapping[LinkKey, int]], at_ms: int) -> None:
        async def gathered() -> None:
            await asyncio.gather(*(self.store.add_orphans(visits, at_ms) for visits in all_visits))

        self._runner.run(gathered())

    def orphans(self, limit: int) -> list[Orphan]:
        return list(self._runner.run(self.store.orphans(limit)))

    def forget_orphans(self) -> int:
        return self._runner.run(self.store.forget_orphans())
