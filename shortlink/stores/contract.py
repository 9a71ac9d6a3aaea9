"""What every store of links must do; tests/store_contract holds each one to it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from shortlink.links import (
    Added,
    Changes,
    Link,
    LinkKey,
    LinkPage,
    LinkPatch,
    LinkQuery,
    Missed,
    NewLink,
    Refused,
)


class LinkStore(Protocol):
    """A store of links. Every method raises StoreUnavailable when the store can't answer."""

    async def open(self) -> None:
        """Connect, and bring the schema up to date when opened for writing. StoreCorrupt: damaged."""
        ...

    async def close(self) -> None:
        """Finish the writes under way and let go of the store. May be called twice."""
        ...

    async def add(self, links: Sequence[NewLink]) -> list[Added | Refused]:
        """Store many links durably, each on its own: one answer a link, in order.

        A generated code that is taken is drawn again; an alias that is taken is Refused.TAKEN. Within one
        call the first of two equal aliases wins. A removed code may be added again: its version goes on.
        """
        ...

    async def get(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """The links that exist (disabled ones too), by key; absent ones are left out."""
        ...

    async def change(self, key: LinkKey, patch: LinkPatch, if_version: int | None = None) -> Link | Missed:
        """Change fields of one link durably. `if_version`: only when this is its version now."""
        ...

    async def remove(self, key: LinkKey, if_version: int | None = None) -> Missed | None:
        """Remove one link durably, leaving a tombstone with its version; None: removed."""
        ...

    async def list(self, query: LinkQuery) -> LinkPage:
        """One page of links. ValueError: the cursor is not one of this store's for this order."""
        ...

    async def count(self) -> int:
        """How many links there are, disabled ones included."""
        ...

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes:
        """The change feed after `cursor`, without gaps. None: no changes, but where the feed ends now.

        CursorExpired: the feed was purged past this cursor.
        """
        ...

    async def changed(self) -> None:
        """Return when the feed may have grown since the last call; within 50 ms of a commit."""
        ...

    async def purge(self, now_ms: int) -> int:
        """Forget what is past its time (tombstones after a week, feed rows and idempotency keys after a day).

        Returns how many rows went.
        """
        ...


class EdgeStore(Protocol):
    """The part of a store that the edge reads. Every method raises StoreUnavailable when the store can't answer."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def generation(self) -> str:
        """What caches of this store are marked with: drawn anew after a restore."""
        ...

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]: ...

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes: ...

    async def changed(self) -> None: ...

    async def salts(self) -> Mapping[int, bytes]: ...

    def announced(self, cursor: str) -> None:
        """Changes up to this cursor were told: from now on no replica that lags behind it may answer `get`."""
        ...


class LeaseStore(Protocol):
    """Who may do what only one process may: by the store's own clock, so that no machine's clock decides."""

    async def take_lease(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew a lease; None: another holds it. The answer is its term, which grows with each new holder."""
        ...

    async def give_lease(self, name: str, holder: str) -> None:
        """Give it back, if it is still held."""
        ...


class SaltStore(Protocol):
    """The salts that visitor hashes are made with: one a UTC day, gone after 48 h, so that nobody can undo them."""

    async def salts(self) -> Mapping[int, bytes]:
        """Salts of 16 random bytes, by day number (days since the Unix epoch, UTC)."""
        ...

    async def rotate_salts(self, now_ms: int) -> None:
        """Make today's and tomorrow's salt where they are missing, and delete those older than yesterday's."""
        ...
