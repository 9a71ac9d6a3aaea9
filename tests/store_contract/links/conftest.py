"""Opens each link store, on real files where it has some, and runs a story with it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from shortlink.clock import Clock
from shortlink.codes import random_code
from shortlink.stores import load_store
from shortlink.stores.contract import LeaseStore, LinkStore, SaltStore
from shortlink.stores.postgres_database import PostgresDatabase


class Store(LinkStore, SaltStore, LeaseStore, Protocol):
    """What a store of many machines is; one of a single machine has no leases."""


Story = Callable[[Store], Awaitable[None]]


class Play:
    """Runs a story with a store that is open meanwhile; `codes`: what a link without a code draws, in order."""

    def __init__(self, kind: str, place: Path | str, clock: Clock) -> None:
        """`place`: the file of SQLite, the URL of PostgreSQL's database; memory needs none."""
        self.kind = kind
        self.place = place
        self.clock = clock

    @property
    def path(self) -> Path:
        """The file of a store that has one."""
        return Path(self.place)

    def __call__(self, story: Story, codes: Iterator[str] | None = None) -> None:
        asyncio.run(self._play(story, random_code if codes is None else codes.__next__))

    async def _play(self, story: Story, draw_code: Callable[[], str]) -> None:
        store = self.make(draw_code)
        await store.open()
        try:
            await story(store)
        finally:
            await store.close()

    def make(self, draw_code: Callable[[], str] = random_code, *, read_only: bool = False) -> Store:
        make: Callable[..., Store] = load_store(self.kind)  # type: ignore[assignment]
        if self.kind == "memory":
            return make(self.clock, draw_code=draw_code)
        if self.kind == "postgres":
            database = PostgresDatabase(str(self.place), connections=4, timeout_ms=10_000)
            return make(database, self.clock, draw_code=draw_code, migrate=not read_only)
        return make(self.path, self.clock, draw_code=draw_code, read_only=read_only)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def play(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Play:
    if request.param == "postgres":
        return Play("postgres", request.getfixturevalue("database_url"), clock)
    return Play(request.param, tmp_path / "links.db", clock)
