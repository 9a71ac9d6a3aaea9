"""Looking links up in replicas while they are up to date, else in the primary."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable
from shortlink.links import Link, LinkKey
from shortlink.stores.postgres_database import PostgresDatabase
from shortlink.stores.postgres_links.feed import HAS_REACHED, split_cursor
from shortlink.stores.postgres_links.rows import GET, links_of

SET_ASIDE_SECONDS: Final = 1.0  # a replica that failed or lags costs nothing meanwhile
PATIENCE_SECONDS: Final = 0.2  # then the primary is asked: a redirect waits for no frozen replica

# The first column says whether the replica had reached the cursor in the snapshot that it answered from.
_GET_CHECKED: Final = (
    f"SELECT {HAS_REACHED} AS reached, found.*"  # noqa: S608 (words of this package)
    f" FROM (SELECT 1) one LEFT JOIN LATERAL ({GET}) found ON true"
)
_Rows = Sequence[Sequence[Any]]

_log = logging.getLogger(__name__)


class Replicas:
    """The primary and its replicas, asked in turn.

    A replica answers from one snapshot, in which the feed must hold the newest cursor that was announced: then it
    holds every change that anybody was told of. One that failed or lagged is tried again beside the requests, and
    serves none of them until it has answered.
    """

    def __init__(self, primary: PostgresDatabase, replicas: Sequence[PostgresDatabase], clock: Clock) -> None:
        self._primary = primary
        self._replicas = list(replicas)
        self._clock = clock
        self._aside_until = [0.0] * len(self._replicas)
        self._trials: list[asyncio.Task[None] | None] = [None] * len(self._replicas)
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
                async with asyncio.timeout(PATIENCE_SECONDS):
                    rows = await self._ask(number, domains, codes)
            except TimeoutError:
                rows = None
            if rows is not None:
                return links_of(keys, rows)
            self._set_aside(number)
        return links_of(keys, map(tuple, await self._primary.fetch(GET, domains, codes)))

    async def close(self) -> None:
        """Let go of the replicas; the primary is its owner's."""
        for trial in self._trials:
            if trial is not None:
                trial.cancel()
                await asyncio.gather(trial, return_exceptions=True)
        for replica in self._replicas:
            await replica.close()

    def _next(self) -> int | None:
        """A replica that may be asked now; None: there is none, or no cursor was announced yet."""
        if not self._generation:
            return None
        now = self._clock.monotonic()
        for _ in self._replicas:
            self._turn = (self._turn + 1) % len(self._replicas)
            if self._trials[self._turn] is None:
                if self._aside_until[self._turn] == 0.0:
                    return self._turn
                if self._aside_until[self._turn] <= now:
                    self._trials[self._turn] = asyncio.create_task(self._try(self._turn))
        return None

    async def _ask(self, number: int, domains: Sequence[str], codes: Sequence[str]) -> _Rows | None:
        """Rows of links that this replica has; None: it can't answer, or lags."""
        try:
            rows = await self._replicas[number].fetch(_GET_CHECKED, domains, codes, self._position, self._generation)
        except StoreUnavailable as exc:
            _log.debug("a replica can't answer: %s", exc)
            return None
        except Exception:
            _log.exception("a replica failed in a way that the primary need not")
            return None
        return [tuple(row)[1:] for row in rows if row["code"] is not None] if rows[0]["reached"] else None

    def _set_aside(self, number: int) -> None:
        self._aside_until[number] = self._clock.monotonic() + SET_ASIDE_SECONDS

    async def _try(self, number: int) -> None:
        """Let a replica that was set aside serve again, if it answers now; with the deadline of the database."""
        try:
            if await self._ask(number, [], []) is None:
                self._set_aside(number)
            else:
                self._aside_until[number] = 0.0
        finally:
            self._trials[number] = None
