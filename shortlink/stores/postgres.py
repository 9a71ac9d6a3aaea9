"""Links in PostgreSQL: the store that many nodes share."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from shortlink.clock import Clock
from shortlink.codes import random_code
from shortlink.links import Added, Changes, Link, LinkKey, LinkPage, LinkPatch, LinkQuery, Missed, NewLink, Refused
from shortlink.stores.lifetimes import SALT_BYTES, day_of
from shortlink.stores.postgres_database import PostgresDatabase
from shortlink.stores.postgres_links.adding import add_links
from shortlink.stores.postgres_links.editing import change_link, remove_link
from shortlink.stores.postgres_links.feed import purge_some, read_feed
from shortlink.stores.postgres_links.gathering import Gathering
from shortlink.stores.postgres_links.leases import give_lease, take_lease
from shortlink.stores.postgres_links.listing import list_links
from shortlink.stores.postgres_links.replicas import Replicas

MIGRATIONS: Final = Path(__file__).parent / "migrations" / "postgres"
TRACK: Final = "links"
CHANNEL: Final = "edge302_change"
GATHERED_LINKS: Final = 2_000  # of concurrent adds in one statement: some 50 ms of work


class PostgresLinkStore:
    """A LinkStore, EdgeStore, SaltStore and LeaseStore; any number of processes on any number of machines share it.

    A process may start while the database is away: what is asked meanwhile raises StoreUnavailable.

    Args:
        database: the primary.
        clock: gives created_at, updated_at and versions.
        replicas: asked for links while they have replayed what was announced.
        migrate: bring the schema up to date on open; for processes that write.
        draw_code: where codes come from when a link brings none.

    Attributes:
        database: for what else is kept in it (API keys).
    """

    def __init__(
        self,
        database: PostgresDatabase,
        clock: Clock,
        *,
        replicas: Sequence[PostgresDatabase] = (),
        migrate: bool = False,
        draw_code: Callable[[], str] = random_code,
    ) -> None:
        self.database = database
        self._clock = clock
        self._replicas = Replicas(database, replicas, clock)
        self._migrate = migrate
        self._draw_code = draw_code
        self._add = Gathering(self._add_now, GATHERED_LINKS)
        self._news = database.listen(CHANNEL)

    async def open(self) -> None:
        if self._migrate:
            await self.database.migrate(TRACK, MIGRATIONS)
        await self.generation()

    async def close(self) -> None:
        await self._add.close()
        await self._news.close()
        await self._replicas.close()
        await self.database.close()

    async def add(self, links: Sequence[NewLink]) -> list[Added | Refused]:
        answers: list[Added | Refused] = []
        for start in range(0, len(links), GATHERED_LINKS):  # no statement so long that others wait for it
            answers += await self._add(links[start : start + GATHERED_LINKS])
        return answers

    async def _add_now(self, links: Sequence[NewLink]) -> list[Added | Refused]:
        return await add_links(self.database, links, self._clock.now_ms(), self._draw_code)

    async def get(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        return await self._replicas.get([key for key in keys if _can_be(key)])

    def announced(self, cursor: str) -> None:
        """From now on no replica that lags behind this cursor of the feed may answer `get`."""
        self._replicas.must_have(cursor)

    async def change(self, key: LinkKey, patch: LinkPatch, if_version: int | None = None) -> Link | Missed:
        if not _can_be(key):
            return Missed.ABSENT
        return await change_link(self.database, key, patch, if_version, self._clock.now_ms())

    async def remove(self, key: LinkKey, if_version: int | None = None) -> Missed | None:
        if not _can_be(key):
            return Missed.ABSENT
        return await remove_link(self.database, key, if_version, self._clock.now_ms())

    async def list(self, query: LinkQuery) -> LinkPage:
        return await list_links(self.database, query)

    async def count(self) -> int:
        links: int = await self.database.fetchval("SELECT coalesce(sum(links), 0)::bigint FROM link_count")
        return links

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes:
        read = await read_feed(self.database, cursor, limit)
        self.announced(read.cursor)
        return read

    async def changed(self) -> None:
        await self._news.wait()

    async def purge(self, now_ms: int) -> int:
        """As the contract says, in short transactions, so that other writes get their turn."""
        total = 0
        while gone := await purge_some(self.database, now_ms):
            total += gone
        return total

    async def generation(self) -> str:
        """What caches of this store are marked with: 16 hexadecimal digits, drawn anew by new_generation."""
        generation: str = await self.database.fetchval("SELECT generation FROM feed")
        return generation

    async def new_generation(self) -> str:
        """After a restore: whatever was cached, and every cursor of the feed, is of another store."""
        generation = os.urandom(8).hex()
        await self.database.write("UPDATE feed SET generation = $1", generation)
        return generation

    async def take_lease(self, name: str, holder: str, seconds: float) -> int | None:
        return await take_lease(self.database, name, holder, seconds)

    async def give_lease(self, name: str, holder: str) -> None:
        await give_lease(self.database, name, holder)

    async def salts(self) -> Mapping[int, bytes]:
        rows = await self.database.fetch("SELECT day, salt FROM visitor_salt")
        return dict(map(tuple, rows))

    async def rotate_salts(self, now_ms: int) -> None:
        today = day_of(now_ms)
        await self.database.write("DELETE FROM visitor_salt WHERE day < $1", today - 1)
        for day in (today, today + 1):
            await self.database.write(
                "INSERT INTO visitor_salt (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                day,
                os.urandom(SALT_BYTES),
            )


def _can_be(key: LinkKey) -> bool:
    """False for what PostgreSQL can't even be asked for: its texts hold no NUL."""
    return "\0" not in key.code and "\0" not in key.domain
