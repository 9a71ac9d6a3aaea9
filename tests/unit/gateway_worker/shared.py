"""A shared cache in memory, announcements written by hand, and a store that can be switched off."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from shortlink.cache.contract import Announcement, CacheUnavailable, Copy
from shortlink.errors import StoreUnavailable
from shortlink.links import Change, Changes, Link, LinkKey
from shortlink.stores.memory import MemoryLinkStore


class MemoryCache:
    """A SharedCache; `down`: it refuses, `hangs`: it never answers."""

    def __init__(self) -> None:
        self.run: str | None = "run-1"
        self.copies: dict[LinkKey, Copy] = {}
        self.asked: list[list[LinkKey]] = []
        self.down = self.hangs = self.is_open = False
        self._said: asyncio.Queue[Announcement | None] = asyncio.Queue()

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Copy]:
        self.asked.append(list(keys))
        await self._answer()
        return {key: self.copies[key] for key in keys if key in self.copies}

    async def keep(self, copies: Mapping[LinkKey, Copy]) -> None:
        await self._answer()
        for key, copy in copies.items():
            if key not in self.copies or self.copies[key].version <= copy.version:
                self.copies[key] = copy

    async def announce(self, announcement: Announcement) -> None:
        await self._answer()
        self._said.put_nowait(announcement)

    async def reached(self) -> str | None:
        return None

    async def announcements(self) -> AsyncIterator[Announcement | None]:
        yield None
        while True:
            yield await self._said.get()

    async def _answer(self) -> None:
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.down:
            raise CacheUnavailable("switched off")


class SwitchedStore(MemoryLinkStore):
    """The memory store, with a switch, and notes of what it was asked."""

    down = False

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.looked_up: list[list[LinkKey]] = []
        self.feed_reads = 0
        self.told: list[str] = []

    async def get(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        self.looked_up.append(list(keys))
        self._check()
        return await super().get(keys)

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes:
        self.feed_reads += 1
        self._check()
        return await super().changes(cursor, limit)

    async def generation(self) -> str:
        self._check()
        return await super().generation()

    def announced(self, cursor: str) -> None:
        self.told.append(cursor)

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("switched off")


def said(
    before: str,
    cursor: str | None = None,
    *changes: Change,
    term: int = 1,
    run: str = "run-1",
    store_answers: bool = True,
) -> Announcement:
    """An announcement; a heartbeat when there is only one cursor."""
    return Announcement(term, run, before, before if cursor is None else cursor, changes, store_answers)
