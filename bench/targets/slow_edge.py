"""The real edge on a store that takes its time: what misses do to hits while every look-up waits.

Run as `python -m bench.targets.slow_edge PORT WAIT_MS`, with the settings of a worker in the environment.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench.filling import write_store
from bench.node import UNTHROTTLED
from bench.targets.serving import SERVER_CORE, Serving
from devstack.processes import free_port, listening
from gateway.resolver import MAX_QUERIES
from gateway.server import BACKLOG
from gateway.worker import Inherited, raise_descriptor_limit, serve
from shortlink import logs, settings
from shortlink.clock import Clock, SystemClock
from shortlink.datadir import DataFolder
from shortlink.links import Link, LinkKey
from shortlink.settings import Settings
from shortlink.stores.sqlite import SqliteLinkStore


@contextmanager
def slow_edge(folder: Path, links: Sequence[tuple[str, str]], engine: str, wait_ms: int) -> Iterator[Serving]:
    """One worker without the rest of a node, on the servers' core."""
    data, port = DataFolder(folder / f"slow-{engine}"), free_port()
    data.create()
    write_store(data.links_db, links)
    asyncio.run(_make_salts(data.links_db))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EDGE302_")}
    environment |= UNTHROTTLED | {"EDGE302_DATA": str(data.root), "EDGE302_ENGINE": engine}
    command = [*SERVER_CORE, sys.executable, "-m", "bench.targets.slow_edge", str(port), str(wait_ms)]
    with listening(command, port, environment=environment) as process:
        yield Serving(f"edge302 {engine}", process.pid, port, dict(links).__getitem__)


class SlowStore(SqliteLinkStore):
    """A SQLite store whose answers arrive late, as from a far or busy database."""

    def __init__(self, wait_seconds: float, path: Path, clock: Clock) -> None:
        super().__init__(path, clock, read_only=True, readers=MAX_QUERIES + 1)
        self.wait_seconds = wait_seconds

    async def get(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        """What the store has, after a while."""
        await asyncio.sleep(self.wait_seconds)
        return await super().get(keys)


async def _make_salts(links_db: Path) -> None:
    """What the control plane does on a whole node: without salts visitors are not told apart."""
    clock = SystemClock()
    store = SqliteLinkStore(links_db, clock)
    await store.open()
    await store.rotate_salts(clock.now_ms())
    await store.close()


def main(port: int, wait_ms: float) -> None:
    """Serve until SIGTERM."""
    chosen = settings.load(os.environ)
    logs.setup("slow edge", chosen.log_level)
    raise_descriptor_limit(chosen.max_connections)
    listener = socket.create_server((chosen.host, port), backlog=BACKLOG)
    inherited = Inherited(slot=0, listeners=[listener.detach()], supervisor=None)

    def slow_store(_: Settings, folder: DataFolder, clock: Clock) -> SlowStore:
        return SlowStore(wait_ms / 1e3, folder.links_db, clock)

    uvloop.run(serve(chosen, inherited, SystemClock(), slow_store))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
