"""What the SQLite store promises besides the contract: groups, other processes, kill -9, damage."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shortlink.clock import Clock
from shortlink.errors import StoreCorrupt, StoreUnavailable
from shortlink.links import Added, LinkKey, LinkPatch, LinkQuery, NewLink, Order
from shortlink.stores.sqlite import MIGRATIONS, SqliteLinkStore
from shortlink.stores.sqlite_file import Connection, SqliteFile
from shortlink.stores.sqlite_links.listing import rows_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "links.db"


def link(code: str | None, title: str | None = None) -> NewLink:
    return NewLink(code=code, target="https://example.com/", title=title)


def test_concurrent_adds_share_commits(path: Path, clock: Clock) -> None:
    async def main() -> None:
        store = SqliteLinkStore(path, clock)
        await store.open()
        await asyncio.gather(*(store.add([link(None)]) for _ in range(500)))
        assert store.file.commits <= 3
        assert await store.count() == 500
        await store.close()

    asyncio.run(main())


def test_a_link_that_cannot_be_stored_harms_no_other(path: Path, clock: Clock) -> None:
    async def main() -> None:
        store = SqliteLinkStore(path, clock)
        await store.open()
        calls = [[link("a")], [link("b", title="\ud800")], [link("c")]]
        answers = await asyncio.gather(*(store.add(call) for call in calls), return_exceptions=True)
        assert [isinstance(answer, UnicodeEncodeError) for answer in answers] == [False, True, False]
        assert set(await store.get([LinkKey("", code) for code in "abc"])) == {LinkKey("", "a"), LinkKey("", "c")}
        await store.close()

    asyncio.run(main())


def test_a_caller_that_gives_up_does_not_cancel_the_others(path: Path, clock: Clock) -> None:
    async def main() -> None:
        store = SqliteLinkStore(path, clock)
        await store.open()
        first, second = (asyncio.ensure_future(store.add([link(code)])) for code in "ab")
        await asyncio.sleep(0)
        first.cancel()
        (answer,) = await second
        assert isinstance(answer, Added)
        await store.close()

    asyncio.run(main())


def test_a_reader_beside_the_writer_hears_and_sees_each_change(path: Path, clock: Clock) -> None:
    async def main() -> None:
        writer = SqliteLinkStore(path, clock)
        await writer.open()
        reader = SqliteLinkStore(path, clock, read_only=True)
        await reader.open()
        await reader.changed()
        cursor = (await reader.changes(None)).cursor
        for n in range(20):
            code = f"c{n}"
            await writer.add([link(code)])
            await asyncio.wait_for(reader.changed(), 1)
            feed = await reader.changes(cursor)
            assert [change.key.code for change in feed.changes] == [code]
            cursor = feed.cursor
        await reader.close()
        await writer.close()

    asyncio.run(main())


def test_two_readers_see_whole_writes_only(path: Path, clock: Clock) -> None:
    async def main() -> None:
        writer = SqliteLinkStore(path, clock)
        await writer.open()
        await writer.add([link("left"), link("right")])
        keys = [LinkKey("", "left"), LinkKey("", "right")]
        readers = [SqliteLinkStore(path, clock, read_only=True) for _ in range(2)]
        writing = True

        async def read(reader: SqliteLinkStore) -> int:
            await reader.open()
            reads = 0
            while writing:
                found = await reader.get(keys)
                assert len(found) in (0, 2)
                reads += 1
            await reader.close()
            return reads

        async def write() -> None:
            nonlocal writing
            for _ in range(100):
                await writer.file.write(lambda connection: connection.execute("DELETE FROM link").fetchall())
                await writer.add([link("left"), link("right")])
            writing = False

        reading = asyncio.gather(*(read(reader) for reader in readers))
        await write()
        assert min(await reading) > 0
        await writer.close()

    asyncio.run(main())


WRITER = """
import asyncio, sys
from pathlib import Path
from shortlink.clock import SystemClock
from shortlink.links import NewLink
from shortlink.stores.sqlite import SqliteLinkStore

async def add(store, n):
    (answer,) = await store.add([NewLink(target=f"https://example.com/{n}")])
    sys.stdout.write(answer.link.code + "\\n")
    sys.stdout.flush()

async def main():
    store = SqliteLinkStore(Path(sys.argv[1]), SystemClock())
    await store.open()
    for start in range(0, 1_000_000, 16):
        await asyncio.gather(*(add(store, start + n) for n in range(16)))

asyncio.run(main())
"""


def test_kill_9_loses_no_link_that_was_answered(path: Path, clock: Clock) -> None:
    answered: list[str] = []
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            answered += [writer.stdout.readline().strip() for _ in range(200)]
            writer.kill()
            answered += writer.stdout.read().split("\n")[:-1]  # the last line may be cut

    async def check() -> None:
        store = SqliteLinkStore(path, clock)
        await store.open()
        assert len(await store.get([LinkKey("", code) for code in answered])) == len(answered)
        assert len(answered) <= await store.count() <= len(answered) + 3 * 17
        assert await store.file.integrity_check() == []
        await store.close()

    asyncio.run(check())


def test_a_change_by_another_process_is_heard(path: Path, clock: Clock) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        code = writer.stdout.readline().strip()

        async def main() -> None:
            reader = SqliteLinkStore(path, clock, read_only=True)
            await reader.open()
            await reader.changed()
            assert LinkKey("", code) in await reader.get([LinkKey("", code)])
            for _ in range(3):
                await asyncio.wait_for(reader.changed(), 5)
            await reader.close()

        asyncio.run(main())
        writer.kill()
        writer.stdout.read()


def test_without_a_file_a_reader_answers_unavailable(path: Path, clock: Clock) -> None:
    async def main() -> None:
        reader = SqliteLinkStore(path, clock, read_only=True)
        await reader.open()
        with pytest.raises(StoreUnavailable, match=r"links\.db"):
            await reader.get([LinkKey("", "a")])
        await reader.close()

    asyncio.run(main())


def test_a_damaged_file_is_corrupt(path: Path, clock: Clock) -> None:
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 8_000)
    with pytest.raises(StoreCorrupt, match=r"links\.db"):
        asyncio.run(SqliteLinkStore(path, clock).open())


def test_a_file_of_a_newer_release_is_refused(path: Path, clock: Clock, tmp_path: Path) -> None:
    newer = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, newer)
    (newer / f"{len(list(newer.iterdir())) + 1:04}_later.sql").write_text("CREATE TABLE later (a TEXT) STRICT;")

    async def main() -> None:
        file = SqliteFile(path, newer)
        await file.open()
        await file.close()
        with pytest.raises(StoreUnavailable, match="newer edge302"):
            await SqliteLinkStore(path, clock).open()

    asyncio.run(main())


def test_links_outlive_the_process(path: Path, clock: Clock) -> None:
    async def main() -> None:
        for n in range(3):
            store = SqliteLinkStore(path, clock)
            await store.open()
            await store.add([link(f"c{n}")])
            assert await store.count() == n + 1
            await store.close()

    asyncio.run(main())


def test_a_backup_taken_during_writes_is_a_whole_store(path: Path, clock: Clock, tmp_path: Path) -> None:
    async def main() -> None:
        store = SqliteLinkStore(path, clock)
        await store.open()
        backing_up = asyncio.ensure_future(store.file.backup_to(tmp_path / "copy.db"))
        rounds = 0
        while not backing_up.done() or rounds < 5:
            await store.add([link(None) for _ in range(100)])
            rounds += 1
        copy = SqliteLinkStore(tmp_path / "copy.db", clock)
        await copy.open()
        assert await copy.count() % 100 == 0
        assert await copy.file.integrity_check() == []
        assert await copy.generation() == await store.generation()
        await copy.close()
        await store.close()

    asyncio.run(main())


def test_a_new_generation_expires_every_cursor(path: Path, clock: Clock) -> None:
    async def main() -> None:
        store = SqliteLinkStore(path, clock)
        await store.open()
        before = await store.generation()
        cursor = (await store.changes(None)).cursor
        assert await store.new_generation() == await store.generation() != before
        with pytest.raises(Exception, match="does not reach back"):
            await store.changes(cursor)
        await store.close()

    asyncio.run(main())


def test_a_tombstone_keeps_nothing_of_the_content(path: Path, clock: Clock) -> None:
    async def main() -> None:
        store = SqliteLinkStore(path, clock)
        await store.open()
        await store.add([NewLink(code="a", target="https://secret.example/", title="Secret", tags=("secret",))])
        await store.change(LinkKey("", "a"), LinkPatch({"expired_target": "https://secret.example/later"}))
        await store.remove(LinkKey("", "a"))
        row = await store.file.read(lambda connection: connection.execute("SELECT * FROM link").fetchall())
        assert "secret" not in str(row).lower()
        await store.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("order", "index"),
    [
        (Order.NEWEST, "INDEX link_created"),
        (Order.OLDEST, "INDEX link_created"),
        (Order.UPDATED, "INDEX link_updated"),
        (Order.CODE, "PRIMARY KEY"),
    ],
)
def test_a_page_is_read_in_the_order_of_an_index(path: Path, clock: Clock, order: Order, index: str) -> None:
    def plan(connection: Connection) -> list[str]:
        sql = f"EXPLAIN QUERY PLAN {rows_of(LinkQuery(order=order))}"
        return [row[3] for row in connection.execute(sql, (0, "", "", None, None, None, 50))]

    async def main() -> None:
        store = SqliteLinkStore(path, clock)
        await store.open()
        search, *sorts = await store.file.read(plan)
        assert search.startswith(f"SEARCH link USING {index}")
        # Among links of the same moment the oldest are sorted by key; nothing else is.
        assert sorts == (["USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY"] if order is Order.OLDEST else [])
        await store.close()

    asyncio.run(main())
