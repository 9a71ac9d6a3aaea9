"""Clients that take nothing of their reply, over real sockets: they are left, and hold nobody up."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from control_api.app import routed
from control_api.routes.bulk import Bulk
from control_api.serving import serve
from control_api.streaming import Streamed
from tests.integration.control_api.api import Api

PROMPTLY_SECONDS = 10
DRAIN_SECONDS = 600  # who waits for such a client waits for this long
STALLED_SECONDS = 0.05


async def without_end() -> AsyncGenerator[bytes, None]:
    while True:
        yield b"x" * 65_536


async def exports(scope: Scope, receive: Receive, send: Send) -> None:
    await Streamed(without_end(), "text/plain", stalled_seconds=STALLED_SECONDS)(scope, receive, send)


class Bulks:
    """The bulk endpoint of a control plane, and nothing else of it."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = routed(self._api.plane)
        await Bulk(stalled_seconds=STALLED_SECONDS)(scope, receive, send)


@pytest.mark.parametrize("kind", ["export", "bulk"])
def test_stopping_does_not_wait_for_a_client_that_was_cut_off(
    api: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    app = exports if kind == "export" else Bulks(api)
    lines = b'{"url":"https://example.com/"}\n' * 100_000
    head = f"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {api.admin_key}\r\n"
    head += f"Content-Type: application/x-ndjson\r\nContent-Length: {len(lines)}\r\n\r\n"

    async def story() -> None:
        stop = asyncio.Event()
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(serve(app, listener, tmp_path / "api.sock", DRAIN_SECONDS, stop))
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, listener.getsockname())
            sending = asyncio.create_task(loop.sock_sendall(client, head.encode() + lines))
            async with asyncio.timeout(PROMPTLY_SECONDS):
                while "nobody took" not in caplog.text:  # noqa: ASYNC110 - only the log tells
                    await asyncio.sleep(0.005)
                stop.set()
                await serving
            await asyncio.gather(sending, return_exceptions=True)

    with caplog.at_level(logging.WARNING):
        api.run(story())
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.WARNING] == []
