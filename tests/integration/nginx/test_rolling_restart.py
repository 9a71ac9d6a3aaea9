"""Two nodes behind nginx are restarted one after the other under load, and no request fails."""

import asyncio
import json
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devstack.processes import free_port
from tests.acceptance.node import Node, wait_until
from tests.integration.nginx.front import Front, front

TARGET = "https://example.com/rolling"
READERS, WRITERS = 16, 4
ROUNDS = 2

pytestmark = pytest.mark.slow


class Load:
    """Clients of nginx on kept connections, in a thread of their own. Each asks again as soon as it is answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._clients: list[tuple[bytes, str]] = []
        self.seen: Counter[str] = Counter()

    def add(self, clients: int, kind: str, request: bytes) -> None:
        """Let so many clients send this. What they see is counted as `kind status`."""
        self._clients += [(request, kind)] * clients

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(request, kind) for request, kind in self._clients))

    async def _client(self, request: bytes, kind: str) -> None:
        while not self._stopping.is_set():
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                closing = False
                while not (self._stopping.is_set() or closing):
                    writer.write(request)
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = next(
                        int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                    )
                    await reader.readexactly(length)
                    self.seen[f"{kind} {head[9:12].decode()}"] += 1
                    closing = b"\r\nConnection: close" in head
            except (asyncio.IncompleteReadError, ConnectionError) as exc:
                self.seen[f"{kind} {type(exc).__name__}"] += 1
            finally:
                writer.close()


class Site:
    """Two nodes with the same links and keys, and nginx in front."""

    def __init__(self, folder: Path, held: ExitStack) -> None:
        first = self._node(folder, "a")
        with first:
            self.code, self.key = first.shorten(TARGET), first.key
            assert first.stop() == 0
        shutil.copytree(folder / "a", folder / "b")
        self.nodes = [held.enter_context(first), held.enter_context(self._node(folder, "b"))]
        variables = {
            "NGINX_GATEWAYS": f"unix:{folder}/a.sock.0,unix:{folder}/b.sock.0",
            "NGINX_CONTROLS": ",".join(f"127.0.0.1:{node.api_port}" for node in self.nodes),
            "NGINX_CREATES_PER_SECOND": "100000",
            "NGINX_CREATES_BURST": "100000",
        }
        self.front: Front = held.enter_context(front(folder / "front", **variables))

    def _node(self, folder: Path, name: str) -> Node:
        port = str(free_port())
        return Node(folder / name, "--workers", "1", "--uds", f"{folder}/{name}.sock", "--api-port", port)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as held:
        yield Site(tmp_path_factory.mktemp("rolling"), held)


def test_no_request_fails_while_one_node_after_the_other_is_restarted(site: Site) -> None:
    body = json.dumps({"url": TARGET})
    load = Load(site.front.port)
    load.add(READERS, "GET", f"GET /{site.code} HTTP/1.1\r\nHost: go.example\r\n\r\n".encode())
    load.add(
        WRITERS,
        "POST",
        f"POST /api/shorten HTTP/1.1\r\nHost: go.example\r\nAuthorization: Bearer {site.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode(),
    )
    with load:
        for node in site.nodes * ROUNDS:
            before = Counter(load.seen)
            assert node.stop() == 0
            node.start()
            wait_until(lambda before=before: (load.seen - before)["GET 302"] > 1_000, 10.0)  # type: ignore[misc]
    assert set(load.seen) == {"GET 302", "POST 201"}, load.seen


def test_no_request_fails_while_workers_of_a_running_node_are_replaced(site: Site) -> None:
    load = Load(site.front.port)
    load.add(READERS, "GET", f"GET /{site.code} HTTP/1.1\r\nHost: go.example\r\n\r\n".encode())
    with load:
        for node in site.nodes * ROUNDS:
            (worker,) = node.pids("gateway")
            os.kill(worker, signal.SIGTERM)
            wait_until(lambda node=node, worker=worker: node.pids("gateway") not in ([], [worker]), 10.0)  # type: ignore[misc]
    assert set(load.seen) == {"GET 302"}, load.seen
