"""Looking links up in replicas while they are up to date, else in the primary."""

from collections.abc import Sequence
from typing import Final

from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable
from shortlink.links import Link, LinkKey
from shortlink.stores.postgres_database import PostgresDatabase
from shortlink.stores.postgres_links.feed import HAS_REACHED, split_cursor
from shortlink.stores.postgres_links.rows import GET, links_of

SET_ASIDE_SECONDS: Final = 1.0  # a replica that failed or lags costs nothing meanwhile

# The first column says whether the replica had reached the cursor in the snapshot that it answered from.
_GET_CHECKED: Final = (
    f"SELECT {HAS_REACHED} AS reached, found.*"  # noqa: S608 (words of this package)
    f" FROM (SELECT 1) one LEFT JOIN LATERAL ({GET}) found ON true"
)


class Replicas:
    """The primary and its replicas, asked in turn.

    A replica answers from one snapshot, in which the feed must hold the newest cursor that was announced: then it
    holds every change that anybody was told of.
    """

    def __init__(self, primary: PostgresDatabase, replicas: Sequence[PostgresDatabase], clock: Clock) -> None:
        self._primary = primary
        self._replicas = list(replicas)
        self._clock = clock
        self._aside_until = [0.0] * len(self._replicas)
        self._turn = 0
        self._generation = ""
        self._position = 0

    def must_have(self, cursor: str) -> None:
        """From now on an answer must come from where this cursor is reached."""
        generation, position = split_cursor(cursor)
        if position is not None and (generation != self._generation or position > self._position):
            self._generation, self._position = generation, position

    async def get(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """The links that exist, by key."""
        domains, codes = [key.domain for key in keys], [key.code for key in keys]
        while (number := self._next()) is not None:
            try:
                rows = await self._replicas[number].fetch(
                    _GET_CHECKED, domains, codes, self._position, self._generation
                )
            except StoreUnavailable:
                rows = []
            if rows and rows[0]["reached"]:
                return links_of(keys, (tuple(row)[1:] for row in rows if row["code"] is not None))
            self._aside_until[number] = self._clock.monotonic() + SET_ASIDE_SECONDS
        return links_of(keys, map(tuple, await self._primary.fetch(GET, domains, codes)))

    async def close(self) -> None:
        """Let go of the replicas; the primary is its owner's."""
        for replica in self._replicas:
            await replica.close()

    def _next(self) -> int | None:
        """A replica that may be asked now; None: there is none, or no cursor was announced yet."""
        if not self._generation:
            return None
        now = self._clock.monotonic()
        for _ in self._replicas:
            self._turn = (self._turn + 1) % len(self._replicas)
            if self._aside_until[self._turn] <= now:
                return self._turn
        return None
