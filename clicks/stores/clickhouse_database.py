"""A ClickHouse database: its statements, deadlines and schema; the only file that knows its driver."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError, Error, ProgrammingError

from shortlink.errors import Edge302Error, StoreUnavailable

DEFAULT_DATABASE: Final = "edge302"
# Of what ClickHouse's src/Common/ErrorCodes.cpp has, those that are about the server's state, not about what was asked.
_AWAY: Final = {
    *(3, 60, 74, 75, 76, 81, 95, 96, 159, 160, 164, 173, 198, 202, 203, 209, 210, 236, 241, 242, 243, 252, 279, 285),
    *(319, 335, 394, 425, 439, 473, 497, 499, 516, 519, 528, 573, 586, 667, 668, 695, 743, 745, 999),
}
# A block is taken as one, whatever its size: then its token stands for all of it. It may have clicks of any months:
# over a hundred are refused by default, as clocks gone wild make them, and the block would wait for ever.
_WHOLE_BLOCK: Final = {
    "async_insert": "0",
    "wait_end_of_query": "1",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "input_format_skip_unknown_fields": "1",
    "input_format_parallel_parsing": "0",
    "max_insert_block_size": str(1 << 24),
    "min_insert_block_size_rows": str(1 << 24),
    "min_insert_block_size_bytes": str(1 << 30),
    "max_partitions_per_insert_block": "0",
}

_log = logging.getLogger(__name__)


class StatementRefused(Edge302Error):
    """ClickHouse understood us and said no: what was asked, or what was to be stored, is wrong.

    Attributes:
        code: ClickHouse's number for it.
    """

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class ClickHouseDatabase:
    """One database; the connection to it is made when it is needed, so a server that is away is used when it comes.

    Every method raises StoreUnavailable when the server does not answer in time (it may go on with an insertion: repeat
    that with the same token), and StatementRefused when it says no.

    Args:
        url: http://user:password@host:port/database, or https://…; without a database: `edge302`, which is created.
        timeout_ms: longest wait for each answer.
        create: make the database where it is missing, and use it; False: nothing is made, and statements say which they
            mean.
    """

    def __init__(self, url: str, *, timeout_ms: int, create: bool = True) -> None:
        parts = urlsplit(url)
        self.name = unquote(parts.path.strip("/")) or DEFAULT_DATABASE
        self._timeout_seconds = timeout_ms / 1_000
        self._server: dict[str, Any] = {
            "interface": parts.scheme,
            "host": parts.hostname or "localhost",
            "port": parts.port or (8443 if parts.scheme == "https" else 8123),
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password or ""),
        }
        self._create = create
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        """May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> Sequence[Sequence[Any]]:
        """What a statement that only reads finds; values stand in it as {name:Type}."""
        async with self._connected() as client:
            found = await client.query(sql, parameters=dict(parameters or {}), settings=self._reading)
        return found.result_rows

    async def json_lines(self, sql: str, parameters: Mapping[str, object] | None = None) -> bytes:
        """As `rows`, as JSON objects, each with a newline behind it."""
        async with self._connected() as client:
            return await client.raw_query(
                sql, parameters=dict(parameters or {}), settings=self._reading | _PLAIN_NUMBERS, fmt="JSONEachRow"
            )

    async def run(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Do what a statement says, and wait for its end. `timeout_seconds`: instead of the database's deadline."""
        async with self._connected(timeout_seconds) as client:
            await client.command(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))

    async def insert_json_rows(self, table: str, lines: bytes, token: str) -> None:
        """Insert rows, one JSON object a line, as one block.

        `token`: names the block. One that this table knows already is left out, there and in what the table feeds; so
        a block may be repeated until an answer comes.
        """
        async with self._connected() as client:
            await client.raw_insert(
                table,
                insert_block=lines,
                fmt="JSONEachRow",
                settings=_WHOLE_BLOCK | {"insert_deduplication_token": token},
            )

    async def migrate(self, folder: Path) -> None:
        """Create the database where it is missing, and bring its tables up to date.

        ClickHouse has no transactions for that, so every statement of a migration must do no harm when it is repeated:
        then neither does a process that ends half-way, nor another that does the same at the same time.
        """
        scripts = await asyncio.to_thread(_scripts, folder)
        async with self._connected() as client:
            await client.command(_MIGRATION_TABLE)
            done = int((await client.query("SELECT max(number) FROM schema_migration")).result_rows[0][0])
        async with self._connected(_MIGRATE_SECONDS) as client:
            for number, script in enumerate(scripts, 1):
                if number > done:
                    _log.info("migrating ClickHouse", extra={"number": number})
                    for statement in statements(script):
                        await client.command(statement)
                    await client.command("INSERT INTO schema_migration (number) VALUES", data=f"({number})")

    @property
    def _reading(self) -> dict[str, Any]:
        """What nobody waits for any more is ended by the server."""
        return {"max_execution_time": max(1, round(self._timeout_seconds))}

    @contextlib.asynccontextmanager
    async def _connected(self, timeout_seconds: float | None = None) -> AsyncIterator[AsyncClient]:
        try:
            async with asyncio.timeout(timeout_seconds or self._timeout_seconds):
                yield self._client or await self._connect()
        except TimeoutError as exc:
            raise StoreUnavailable(
                "ClickHouse did not answer in time; is it up, and EDGE302_CLICKHOUSE_TIMEOUT_MS enough?"
            ) from exc
        except (Error, OSError) as exc:
            raise _translated(exc) from exc

    async def _connect(self) -> AsyncClient:
        async with self._connecting:
            if self._client is None:
                client = await clickhouse_connect.get_async_client(
                    **self._server,
                    database="",
                    compress=True,  # of answers; a server that can't says so by not doing it
                    connect_timeout=self._timeout_seconds,
                    send_receive_timeout=_MIGRATE_SECONDS,  # deadlines are ours
                    autogenerate_session_id=False,
                    query_retries=0,
                )
                if self._create:
                    await self._enter(client)
                self._client = client
        return self._client

    async def _enter(self, client: AsyncClient) -> None:
        try:
            await client.command(f"CREATE DATABASE IF NOT EXISTS {_quoted(self.name)}")
        except BaseException:
            await client.close()
            raise
        client.database = self.name


def statements(script: str) -> list[str]:
    """The statements of a script, each ended by a semicolon at the end of a line."""
    return [statement.strip() for statement in re.split(r";\s*$", script, flags=re.MULTILINE) if statement.strip()]


def _translated(error: Exception) -> Edge302Error:
    code = getattr(error, "code", None)
    if isinstance(error, (DatabaseError, ProgrammingError)) and code and code not in _AWAY:
        return StatementRefused(f"ClickHouse: {error}", code)
    return StoreUnavailable(f"ClickHouse: {error}")


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _scripts(folder: Path) -> list[str]:
    return [script.read_text() for script in sorted(folder.glob("*.sql"))]


_PLAIN_NUMBERS: Final = {
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_escape_forward_slashes": "0",
}
_MIGRATE_SECONDS: Final = 600.0
_MIGRATION_TABLE: Final = """CREATE TABLE IF NOT EXISTS schema_migration (number UInt32, at DateTime DEFAULT now())
    ENGINE = MergeTree ORDER BY number"""
