"""What every store of clicks must do; tests/store_contract holds each one to it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from clicks.counts import ClickBatch, Orphan, Series, TrafficClass
from shortlink.links import LinkKey


class ClickStore(Protocol):
    """A store of click counts. Every method raises StoreUnavailable when the store can't answer."""

    async def open(self) -> None:
        """Connect, and bring the schema up to date when opened for writing. StoreCorrupt: damaged."""
        ...

    async def close(self) -> None:
        """Finish the write under way and let go of the store. May be called twice."""
        ...

    async def add(self, batch: ClickBatch) -> bool:
        """Add counts and move the epoch's watermark, in one durable transaction.

        False: the epoch's watermark is not `after_seq`, so these clicks were counted already; nothing was written.
        """
        ...

    async def watermarks(self) -> dict[bytes, int]:
        """The last seq counted, by epoch."""
        ...

    async def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        """Forget watermarks of epochs without segments (`epochs` lists those that have some), untouched for a day."""
        ...

    async def totals(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Mapping[TrafficClass, int]]:
        """All clicks ever, by class; a link never clicked is left out."""
        ...

    async def service_totals(self) -> Mapping[TrafficClass, int]:
        """All clicks ever on all links, by class."""
        ...

    async def dropped(self) -> Mapping[str, int]:
        """Clicks known to be lost, by reason."""
        ...

    async def add_events_dropped(self, sink: str, reason: str, events: int) -> None:
        """Remember single clicks that are counted, but that a sink will never get."""
        ...

    async def events_dropped(self) -> Mapping[str, int]:
        """Single clicks that were counted and did not get to a sink, by "sink:reason"."""
        ...

    async def series(self, key: LinkKey | None, since_ms: int, until_ms: int) -> Series:
        """Clicks hour by hour in [since_ms, until_ms), both on the hour; key None: of the whole service.

        ValueError: a time that is not on the hour.
        """
        ...

    async def add_orphans(self, visits: Mapping[LinkKey, int], at_ms: int) -> None:
        """Add visits to codes that no link has, the last of them at `at_ms`; in one transaction.

        Of more than MAX_ORPHANS codes those with fewest visits are forgotten, of equals those not seen for longest.
        """
        ...

    async def orphans(self, limit: int) -> Sequence[Orphan]:
        """At most `limit` of them: those with most visits first, of equals the one seen last."""
        ...

    async def forget_orphans(self) -> int:
        """Forget all of them; returns how many codes there were."""
        ...
