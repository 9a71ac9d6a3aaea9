"""What a connection costs that only waits: RssAnon of a worker with ten thousand of them."""

import resource
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import heads, links
from bench.check import Replies
from bench.filling import write_store
from bench.node import node
from bench.targets.serving import SERVER_CORE
from bench.void import Void
from bench.worker import Worker
from devstack.processes import LOOPBACK
from shortlink.datadir import DataFolder

CONNECTIONS: Final = 10_000
CLIENTS: Final = 8  # addresses: one has not enough ports for many runs in a row
# A first connection takes what many have in common.
_WARM_UP: Final = 100
_OWN_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class Idle:
    """The result for one engine."""

    engine: str
    connections: int
    bytes_a_connection: float


def measure(folder: Path, engine: str) -> Idle:
    """Open connections, get one redirect on each, and look at the worker while all are idle.

    Raises:
        Void: a reply was wrong, or the worker closed some of the connections.
    """
    _allow_files(CONNECTIONS + _WARM_UP + _OWN_FILES)
    data = DataFolder(folder / "node")
    data.create()
    write_store(data.links_db, [(links.code_of(0), links.target_of(0))])
    worker, settings = Worker(data), {"EDGE302_MAX_CONNECTIONS_PER_CLIENT": "0"}
    flags = ("--workers", "1", "--engine", engine)
    with node("up", data.root, flags=flags, settings=settings, prefix=SERVER_CORE) as running, ExitStack() as stack:
        for number in range(_WARM_UP):
            stack.enter_context(_served(running.port, number))
        worker.fresh_counters()
        before = worker.anonymous_bytes
        for number in range(CONNECTIONS):
            stack.enter_context(_served(running.port, number))
        still_open = worker.fresh_counters()["connections"]
        if still_open != CONNECTIONS + _WARM_UP:
            raise Void(f"{CONNECTIONS + _WARM_UP} connections were opened, {still_open} are open")
        more = worker.anonymous_bytes - before
    return Idle(engine, CONNECTIONS, more / CONNECTIONS)


def _served(port: int, number: int) -> socket.socket:
    """A connection that has had one redirect."""
    client = (f"127.0.0.{2 + number % CLIENTS}", 0)
    connection = socket.create_connection((LOOPBACK, port), timeout=30, source_address=client)
    connection.sendall(heads.plain(links.code_of(0)))
    status, location, _ = Replies(connection).next()
    if (status, location) != (302, links.target_of(0)):
        raise Void(f"a new connection was answered {status} to {location}")
    return connection


def _allow_files(count: int) -> None:
    """Void: the system allows fewer open files."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count:
        raise Void(f"{count} open files are needed, {most} are allowed (ulimit -Hn)")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))
