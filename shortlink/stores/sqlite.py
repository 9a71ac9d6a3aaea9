"""Links in a SQLite file: the store of a single machine."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from shortlink.clock import Clock
from shortlink.codes import random_code
from shortlink.links import Added, Changes, Link, LinkKey, LinkPage, LinkPatch, LinkQuery, Missed, NewLink, Refused
from shortlink.stores.gathering import Gathering
from shortlink.stores.lifetimes import SALT_BYTES, day_of
from shortlink.stores.sqlite_file import Connection, SqliteFile
from shortlink.stores.sqlite_links.adding import add_links
from shortlink.stores.sqlite_links.editing import change_link, remove_link
from shortlink.stores.sqlite_links.feed import purge_some, read_feed
from shortlink.stores.sqlite_links.listing import list_links
from shortlink.stores.sqlite_links.rows import get_links

MIGRATIONS: Final = Path(__file__).parent / "migrations" / "sqlite"
GATHERED_LINKS: Final = 2_000  # of concurrent adds in one statement: some 40 ms of work


class SqliteLinkStore:
    """A LinkStore and SaltStore; one process writes, any number reads beside it.

    Args:
        path: the file; created on open unless `read_only`.
        clock: gives created_at, updated_at and versions.
        read_only: for processes that do not write; the file may appear later.
        readers: reads at once; a search of a million links must not hold up the rest.
        draw_code: where codes come from when a link brings none.

    Attributes:
        file: the database, for what else is kept in it (API keys).
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        read_only: bool = False,
        readers: int = 2,
        draw_code: Callable[[], str] = random_code,
    ) -> None:
        self.file = SqliteFile(path, MIGRATIONS, read_only=read_only, readers=readers)
        self._clock = clock
        self._draw_code = draw_code
        self._add = Gathering(self.file.write, self._add_now, GATHERED_LINKS)

    async def open(self) -> None:
        await self.file.open()

    async def close(self) -> None:
        await self.file.close()

    async def add(self, links: Sequence[NewLink]) -> list[Added | Refused]:
        return await self._add(links) if links else []

    def _add_now(self, connection: Connection, links: Sequence[NewLink]) -> list[Added | Refused]:
        return add_links(connection, links, self._clock.now_ms(), self._draw_code)

    async def get(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        return await self.file.read(lambda connection: get_links(connection, keys))

    async def change(self, key: LinkKey, patch: LinkPatch, if_version: int | None = None) -> Link | Missed:
        return await self.file.write(
            lambda connection: change_link(connection, key, patch, if_version, self._clock.now_ms())
        )

    async def remove(self, key: LinkKey, if_version: int | None = None) -> Missed | None:
        return await self.file.write(lambda connection: remove_link(connection, key, if_version, self._clock.now_ms()))

    async def list(self, query: LinkQuery) -> LinkPage:
        return await self.file.read(lambda connection: list_links(connection, query))

    async def count(self) -> int:
        links: int = await self.file.read(partial(_meta, "links"))
        return links

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes:
        return await self.file.read(lambda connection: read_feed(connection, cursor, limit))

    async def changed(self) -> None:
        await self.file.changed()

    def announced(self, cursor: str) -> None:
        """Nothing lags behind: there are no replicas."""

    async def purge(self, now_ms: int) -> int:
        """As the contract says, in short transactions, so that other writes get their turn."""
        total = 0
        while gone := await self.file.write(lambda connection: purge_some(connection, now_ms)):
            total += gone
        return total

    async def generation(self) -> str:
        """What caches of this store are marked with: 16 hexadecimal digits, drawn anew by new_generation."""
        generation: str = await self.file.read(partial(_meta, "generation"))
        return generation

    async def new_generation(self) -> str:
        """After a restore: whatever was cached, and every cursor of the feed, is of another store."""
        return await self.file.write(_draw_generation)

    async def salts(self) -> Mapping[int, bytes]:
        return await self.file.read(_salts)

    async def rotate_salts(self, now_ms: int) -> None:
        await self.file.write(lambda connection: _rotate_salts(connection, day_of(now_ms)))


def _meta(name: str, connection: Connection) -> Any:  # noqa: ANN401 (as the row was written: a number or a word)
    return connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).get


def _draw_generation(connection: Connection) -> str:
    generation = os.urandom(8).hex()
    connection.execute("UPDATE meta SET value = ? WHERE name = 'generation'", (generation,))
    return generation


def _salts(connection: Connection) -> dict[int, bytes]:
    return dict(connection.execute("SELECT day, salt FROM visitor_salt"))


def _rotate_salts(connection: Connection, today: int) -> None:
    connection.execute("DELETE FROM visitor_salt WHERE day < ?", (today - 1,))
    for day in (today, today + 1):
        connection.execute(
            "INSERT INTO visitor_salt (day, salt) VALUES (?, ?) ON CONFLICT DO NOTHING", (day, os.urandom(SALT_BYTES))
        )
