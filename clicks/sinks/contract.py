"""What takes single clicks from the shipper, whichever place they go to."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from redirect_core import EventBatch
from shortlink.errors import Edge302Error


class DescribedBatch(NamedTuple):
    """Clicks of one epoch as the spool has them, and what is known of each of their distinct values.

    Each sequence has, for each value of the batch's sequence of that name, the fields of ClickEvent that it stands
    for, written as JSON without braces: b'"country":"DE","city":"Berlin"'. `batch.encode(*description)` makes events.
    """

    batch: EventBatch
    node: str
    agents: Sequence[bytes]  # class, reason, browser, os, device, user_agent
    networks: Sequence[bytes]  # network, country, city
    referrers: Sequence[bytes]  # referrer, referrer_host
    languages: Sequence[bytes]  # language
    links: Sequence[bytes]  # utm_source … utm_content


class SinkTakenOver(Edge302Error):
    """Another process feeds this sink in our stead: leave it alone from now on."""


class EventSink(Protocol):
    """A place for single clicks that keeps its own watermarks.

    Every method raises StoreUnavailable when the place can't be reached; nothing is lost then, call again. Each may
    raise SinkTakenOver.
    """

    name: str  # as metrics and logs call it

    async def open(self) -> None: ...

    async def close(self) -> None:
        """May be called twice."""
        ...

    async def watermarks(self) -> dict[bytes, int]:
        """The last seq stored, by epoch (16 bytes)."""
        ...

    async def add(self, batches: Sequence[DescribedBatch]) -> bool:
        """Store the clicks and move their epochs' watermarks from `after_seq` to `last_seq`, all of it or nothing.

        False: a watermark is not `after_seq`, so some of these clicks are stored already; nothing was written.
        """
        ...

    async def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        """Forget this node's watermarks of epochs without segments, untouched for a day (as ClickStore's)."""
        ...
