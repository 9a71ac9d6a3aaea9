"""What the shared cache promises: copies of links, and word of every change, in order."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shortlink.errors import Edge302Error
from shortlink.links import Change, Link, LinkKey


class CacheUnavailable(Edge302Error):
    """The shared cache did not answer in time, or can't be trusted now: ask the store."""


class Copy(NamedTuple):
    """A copy of a link: `link` None: it was removed, or never was. `confirmed_ms`: when a store was last asked."""

    version: int
    link: Link | None
    confirmed_ms: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message of the relay: a heartbeat when it names no changes.

    Attributes:
        term: grows with each relay that takes the lease; messages of an earlier term are void.
        run: names the Redis that the relay writes to, as `SharedCache.run` does.
        before: the cursor of the change feed that these changes follow.
        cursor: the cursor that they reach; equal to `before` in a heartbeat.
        changes: what changed between, oldest first; each newer version is in Redis before this is said.
        store_answers: False: the relay can't reach the store, or has yet to catch up with it: Redis is a stale copy.
    """

    term: int
    run: str
    before: str
    cursor: str
    changes: Sequence[Change]
    store_answers: bool


class SharedCache(Protocol):
    """Copies of links in Redis, under the namespace of one generation of the store and one run of Redis."""

    @property
    def run(self) -> str | None:
        """Names the Redis process (or processes) in use; another one shares no key with it. None: not connected."""
        ...

    async def open(self) -> None:
        """Begin to connect; an absent Redis is no error: it is tried again for as long as this is open."""
        ...

    async def close(self) -> None:
        """Let go of all connections. May be called twice."""
        ...

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Copy]:
        """The copies there are, in one MGET (one a slot owner on a cluster). CacheUnavailable."""
        ...

    async def keep(self, copies: Mapping[LinkKey, Copy]) -> None:
        """Store copies, those of removed links too, each only over an older version. CacheUnavailable."""
        ...

    async def announce(self, announcement: Announcement) -> None:
        """Remember the cursor that is reached, then tell every listener, this process's too. CacheUnavailable."""
        ...

    async def reached(self) -> str | None:
        """The cursor of the newest announcement of this run: where another relay goes on. None: there was none."""
        ...

    def announcements(self) -> AsyncIterator[Announcement | None]:
        """What relays say from now on. None: subscribed, at first or anew; what was said before may be missed."""
        ...
