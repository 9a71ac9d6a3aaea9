"""One SQLite file: a writer thread that commits in groups, reader threads, migrations, backup.

The only file that imports the driver (apsw, whose wheel carries its own current SQLite); its errors become the
project's here, once.
"""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, NamedTuple, TypeVar

import apsw
from apsw import Connection

from shortlink.errors import Edge302Error, StoreCorrupt, StoreUnavailable

__all__ = ["Connection", "SqliteFile", "sqlite_version"]

T = TypeVar("T")

POLL_SECONDS: Final = 0.02  # of the 50 ms within which a change must be heard
BUSY_TIMEOUT_MS: Final = 5_000
MAX_WORKS_A_COMMIT: Final = 1_024
MAX_BATCH_SECONDS: Final = 0.5  # then commit: with one more work, no transaction lasts over a second
WRITER_CACHE_KB: Final = 65_536  # random codes touch pages all over the tree
READER_CACHE_KB: Final = 4_096  # what is read again and again; the system keeps the rest of the file
CHECKPOINT_PAGES: Final = 4_000  # 16 MB of log between checkpoints: each costs an fsync of the main file
WAL_LIMIT_BYTES: Final = 64 << 20  # the log is cut back to this after a burst

Outcome = tuple["asyncio.Future[Any]", Any, Exception | None]


class _Job(NamedTuple):
    """A work that waits for its thread, and who waits for it."""

    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]


class _Migration(NamedTuple):
    number: int
    name: str
    sql: str


def sqlite_version() -> str:
    """The version of the SQLite library that the driver carries, such as "3.54.1"."""
    return apsw.sqlite_lib_version()


class SqliteFile:
    """A database file, used from one asyncio loop.

    Works are plain functions of a connection. They run on this file's threads, so they must not touch the
    loop's objects; they never begin or end transactions themselves. What a work returns is the answer of
    `write` or `read`; what it raises is raised there, driver errors translated.

    Args:
        path: the file; its folder must exist. Created when opened for writing.
        migrations: a folder of NNNN_name.sql, numbered from 0001 without holes; `PRAGMA user_version`
            holds the last one applied.
        read_only: for processes beside the one that writes: nothing is created, migrated or checkpointed.
        readers: how many reads run at once, each on a thread and a connection of its own.
    """

    def __init__(self, path: Path, migrations: Path, *, read_only: bool = False, readers: int = 1) -> None:
        self.path = path
        self.commits = 0  # groups committed since open
        self._migrations = migrations
        self._read_only = read_only
        self._readers = readers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reads: SimpleQueue[_Job | None] = SimpleQueue()
        self._writes: SimpleQueue[_Job | None] = SimpleQueue()
        self._reader_threads: list[threading.Thread] = []
        self._writer_thread: threading.Thread | None = None
        self._watcher: _Watcher | None = None

    async def open(self) -> None:
        """Bring the schema up to date and start the threads.

        Read-only, the file is not touched yet: it may appear later, and until then each read raises
        StoreUnavailable.

        Raises:
            StoreUnavailable: the file can't be opened or written, or is from a newer release.
            StoreCorrupt: the file is damaged, or no SQLite database.
        """
        self._loop = asyncio.get_running_loop()
        if not self._read_only:
            writer = await asyncio.to_thread(self._open_writer)
            self._writer_thread = _started(f"{self.path.name} writer", self._write_until_closed, writer)
        self._reader_threads = [
            _started(f"{self.path.name} reader {n}", self._read_until_closed) for n in range(self._readers)
        ]

    async def close(self) -> None:
        """Finish every work accepted so far and let go of the file. May be called twice."""
        if self._loop is None:
            return
        self._loop = None
        if self._watcher is not None:
            self._watcher.stop()
        for _ in self._reader_threads:
            self._reads.put(None)
        for thread in self._reader_threads:
            await asyncio.to_thread(thread.join)
        if self._writer_thread is not None:
            # Last, because the last connection to close checkpoints the log and removes it.
            self._writes.put(None)
            await asyncio.to_thread(self._writer_thread.join)
        self._reader_threads, self._writer_thread, self._watcher = [], None, None

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in the next group of writes; return what it returns once that is durable.

        A work that raises is rolled back alone. When the commit fails, every work of the group raises
        StoreUnavailable and none of them is stored.
        """
        if self._read_only:
            raise TypeError(f"{self.path} is open for reading only")
        return await self._submit(self._writes, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a reader, in one snapshot of the file."""
        return await self._submit(self._reads, work)

    async def changed(self) -> None:
        """Return when anything may have been committed since the last call, by whatever process.

        The first call returns as soon as it can watch: what is read after it is older than no later
        wake-up. Raises StoreUnavailable while the file can't be read.
        """
        loop = self._running_loop()
        if self._watcher is None:
            self._watcher = _Watcher(loop, self._open_reader, self._translated)
        await self._watcher.changed()

    async def integrity_check(self) -> Sequence[str]:
        """What `PRAGMA integrity_check` finds wrong; empty: nothing. Reads the whole file; needs no open()."""
        return await asyncio.to_thread(self._integrity_check)

    async def backup_to(self, target: Path) -> None:
        """Copy one consistent snapshot to a new file, while writes go on; needs no open()."""
        await asyncio.to_thread(self._backup_to, target)

    async def _submit(self, queue: "SimpleQueue[_Job | None]", work: Callable[[Connection], T]) -> T:
        future: asyncio.Future[T] = self._running_loop().create_future()
        queue.put(_Job(work, future))
        return await future

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise StoreUnavailable(f"{self.path} is closed")
        return self._loop

    # The writer's thread.

    def _write_until_closed(self, connection: Connection) -> None:
        while (job := self._writes.get()) is not None:
            # What arrives while this group runs belongs to the next one: no work waits for a group without end.
            waiting = min(self._writes.qsize(), MAX_WORKS_A_COMMIT)
            self._write_group(connection, job, waiting)
        connection.close()

    def _write_group(self, connection: Connection, first: _Job, waiting: int) -> None:
        outcomes: list[Outcome] = []
        job: _Job | None = first
        deadline = time.monotonic() + MAX_BATCH_SECONDS
        try:
            connection.execute("BEGIN IMMEDIATE")
            while job is not None:
                outcomes.append(self._write_one(connection, job))
                job = None
                if waiting and time.monotonic() < deadline:
                    waiting -= 1
                    job = self._writes.get()
                    if job is None:  # close() came: it is this thread's to see again
                        self._writes.put(None)
            connection.execute("COMMIT")
            self.commits += 1
        except Exception as exc:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if job is not None:
                outcomes.append((job.future, None, None))
            outcomes = [(future, None, error or self._translated(exc)) for future, _, error in outcomes]
        self._settle(outcomes)

    def _write_one(self, connection: Connection, job: _Job) -> Outcome:
        connection.execute("SAVEPOINT work")
        try:
            result = job.work(connection)
        except Exception as exc:
            if not connection.in_transaction:  # a full disk or an I/O error: SQLite rolled back everything
                raise
            connection.execute("ROLLBACK TO work")
            connection.execute("RELEASE work")
            return job.future, None, self._translated(exc)
        connection.execute("RELEASE work")
        return job.future, result, None

    # A reader's thread.

    def _read_until_closed(self) -> None:
        connection: Connection | None = None
        while (job := self._reads.get()) is not None:
            try:
                if connection is None:
                    connection = self._open_reader()
                result = _in_snapshot(connection, job.work)
            except Exception as exc:
                self._settle([(job.future, None, self._translated(exc))])
            else:
                self._settle([(job.future, result, None)])
        if connection is not None:
            connection.close()

    def _settle(self, outcomes: list[Outcome]) -> None:
        outcomes[0][0].get_loop().call_soon_threadsafe(_settle_all, outcomes)

    # Opening.

    def _open_writer(self) -> Connection:
        try:
            connection = Connection(str(self.path))
            try:
                self._prepare_writer(connection)
            except BaseException:
                connection.close()
                raise
        except apsw.Error as exc:
            raise self._translated(exc) from exc
        return connection

    def _prepare_writer(self, connection: Connection) -> None:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        mode = connection.execute("PRAGMA journal_mode = WAL").get
        if mode != "wal":
            raise StoreUnavailable(f"{self.path}: SQLite can't keep a write-ahead log there; use a local disk")
        connection.execute("PRAGMA synchronous = FULL")  # an answer given is durable; group commit makes it cheap
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")  # savepoints keep old pages: never worth a temporary file
        connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        self._migrate(connection)

    def _migrate(self, connection: Connection) -> None:
        """Apply each migration that is new to this file, in a transaction of its own."""
        migrations = _migrations_in(self._migrations)
        schema = _schema_of(connection)
        self._refuse_newer(schema, len(migrations))
        for migration in migrations[schema:]:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if migration.number > _schema_of(connection):  # else another process was faster
                    connection.execute(migration.sql)
                    connection.execute(f"PRAGMA user_version = {migration.number}")
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def _open_reader(self) -> Connection:
        try:
            connection = Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        except apsw.CantOpenError as exc:
            if not self.path.exists():
                raise StoreUnavailable(f"{self.path} does not exist yet: the control plane creates it") from exc
            raise
        try:
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KB}")
            schema, known = _schema_of(connection), len(_migrations_in(self._migrations))
            self._refuse_newer(schema, known)
            if schema < known:
                raise StoreUnavailable(
                    f"{self.path} is not ready (schema {schema} of {known}): start the process that writes it"
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_newer(self, schema: int, known: int) -> None:
        if schema > known:
            raise StoreUnavailable(
                f"{self.path} is from a newer edge302 (schema {schema}, this one knows {known}): upgrade edge302"
            )

    # Whole-file work, on a connection of its own so that no read waits for it.

    def _integrity_check(self) -> Sequence[str]:
        try:
            connection = self._open_reader()
            try:
                found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            finally:
                connection.close()
        except apsw.Error as exc:
            error = self._translated(exc)
            if isinstance(error, StoreCorrupt):  # so damaged that the check itself can't go on
                return [str(error)]
            raise error from exc
        return [] if found == ["ok"] else found

    def _backup_to(self, target: Path) -> None:
        try:
            source = self._open_reader()
            try:
                copy = Connection(str(target))
                try:
                    with copy.backup("main", source, "main") as backup:
                        backup.step(-1)  # all at once: in portions, each write meanwhile would start it over
                finally:
                    copy.close()
            finally:
                source.close()
        except apsw.Error as exc:
            raise self._translated(exc) from exc

    def _translated(self, error: Exception) -> Exception:
        """The project's error for a driver's; bugs (wrong SQL, wrong bindings) and others' errors stay as they are."""
        for kinds, into, meaning in _MEANINGS:
            if isinstance(error, kinds):
                translated = into(f"{self.path}: {meaning} ({error})")
                translated.__cause__ = error
                return translated
        return error


_MEANINGS: Final[tuple[tuple[tuple[type[apsw.Error], ...], type[Edge302Error], str], ...]] = (
    ((apsw.NotADBError,), StoreCorrupt, "not a SQLite database, or damaged: restore a backup"),
    ((apsw.CorruptError, apsw.FormatError), StoreCorrupt, "damaged: restore a backup"),
    ((apsw.FullError,), StoreUnavailable, "the disk is full"),
    ((apsw.BusyError, apsw.LockedError, apsw.ProtocolError), StoreUnavailable, "another process holds it locked"),
    ((apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError), StoreUnavailable, "may not be written"),
    ((apsw.CantOpenError,), StoreUnavailable, "can't be opened: does its folder exist, and may this user write there?"),
    ((apsw.IOError, apsw.NoMemError, apsw.InterruptError), StoreUnavailable, "the disk or the memory failed"),
)


class _Watcher:
    """A thread that asks `PRAGMA data_version`: a look into shared memory, no read of the file."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connect: Callable[[], Connection],
        translated: Callable[[Exception], Exception],
    ) -> None:
        self._loop = loop
        self._connect = connect
        self._translated = translated
        self._news = asyncio.Event()
        self._error: Exception | None = None
        self._stopping = threading.Event()
        self._thread = _started("watcher", self._watch)

    async def changed(self) -> None:
        await self._news.wait()
        self._news.clear()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()  # at most one poll

    def _watch(self) -> None:
        connection: Connection | None = None
        seen: int | None = None
        while not self._stopping.is_set():
            try:
                if connection is None:
                    connection, seen = self._connect(), None
                version: int = connection.execute("PRAGMA data_version").get
                if version != seen:
                    seen = version
                    self._tell(None)
            except Exception as exc:
                self._tell(self._translated(exc))
                seen = None
            self._stopping.wait(POLL_SECONDS)
        if connection is not None:
            connection.close()

    def _tell(self, error: Exception | None) -> None:
        self._loop.call_soon_threadsafe(self._hear, error)

    def _hear(self, error: Exception | None) -> None:
        self._error = error
        self._news.set()


def _started(name: str, run: Callable[..., None], *args: object) -> threading.Thread:
    # Daemons: a process that was told to die at once must not wait for a commit.
    thread = threading.Thread(target=run, args=args, name=name, daemon=True)
    thread.start()
    return thread


def _in_snapshot(connection: Connection, work: Callable[[Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.execute("ROLLBACK")


def _settle_all(outcomes: list[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():  # who waited has given up
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def _schema_of(connection: Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").get
    return version


def _migrations_in(folder: Path) -> list[_Migration]:
    """The folder's migrations in order. ValueError: a hole or a doubled number."""
    found = sorted(path for path in folder.iterdir() if re.fullmatch(r"\d{4}_\w+\.sql", path.name))
    migrations = [_Migration(int(path.name[:4]), path.stem, path.read_text()) for path in found]
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise ValueError(f"{folder}: migrations must be numbered from 0001 without holes")
    return migrations
