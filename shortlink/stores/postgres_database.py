"""A PostgreSQL database: its connections, deadlines, schema and notifications; the only file that knows its driver."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from shortlink.errors import StoreUnavailable

Answer = TypeVar("Answer")
Connection = PoolConnectionProxy  # what transactions get: fetch, fetchrow, fetchval, execute, executemany, COPY

_MIGRATIONS_LOCK: Final = 0x6564_6765_3330_3201  # "edge302" and a number: one lock for all tracks of a database
_RECONNECT_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 2.0  # how long nobody notices that a listening connection is half-open
_STOP_SECONDS: Final = 1.0  # longest wait for the server to stop what nobody waits for
_CLOSE_SECONDS: Final = 2.0
# A connection that was closed while it lay in the pool says so at its next use; a read is then tried on another.
_LOST: Final = (asyncpg.InterfaceError, asyncpg.ConnectionDoesNotExistError, ConnectionResetError, BrokenPipeError)
# Errors of the server that are about its state, not about what was asked.
_AWAY: Final = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    OSError,
    TimeoutError,
)

_log = logging.getLogger(__name__)


class PostgresDatabase:
    """A pool of connections; each is made when it is needed, so a database that is away is used when it comes.

    Every method raises StoreUnavailable when the database does not answer in time. The server is then asked to stop
    what it does, so that no write waits there for its turn after its caller was told that it failed; and the
    connection is not used again, so half-open ones cost one deadline and are gone.

    Args:
        url: postgresql://user:password@host:port/database; may lead to PgBouncer in transaction mode.
        connections: most at once.
        timeout_ms: longest wait for a connection and for each answer. A client's own, because a server can't tell
            that it is cut off, and because PgBouncer passes no session settings on.
        statement_cache: prepared statements a connection; 0 behind PgBouncer, whose connections change owners.
        application: how the server's own views call us.
        direct_url: past the pooler, for migrations and LISTEN, which need a session; None: `url`.

    Attributes:
        connections: most at once.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int,
        timeout_ms: int,
        statement_cache: int = 100,
        application: str = "edge302",
        direct_url: str | None = None,
    ) -> None:
        self.connections = connections
        self._url = url
        self._timeout_seconds = timeout_ms / 1_000
        self._statement_cache = statement_cache
        self._application = application
        self._direct_url = direct_url or url
        self._pool: asyncpg.Pool[Record] | None = None
        self._given_up: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Let go of all connections, finishing what is under way. May be called twice."""
        pool, self._pool = self._pool, None
        await asyncio.gather(*self._given_up, return_exceptions=True)
        if pool is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.InterfaceError):
            pool.terminate()

    async def fetch(self, sql: str, *arguments: object) -> list[Record]:
        """All rows of one statement; it may be asked twice, so it must only read."""
        return await self._read(lambda connection: connection.fetch(sql, *arguments))

    async def fetchval(self, sql: str, *arguments: object) -> Any:  # noqa: ANN401 (a column's value)
        """The first column of the first row of one statement that only reads."""
        return await self._read(lambda connection: connection.fetchval(sql, *arguments))

    async def write(self, sql: str, *arguments: object) -> list[Record]:
        """One statement in a transaction of its own, asked once; the rows that it returns."""
        async with self._connection() as connection:
            return await connection.fetch(sql, *arguments)

    @contextlib.asynccontextmanager
    async def transaction(self, first: str = "") -> AsyncIterator[Connection]:
        """A transaction: committed at the end of the block, rolled back when it is left by an error.

        `first`: a statement without arguments that is sent together with BEGIN.
        """
        async with self._connection() as connection:
            # The driver's own transaction() would wait for a ROLLBACK past the deadline.
            await connection.execute(f"BEGIN; {first}")
            try:
                yield connection
            except Exception:
                await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")

    async def migrate(self, track: str, folder: Path) -> None:
        """Bring a track of migrations (numbered .sql files) up to date; of many that begin at once, one does it.

        It takes as long as it takes: a migration of many rows has no deadline.
        """
        scripts = await asyncio.to_thread(_scripts, folder)
        async with self._direct() as connection, connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({_MIGRATIONS_LOCK})")
            # Whoever may read and write need not be allowed to create: then the tables must be there.
            if await connection.fetchval("SELECT to_regclass('schema_migration')") is None:
                await connection.execute(_MIGRATION_TABLE)
            done = await connection.fetchval("SELECT max(number) FROM schema_migration WHERE track = $1", track) or 0
            for number, script in enumerate(scripts, 1):
                if number > done:
                    _log.info("migrating the database", extra={"track": track, "number": number})
                    await connection.execute(script)
                    await connection.execute("INSERT INTO schema_migration VALUES ($1, $2)", track, number)

    def listen(self, channel: str) -> "Listener":
        """Notifications of a channel, from its first `wait` on."""
        return Listener(self._direct, channel)

    async def _read(self, ask: Callable[[Connection], Awaitable[Answer]]) -> Answer:
        with contextlib.suppress(_Stale):
            async with self._connection() as connection:
                try:
                    return await ask(connection)
                except _LOST as exc:
                    raise _Stale(str(exc)) from exc
        async with self._connection() as connection:
            return await ask(connection)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, for as long as one deadline."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                pool = self._pool or await self._make_pool()
                connection = await pool.acquire()
                try:
                    yield connection
                except BaseException as exc:
                    self._give_up(pool, connection, stop=isinstance(exc, asyncio.CancelledError))
                    raise
                await pool.release(connection)
        except _Stale:
            raise
        except _AWAY as exc:
            raise _unavailable(exc) from exc

    def _give_up(self, pool: "asyncpg.Pool[Record]", connection: Connection, *, stop: bool) -> None:
        """Give a connection back after an error, without making anybody wait for that."""
        task = asyncio.create_task(_stopped(pool, connection) if stop else _returned(pool, connection))
        self._given_up.add(task)
        task.add_done_callback(self._given_up.discard)

    async def _make_pool(self) -> "asyncpg.Pool[Record]":
        pool = self._pool = asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self.connections,
            max_inactive_connection_lifetime=0,
            statement_cache_size=self._statement_cache,
            timeout=self._timeout_seconds,
            init=_refuse_pooler if self._statement_cache else None,
            reset=_leave_as_it_is,
            server_settings={"application_name": self._application},
        )
        await pool
        return pool

    @contextlib.asynccontextmanager
    async def _direct(self) -> AsyncIterator["asyncpg.Connection[Record]"]:
        """A connection outside of the pool, past the pooler."""
        try:
            connection = await asyncpg.connect(
                self._direct_url,
                timeout=self._timeout_seconds,
                server_settings={"application_name": self._application},
            )
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    await _refuse_pooler(connection)
                yield connection
            finally:
                connection.terminate()
        except _AWAY as exc:
            raise _unavailable(exc) from exc


class Listener:
    """Waits for notifications on a connection of its own, which is made anew for as long as anybody waits."""

    def __init__(
        self,
        connect: Callable[[], "contextlib.AbstractAsyncContextManager[asyncpg.Connection[Record]]"],
        channel: str,
    ) -> None:
        self._connect = connect
        self._channel = channel
        self._heard = asyncio.Event()
        self._ended = asyncio.Event()  # the connection in use is gone
        self._task: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when something was notified since the last call, or may have been: also after each new connection."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        await self._heard.wait()
        self._heard.clear()

    async def close(self) -> None:
        """Stop listening. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _listen(self) -> None:
        while True:
            try:
                async with self._connect() as connection:
                    self._ended.clear()
                    connection.add_termination_listener(self._lost)
                    await connection.add_listener(self._channel, self._notified)
                    self._heard.set()
                    while not self._ended.is_set():
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(self._ended.wait(), _LOOK_SECONDS)
                        await connection.fetchval("SELECT 1", timeout=_LOOK_SECONDS)
            except StoreUnavailable as exc:
                _log.debug("not listening: %s", exc)
            except Exception:
                _log.exception("listening failed in a way it never should")
            await asyncio.sleep(_RECONNECT_SECONDS)

    def _notified(self, *_: object) -> None:
        self._heard.set()

    def _lost(self, _: object) -> None:
        self._ended.set()


def _scripts(folder: Path) -> list[str]:
    return [script.read_text() for script in sorted(folder.glob("*.sql"))]


class _Stale(Exception):
    """A connection was gone before it was used."""


async def _stopped(pool: "asyncpg.Pool[Record]", connection: Connection) -> None:
    """End what was asked on a connection, and then the connection."""
    with contextlib.suppress(*_AWAY, asyncpg.PostgresError):
        async with asyncio.timeout(_STOP_SECONDS):
            # The driver cancelled what its caller left, and lets no other statement pass before the server obeyed.
            await connection.execute("SELECT 1")
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has forgotten it: it was lost meanwhile
        connection.terminate()
        await pool.release(connection)


async def _returned(pool: "asyncpg.Pool[Record]", connection: Connection) -> None:
    """Give a connection back that has answered, or is gone."""
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has forgotten it: it was lost
        if connection.is_in_transaction():
            connection.terminate()
        await pool.release(connection)


async def _refuse_pooler(connection: "Connection | asyncpg.Connection[Record]") -> None:
    """Raise StoreUnavailable where a pooler may hand the session to others: who listens there hears nothing, and a
    statement prepared by one process may be run by another under the same name."""
    try:
        is_direct = await connection.fetchval("SELECT pg_backend_pid()") == connection.get_server_pid()
    except (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError):
        is_direct = False  # even this one met another's
    if not is_direct:
        raise StoreUnavailable(
            "PostgreSQL is behind a pooler such as PgBouncer: set EDGE302_DATABASE_STATEMENT_CACHE=0, and"
            " EDGE302_DIRECT_DATABASE_URL to the database past it"
        )


async def _leave_as_it_is(_: object) -> None:
    """Nothing of ours changes a session, so giving it back costs no round trip."""


def _unavailable(error: BaseException) -> StoreUnavailable:
    """What went wrong, for whoever runs the service; the driver's own texts hold no password."""
    if isinstance(error, TimeoutError):
        return StoreUnavailable("PostgreSQL did not answer in time; is it up, and EDGE302_DATABASE_TIMEOUT_MS enough?")
    if isinstance(error, asyncpg.UndefinedTableError):
        return StoreUnavailable("PostgreSQL has no tables of edge302 yet: start `edge302 api` first, which makes them")
    return StoreUnavailable(f"PostgreSQL: {error}")


_MIGRATION_TABLE: Final = """CREATE TABLE schema_migration (
    track text NOT NULL, number integer NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (track, number)
)"""
