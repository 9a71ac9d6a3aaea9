"""SqliteFile on real files: groups of writes, snapshots, migrations, damage, backups, kill -9."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from shortlink.errors import StoreCorrupt, StoreUnavailable
from shortlink.stores.sqlite_file import Connection, SqliteFile, sqlite_version

NOTE_TABLE = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT UNIQUE) STRICT;"


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_note.sql").write_text(NOTE_TABLE)
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


def run(
    path: Path, migrations: Path, story: Callable[[SqliteFile], Awaitable[None]], *, read_only: bool = False
) -> None:
    async def main() -> None:
        file = SqliteFile(path, migrations, read_only=read_only)
        await file.open()
        try:
            await story(file)
        finally:
            await file.close()

    asyncio.run(main())


def insert(text: str, connection: Connection) -> int:
    connection.execute("INSERT INTO note (text) VALUES (?)", (text,))
    return connection.last_insert_rowid()


def texts(connection: Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM note ORDER BY id")]


def test_the_library_has_the_fix_for_damaged_logs() -> None:
    assert tuple(map(int, sqlite_version().split("."))) >= (3, 51, 3)


def test_a_write_is_readable_when_it_returns(path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None:
        assert await file.write(partial(insert, "a")) == 1
        assert await file.read(texts) == ["a"]

    run(path, migrations, story)


def test_writes_that_wait_share_one_commit(path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None:
        started, go = threading.Event(), threading.Event()

        def block(connection: Connection) -> None:
            started.set()
            go.wait(10)

        blocked = asyncio.create_task(file.write(block))
        await asyncio.to_thread(started.wait, 10)
        writes = [asyncio.create_task(file.write(partial(insert, str(n)))) for n in range(200)]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(blocked, *writes)
        assert file.commits == 2
        assert len(await file.read(texts)) == 200

    run(path, migrations, story)


def test_a_failing_work_is_rolled_back_alone(path: Path, migrations: Path) -> None:
    def fail_late(connection: Connection) -> None:
        insert("half", connection)
        raise LookupError("no")

    async def story(file: SqliteFile) -> None:
        works: list[Callable[[Connection], object]] = [
            partial(insert, "a"),
            fail_late,
            partial(insert, "b"),
            partial(insert, "a"),
            partial(insert, "c"),
        ]
        answers = await asyncio.gather(*(file.write(work) for work in works), return_exceptions=True)
        assert [isinstance(answer, Exception) for answer in answers] == [False, True, False, True, False]
        assert isinstance(answers[1], LookupError)
        assert await file.read(texts) == ["a", "b", "c"]

    run(path, migrations, story)


def test_a_work_given_up_does_not_stop_the_others(path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None:
        given_up = asyncio.create_task(file.write(partial(insert, "a")))
        await asyncio.sleep(0)
        given_up.cancel()
        await file.write(partial(insert, "b"))
        assert "b" in await file.read(texts)

    run(path, migrations, story)


def test_nobody_is_told_success_when_the_commit_fails(path: Path, migrations: Path) -> None:
    (migrations / "0002_orders.sql").write_text(
        "CREATE TABLE reply (note INTEGER REFERENCES note DEFERRABLE INITIALLY DEFERRED) STRICT;"
    )

    async def story(file: SqliteFile) -> None:
        def dangle(connection: Connection) -> None:
            connection.execute("PRAGMA defer_foreign_keys = ON")
            connection.execute("INSERT INTO reply VALUES (404)")  # only COMMIT notices

        answers = await asyncio.gather(
            file.write(partial(insert, "a")),
            file.write(dangle),
            file.write(partial(insert, "b")),
            return_exceptions=True,
        )
        stored = await file.read(texts)
        for text, answer in (("a", answers[0]), ("b", answers[2])):
            assert (text in stored) == (not isinstance(answer, Exception))
        assert isinstance(answers[1], Exception)
        assert isinstance(await file.write(partial(insert, "later")), int)

    run(path, migrations, story)


def test_a_full_disk_fails_the_group_and_leaves_the_file_sound(path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None:
        await file.write(lambda connection: connection.execute("PRAGMA max_page_count = 20").get)
        with pytest.raises(StoreUnavailable, match="full"):
            await file.write(partial(insert, "x" * 1_000_000))
        await file.write(partial(insert, "small"))
        assert await file.read(texts) == ["small"]
        assert await file.integrity_check() == []

    run(path, migrations, story)


def test_a_read_sees_one_snapshot(path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None:
        between, go = threading.Event(), threading.Event()

        def read_twice(connection: Connection) -> tuple[int, int]:
            before = len(texts(connection))
            between.set()
            go.wait(10)
            return before, len(texts(connection))

        reading = asyncio.create_task(file.read(read_twice))
        await asyncio.to_thread(between.wait, 10)
        await file.write(partial(insert, "a"))
        go.set()
        assert await reading == (0, 0)

    run(path, migrations, story)


def test_changed_returns_after_a_commit_and_not_before(path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None:
        await file.changed()
        waiting = asyncio.create_task(file.changed())
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        await file.write(partial(insert, "a"))
        await asyncio.wait_for(waiting, 1)

    run(path, migrations, story)


def test_a_reader_waits_for_the_file_to_appear(path: Path, migrations: Path) -> None:
    async def main() -> None:
        reader = SqliteFile(path, migrations, read_only=True)
        await reader.open()
        with pytest.raises(StoreUnavailable, match="control plane creates it"):
            await reader.read(texts)
        with pytest.raises(StoreUnavailable, match="control plane creates it"):
            await reader.changed()
        writer = SqliteFile(path, migrations)
        await writer.open()
        await writer.write(partial(insert, "a"))
        assert await reader.read(texts) == ["a"]
        await writer.close()
        assert await reader.read(texts) == ["a"]
        await reader.close()

    asyncio.run(main())


def test_a_reader_refuses_to_write(path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None:
        with pytest.raises(TypeError):
            await file.write(partial(insert, "a"))

    run(path, migrations, story, read_only=True)


def test_migrations_run_once_and_in_order(path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None:
        await file.write(partial(insert, "kept"))

    run(path, migrations, story)
    (migrations / "0002_more.sql").write_text("ALTER TABLE note ADD COLUMN more TEXT DEFAULT 'x';")

    async def check(file: SqliteFile) -> None:
        assert await file.read(lambda connection: connection.execute("SELECT text, more FROM note").fetchall()) == [
            ("kept", "x")
        ]

    run(path, migrations, check)
    run(path, migrations, check)


def test_a_migration_that_fails_changes_nothing(path: Path, migrations: Path) -> None:
    (migrations / "0002_bad.sql").write_text("CREATE TABLE half (a) STRICT; CREATE TABLE note (a);")

    async def story(file: SqliteFile) -> None: ...

    with pytest.raises(Exception, match="half"):
        run(path, migrations, story)
    (migrations / "0002_bad.sql").unlink()
    run(path, migrations, story)


def test_a_hole_in_the_numbers_is_refused(path: Path, migrations: Path) -> None:
    (migrations / "0003_late.sql").write_text("SELECT 1;")

    async def story(file: SqliteFile) -> None: ...

    with pytest.raises(ValueError, match="without holes"):
        run(path, migrations, story)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_a_newer_release_is_refused(path: Path, migrations: Path, read_only: bool) -> None:
    (migrations / "0002_more.sql").write_text("SELECT 1;")

    async def story(file: SqliteFile) -> None:
        await file.read(texts)

    run(path, migrations, story)
    (migrations / "0002_more.sql").unlink()
    with pytest.raises(StoreUnavailable, match="newer edge302"):
        run(path, migrations, story, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_something_else_is_corrupt(path: Path, migrations: Path, read_only: bool) -> None:
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 100)

    async def story(file: SqliteFile) -> None:
        await file.read(texts)

    with pytest.raises(StoreCorrupt, match=r"notes\.db"):
        run(path, migrations, story, read_only=read_only)


def test_the_integrity_check_finds_a_damaged_page(path: Path, migrations: Path) -> None:
    async def fill(file: SqliteFile) -> None:
        await asyncio.gather(*(file.write(partial(insert, f"{n} {'x' * 500}")) for n in range(200)))
        assert await file.integrity_check() == []

    run(path, migrations, fill)
    with path.open("r+b") as raw:
        raw.seek(4096 * 5)
        raw.write(b"\xff" * 4096)

    async def check() -> None:
        file = SqliteFile(path, migrations, read_only=True)
        assert await file.integrity_check()

    asyncio.run(check())


def test_a_folder_that_is_missing_is_named(tmp_path: Path, migrations: Path) -> None:
    async def story(file: SqliteFile) -> None: ...

    with pytest.raises(StoreUnavailable, match="folder"):
        run(tmp_path / "nowhere" / "notes.db", migrations, story)


def test_after_close_every_call_says_so(path: Path, migrations: Path) -> None:
    async def main() -> None:
        file = SqliteFile(path, migrations)
        await file.open()
        accepted = asyncio.create_task(file.write(partial(insert, "a")))
        await asyncio.sleep(0)
        await file.close()
        await file.close()
        assert await accepted == 1
        with pytest.raises(StoreUnavailable, match="closed"):
            await file.read(texts)

    asyncio.run(main())


def test_a_backup_is_consistent_while_writes_go_on(path: Path, migrations: Path, tmp_path: Path) -> None:
    def insert_pair(n: int, connection: Connection) -> None:
        insert(f"{n} left", connection)
        insert(f"{n} right", connection)

    async def story(file: SqliteFile) -> None:
        stop = False

        async def keep_writing() -> int:
            n = 0
            while not stop:
                await file.write(partial(insert_pair, n))
                n += 1
            return n

        writing = asyncio.create_task(keep_writing())
        counts = []
        for n in range(5):
            await file.write(partial(insert, f"before {n}"))
            await file.backup_to(tmp_path / f"copy{n}.db")
            copy = SqliteFile(tmp_path / f"copy{n}.db", migrations, read_only=True)
            await copy.open()
            found = await copy.read(texts)
            assert f"before {n}" in found
            assert sum(text.endswith("left") for text in found) == sum(text.endswith("right") for text in found)
            assert await copy.integrity_check() == []
            await copy.close()
            counts.append(len(found))
        stop = True
        assert await writing > 0
        assert counts == sorted(counts)

    run(path, migrations, story)


WRITER = """
import asyncio, sys
from functools import partial
from pathlib import Path
from shortlink.stores.sqlite_file import SqliteFile

async def insert(file, n):
    await file.write(lambda connection: connection.execute("INSERT INTO note (text) VALUES (?)", (str(n),)) and None)
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()

async def main():
    file = SqliteFile(Path(sys.argv[1]), Path(sys.argv[2]))
    await file.open()
    for n in range(0, 1_000_000, 20):
        await asyncio.gather(*(insert(file, n + i) for i in range(20)))

asyncio.run(main())
"""


def test_kill_9_loses_nothing_that_was_answered(path: Path, migrations: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, path, migrations], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        answered = [writer.stdout.readline().strip() for _ in range(500)]
        writer.kill()
        answered += writer.stdout.read().split("\n")[:-1]

    async def story(file: SqliteFile) -> None:
        stored = await file.read(texts)
        assert set(answered) <= set(stored)
        assert len(stored) <= len(answered) + 40
        assert await file.integrity_check() == []

    run(path, migrations, story)
