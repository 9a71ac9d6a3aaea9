"""A real Redis as a foreground child on loopback, with everything in memory and nothing saved."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.processes import LOOPBACK, free_port, listens, stop, wait_until
from devstack.services import find


@dataclass(frozen=True, slots=True)
class Redis:
    """A running Redis. `port`: on loopback."""

    pid: int
    port: int


def installed() -> bool:
    """False: tests that need Redis say so and skip."""
    return find("redis-server") is not None


@contextmanager
def redis(folder: Path, *, prefix: Sequence[str] = ()) -> Iterator[Redis]:
    """Run Redis until the block is left.

    Args:
        folder: where its log goes.
        prefix: what to start it with, such as ("taskset", "-c", "0").

    Raises:
        NotReady: it did not come up; the text shows its log.
    """
    command = find("redis-server")
    assert command is not None, "ask installed() first"
    port, log = free_port(), folder / "redis.log"
    settings = ["--bind", LOOPBACK, "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, command, *settings], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: listens(port), process, log=log)
        yield Redis(process.pid, port)
    finally:
        stop(process)
