"""How soon a node is there: from starting `edge302 up` to its first redirect."""

import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import heads, links
from bench.check import Replies
from bench.figures import Figure, figure
from bench.filling import write_store
from bench.node import started
from bench.void import Void
from devstack.processes import LOOPBACK, wait_until
from shortlink.datadir import DataFolder

STARTS: Final = 5
LINKS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Startup:
    """The result for one engine, in seconds."""

    engine: str
    seconds: Figure
    all_seconds: list[float]


def measure(folder: Path, engine: str) -> Startup:
    """Start a node five times on a store with links; not pinned, as its users start it.

    Raises:
        Void: the first answer was wrong.
    """
    data = DataFolder(folder / "node")
    data.create()
    write_store(data.links_db, [(links.code_of(number), links.target_of(number)) for number in range(LINKS)])
    taken = [_seconds(data.root, engine, number) for number in range(STARTS)]
    return Startup(engine, figure(taken), taken)


def _seconds(root: Path, engine: str, number: int) -> float:
    begun = time.monotonic()
    with started("up", root, flags=("--workers", "1", "--engine", engine)) as one:
        answers = list[tuple[int, str | None]]()
        wait_until(lambda: _answered(one.port, number, answers), one.process, log=one.log)
        taken = time.monotonic() - begun
    if answers != [(302, links.target_of(number))]:
        raise Void(f"the first answer after a start was {answers}")
    return taken


def _answered(port: int, number: int, answers: list[tuple[int, str | None]]) -> bool:
    """Ask once; True: there was an answer. The supervisor listens before its worker does: that is waited for."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=30) as connection:
            connection.sendall(heads.plain(links.code_of(number)))
            status, location, _ = Replies(connection).next()
    except (ConnectionError, TimeoutError):
        return False
    answers.append((status, location))
    return True
