"""The real edge on a store that takes its time: what misses do to hits while every look-up waits.

Run as `python -m bench.targets.slow_edge PORT WAIT_MS`, with the settings of a worker in the environment.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvloop

from bench.filling import write_store
from bench.node import UNTHROTTLED
from bench.targets.serving import SERVER_CORE, Serving
from devstack.processes import free_port, listens, stop, wait_until
from gateway.counters import CountersPage
from gateway.engines import load_engine
from gateway.resolver import MAX_QUERIES
from gateway.server import BACKLOG
from gateway.worker import Inherited, Worker, raise_descriptor_limit
from redirect_core import SpoolWriter
from shortlink import logs, settings
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.links import Link, LinkKey
from shortlink.settings import Settings
from shortlink.stores.sqlite import SqliteLinkStore

_MIB: Final = 1 << 20
_SLOT: Final = 0


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
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), process)
        yield Serving(f"edge302 {engine}", process.pid, port, dict(links).__getitem__)
    finally:
        stop(process)


class SlowStore(SqliteLinkStore):
    """A SQLite store whose answers arrive late, as from a far or busy database."""

    wait_seconds = 0.0

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


async def serve(chosen: Settings, port: int, wait_seconds: float) -> None:
    """A worker's parts as gateway.worker puts them together, but for the store; serves until told to stop."""
    clock, folder = SystemClock(), DataFolder(chosen.data)
    page = CountersPage(folder.counters_page(_SLOT))
    spool = SpoolWriter(str(folder.spool), _SLOT, limit_bytes=chosen.spool_mb * _MIB)
    engine = load_engine(chosen.engine)(chosen, clock, page, spool)
    store = SlowStore(folder.links_db, clock, read_only=True, readers=MAX_QUERIES + 1)
    store.wait_seconds = wait_seconds
    listener = socket.create_server((chosen.host, port), backlog=BACKLOG)
    try:
        inherited = Inherited(_SLOT, [listener.detach()], supervisor=None)
        await Worker(chosen, engine, store, clock, page).run(inherited)
    finally:
        engine.close()
        await store.close()
        page.close()


def main(port: int, wait_ms: float) -> None:
    """Serve until SIGTERM."""
    chosen = settings.load(os.environ)
    logs.setup("slow edge", chosen.log_level)
    raise_descriptor_limit(chosen.max_connections)
    uvloop.run(serve(chosen, port, wait_ms / 1e3))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
