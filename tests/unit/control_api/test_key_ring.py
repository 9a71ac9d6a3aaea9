"""The key ring and its stores: what is created is accepted, what is revoked is not, at once and after a restart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from control_api.access import first_key, keys
from control_api.access.keys import ApiKey, KeyFault, Scope
from control_api.access.memory import MemoryKeyStore
from control_api.access.postgres_keys import PostgresKeyStore
from control_api.access.ring import KeyRing
from control_api.access.store import KeyStore, SqliteKeyStore
from shortlink.errors import StoreUnavailable
from shortlink.stores.postgres import PostgresLinkStore
from shortlink.stores.postgres_database import PostgresDatabase
from shortlink.stores.sqlite import SqliteLinkStore

WRITE = frozenset({Scope.LINKS_WRITE})


class ManualClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1_000


@contextlib.asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[KeyStore]:
    if kind == "memory":
        yield MemoryKeyStore()
        return
    if kind.startswith("postgresql:"):
        shared = PostgresLinkStore(
            PostgresDatabase(kind, connections=2, timeout_ms=10_000), ManualClock(), migrate=True
        )
        await shared.open()
        try:
            yield PostgresKeyStore(shared.database)
        finally:
            await shared.close()
        return
    links = SqliteLinkStore(folder / "links.db", ManualClock())
    await links.open()
    try:
        yield SqliteKeyStore(links.file)
    finally:
        await links.close()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of store; of PostgreSQL, the URL of an empty database."""
    return str(request.getfixturevalue("database_url") if request.param == "postgres" else request.param)


def test_a_store_keeps_keys_as_they_are(kind: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(kind, tmp_path) as store:
            assert list(await store.all()) == []
            older = ApiKey(
                id="key_b", prefix="bbbbbbbb", name="ü", digest=b"\0" * 32, scopes=frozenset(Scope), created_at=1
            )
            newer = ApiKey(
                id="key_a", prefix="aaaaaaaa", name="n", digest=b"\1" * 32, scopes=WRITE, created_at=2, expires_at=3
            )
            await store.add(newer)
            await store.add(older)
            assert list(await store.all()) == [older, newer]

    asyncio.run(story())


def test_a_revocation_keeps_its_first_time(kind: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(kind, tmp_path) as store:
            await store.add(
                ApiKey(id="key_a", prefix="aaaaaaaa", name="n", digest=b"\1" * 32, scopes=WRITE, created_at=2)
            )
            assert not await store.revoke("key_b", 5)
            assert await store.revoke("key_a", 5)
            assert await store.revoke("key_a", 6)
            assert [key.revoked_at for key in await store.all()] == [5]

    asyncio.run(story())


def test_a_new_key_works_now_and_after_a_restart(kind: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(kind, tmp_path) as store:
            clock = ManualClock()
            ring = KeyRing(store, clock)
            key, text = await ring.create("website", WRITE, None)
            restarted = KeyRing(store, clock)
            await restarted.load()
            assert ring.check(text) == restarted.check(text) == key

    asyncio.run(story())


def test_a_revoked_key_stops_at_once_and_for_good(kind: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(kind, tmp_path) as store:
            ring = KeyRing(store, ManualClock())
            key, text = await ring.create("website", WRITE, None)
            assert await ring.revoke(key.id)
            assert ring.check(text) is KeyFault.REVOKED
            restarted = KeyRing(store, ManualClock())
            await restarted.load()
            assert restarted.check(text) is KeyFault.REVOKED
            assert not await ring.revoke("key_unknown")

    asyncio.run(story())


def test_a_key_expires_as_the_clock_moves(kind: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(kind, tmp_path) as store:
            clock = ManualClock()
            ring = KeyRing(store, clock)
            _, text = await ring.create("website", WRITE, clock.ms + 1_000)
            clock.ms += 999
            assert isinstance(ring.check(text), ApiKey)
            clock.ms += 1
            assert ring.check(text) is KeyFault.EXPIRED

    asyncio.run(story())


def test_the_last_use_is_shown_at_once_and_stored_in_batches(kind: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(kind, tmp_path) as store:
            clock = ManualClock()
            ring = KeyRing(store, clock)
            _, text = await ring.create("website", WRITE, None)
            clock.ms += 5
            ring.check(text)
            assert [key.last_used_at for key in ring.all()] == [clock.ms]
            assert [key.last_used_at for key in await store.all()] == [None]
            await ring.flush()
            assert [key.last_used_at for key in await store.all()] == [clock.ms]
            assert [key.last_used_at for key in ring.all()] == [clock.ms]

    asyncio.run(story())


def test_a_last_use_that_could_not_be_stored_waits_for_the_next_flush() -> None:
    class Broken(MemoryKeyStore):
        broken = True

        async def touch(self, used_ms: object) -> None:
            if self.broken:
                raise StoreUnavailable("the disk is full")
            await super().touch(used_ms)  # type: ignore[arg-type]

    async def story() -> None:
        store, clock = Broken(), ManualClock()
        ring = KeyRing(store, clock)
        _, text = await ring.create("website", WRITE, None)
        ring.check(text)
        with pytest.raises(StoreUnavailable):
            await ring.flush()
        store.broken = False
        await ring.flush()
        assert [key.last_used_at for key in await store.all()] == [clock.ms]

    asyncio.run(story())


def test_the_first_start_makes_an_admin_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    file = tmp_path / "admin.key"

    async def story() -> None:
        ring = KeyRing(MemoryKeyStore(), ManualClock())
        await first_key.ensure(ring, file)
        key = ring.check(file.read_text().strip())
        assert isinstance(key, ApiKey)
        assert key.allows(Scope.ADMIN)

    asyncio.run(story())
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["admin.key"]


def test_a_start_with_keys_makes_none(tmp_path: Path) -> None:
    async def story() -> None:
        ring = KeyRing(MemoryKeyStore(), ManualClock())
        await ring.create("website", WRITE, None)
        await first_key.ensure(ring, tmp_path / "admin.key")
        assert len(ring) == 1

    asyncio.run(story())
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_of_an_interrupted_start_is_adopted(tmp_path: Path) -> None:
    text = keys.draw()
    (tmp_path / "admin.key").write_text(text + "\n")
    (tmp_path / "admin.tmp").write_text("half a ke")

    async def story() -> None:
        ring = KeyRing(MemoryKeyStore(), ManualClock())
        await first_key.ensure(ring, tmp_path / "admin.key")
        assert isinstance(ring.check(text), ApiKey)

    asyncio.run(story())


def test_a_key_file_with_something_else_in_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("something else\n")

    async def story() -> None:
        ring = KeyRing(MemoryKeyStore(), ManualClock())
        await first_key.ensure(ring, tmp_path / "admin.key")
        assert isinstance(ring.check((tmp_path / "admin.key").read_text().strip()), ApiKey)

    asyncio.run(story())


def test_what_another_ring_does_is_known_after_a_load() -> None:
    async def story() -> None:
        store, clock = MemoryKeyStore(), ManualClock()
        ours, theirs = KeyRing(store, clock), KeyRing(store, clock)
        key, text = await theirs.create("elsewhere", WRITE, None)
        assert ours.check(text) is KeyFault.INVALID
        await ours.load()
        assert isinstance(ours.check(text), ApiKey)
        await theirs.revoke(key.id)
        await ours.load()
        assert not isinstance(ours.check(text), ApiKey)

    asyncio.run(story())


def test_a_load_does_not_undo_what_is_made_meanwhile() -> None:
    class Slow(MemoryKeyStore):
        """Answers with what it held before the ring's own change."""

        async def all(self) -> Sequence[ApiKey]:
            before = await super().all()
            made.append((await ring.create("meanwhile", WRITE, None))[1])
            return before

    made: list[str] = []
    ring = KeyRing(Slow(), ManualClock())

    async def story() -> None:
        await ring.load()
        assert isinstance(ring.check(made[0]), ApiKey)

    asyncio.run(story())
