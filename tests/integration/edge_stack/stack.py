"""A worker of the edge and a relay as processes, on a real PostgreSQL and a real Redis."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from devstack.postgres import Postgres
from devstack.processes import LOOPBACK, stop
from devstack.redis import Redis
from gateway.counters import read_page
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.links import Added, LinkKey, LinkPatch, NewLink
from shortlink.settings import Settings
from shortlink.stores.opening import postgres_links
from shortlink.stores.postgres import PostgresLinkStore
from tests.integration.node.http import Reply, visit

Answer = TypeVar("Answer")


@dataclass
class Stack:
    """What a test sees of it; links are written as a control plane would."""

    postgres: Postgres
    redis: Redis
    database_url: str
    folder: Path
    prefix: str = field(default_factory=lambda: f"test-{secrets.token_hex(4)}")

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("EDGE302_")}
        return ours | {
            "EDGE302_DATABASE_URL": self.database_url,
            "EDGE302_DATABASE_TIMEOUT_MS": "500",
            "EDGE302_REDIS_URL": self.redis.url(),
            "EDGE302_REDIS_PREFIX": self.prefix,
        }

    def write(self, ask: Callable[[PostgresLinkStore], Awaitable[Answer]]) -> Answer:
        """What a store opened for this says."""

        async def run() -> Answer:
            store = postgres_links(Settings(database_url=self.database_url), SystemClock(), connections=1, migrate=True)
            try:
                await store.open()
                return await ask(store)
            finally:
                await store.close()

        return asyncio.run(run())

    def add(self, code: str, target: str) -> None:
        (added,) = self.write(lambda store: store.add([NewLink(code=code, target=target)]))
        assert isinstance(added, Added)

    def edit(self, code: str, target: str) -> None:
        self.write(lambda store: store.change(LinkKey("", code), LinkPatch({"target": target})))

    @contextmanager
    def relay(self) -> Iterator[None]:
        """A relay, until the block is left."""
        with self._process("relay", [sys.executable, "-m", "shortlink.relay"], {}):
            yield

    @contextmanager
    def worker(self, name: str) -> Iterator["Worker"]:
        """A worker with a data folder of this name, until the block is left."""
        data = DataFolder(self.folder / name)
        data.create()
        listener = socket.create_server((LOOPBACK, 0))
        with listener:
            number = listener.fileno()
            own = {"EDGE302_DATA": str(data.root), "EDGE302_LISTEN_FDS": str(number)}
            with self._process(name, [sys.executable, "-m", "gateway"], own, listener=number):
                yield Worker(listener.getsockname()[1], data)

    @contextmanager
    def _process(self, name: str, command: list[str], own: dict[str, str], listener: int = -1) -> Iterator[None]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self.environment | own,
                stdout=log,
                stderr=log,
                pass_fds=[listener] if listener >= 0 else [],
            )
        with ExitStack() as held:
            held.callback(stop, process)
            yield


@dataclass
class Worker:
    """One worker of the edge, seen from outside."""

    port: int
    data: DataFolder

    def visit(self, code: str) -> Reply:
        return visit(self.port, f"/{code}")

    def target(self, code: str) -> str | None:
        return self.visit(code).header("Location")

    def page(self, name: str) -> int:
        """A number of its counters page; 0: it has none yet."""
        return read_page(self.data.counters_page(0)).get(name, 0)
