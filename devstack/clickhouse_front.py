"""A test helper's front: as much of ClickHouse's HTTP interface as a client of it needs, over chdb in this process.

The engine is ClickHouse's own, current one, and so is its SQL; the front is not ClickHouse's server. Users, passwords,
compression, sessions and progress are ignored.
"""

import argparse
import asyncio
import json
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import chdb
from aiohttp import web
from chdb.state.sqlitelike import Connection

from devstack.processes import LOOPBACK

THREADS: Final = 8  # queries under way at once
MAX_BODY_BYTES: Final = 1 << 30
DEFAULT_FORMAT: Final = "TabSeparated"
# Parameters that are the interface's own; every other is a setting of the query.
NO_SETTINGS: Final = {
    *("query", "database", "default_format", "user", "password", "query_id", "quota_key", "role", "buffer_size"),
    *("session_id", "session_timeout", "session_check", "wait_end_of_query", "client_protocol_version"),
    *("compress", "decompress", "enable_http_compression"),
    *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
}
_ERROR_CODE: Final = re.compile(r"Code: (\d+)")
_FORMAT: Final = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)


class Asked(NamedTuple):
    """A query, and what is to be in force while it runs."""

    sql: bytes
    database: str
    default_format: str
    parameters: Mapping[str, str]
    settings: Mapping[str, str]


class Answer(NamedTuple):
    """What a query gave, and how many rows and bytes it read and wrote."""

    body: bytes
    summary: Mapping[str, int]


class Engine:
    """chdb over one folder. Of several processes only one may have it open."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._held = chdb.connect(self._folder)  # the engine ends with its last connection
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(THREADS)

    async def run(self, asked: Asked) -> Answer:
        """ChdbError: it was refused, in ClickHouse's words."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, asked)

    def _run(self, asked: Asked) -> Answer:
        connection = self._connection()
        connection.query(f"USE {_identifier(asked.database)}")
        with ExitStack() as undo:
            for name, value in asked.settings.items():
                connection.query(f"SET {_identifier(name)} = {_text(value)}")
                undo.callback(connection.query, f"SET {_identifier(name)} = DEFAULT")
            # Bytes go as they are, whether or not they are UTF-8.
            result = connection.query(asked.sql, asked.default_format, params=dict(asked.parameters))  # type: ignore[arg-type]
        summary = {
            "read_rows": result.storage_rows_read(),
            "read_bytes": result.storage_bytes_read(),
            "written_rows": result.rows_written(),
            "written_bytes": result.bytes_written(),
        }
        return Answer(bytes(result.bytes()), summary)

    def _connection(self) -> Connection:
        """One a thread: settings are a connection's."""
        connection: Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = chdb.connect(self._folder)
        return connection


def application(engine: Engine) -> web.Application:
    """What answers `GET /ping` and queries by `GET /` and `POST /`."""

    async def ping(_request: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def query(request: web.Request) -> web.Response:
        asked = await _asked(request)
        try:
            return _reply(asked, await engine.run(asked))
        except chdb.ChdbError as error:
            return _refusal(str(error))

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes([web.get("/ping", ping), web.get("/", query), web.post("/", query)])
    return app


async def _asked(request: web.Request) -> Asked:
    """The statement is the parameter `query` with the body behind it, or a field of a form, as ClickHouse has it."""
    given = dict(request.query)
    if request.content_type == "multipart/form-data":
        given |= {name: str(value) for name, value in (await request.post()).items()}
        body = b""
    else:
        body = await request.read()
    statement = given.get("query", "").encode()
    return Asked(
        statement + b"\n" + body if statement and body else statement or body,
        str(given.get("database") or request.headers.get("X-ClickHouse-Database") or "default"),
        str(given.get("default_format") or request.headers.get("X-ClickHouse-Format") or DEFAULT_FORMAT),
        {name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")},
        {name: value for name, value in given.items() if name not in NO_SETTINGS and not name.startswith("param_")},
    )


def _reply(asked: Asked, answer: Answer) -> web.Response:
    named = _FORMAT.search(asked.sql[-200:])
    headers = {
        "X-ClickHouse-Summary": json.dumps({name: str(number) for name, number in answer.summary.items()}),
        "X-ClickHouse-Format": named[1].decode() if named else asked.default_format,
        "X-ClickHouse-Timezone": "UTC",
    }
    return web.Response(body=answer.body, headers=headers)


def _refusal(text: str) -> web.Response:
    code = _ERROR_CODE.search(text)
    return web.Response(status=500, text=text, headers={"X-ClickHouse-Exception-Code": code[1] if code else "0"})


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def main() -> None:
    """Serve one folder until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    engine = Engine(given.folder)  # before it listens: who is connected is answered
    web.run_app(application(engine), host=LOOPBACK, port=given.port, print=lambda _: None, access_log=None)


if __name__ == "__main__":
    main()
