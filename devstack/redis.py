"""A real Redis as a foreground child on loopback, with everything in memory and nothing saved."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devstack.processes import LOOPBACK, Server, free_port
from devstack.services import find


class Redis(Server):
    """A running Redis; started again it knows nothing of before."""

    def __init__(self, folder: Path, *, settings: Sequence[str] = (), prefix: Sequence[str] = ()) -> None:
        command = find("redis-server")
        assert command is not None, "ask installed() first"
        port = free_port()
        own = ["--bind", LOOPBACK, "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
        super().__init__([*prefix, command, *own, *settings], port, log=folder / "redis.log")

    def url(self, database: int = 0) -> str:
        """Where clients find it."""
        return f"redis://{LOOPBACK}:{self.port}/{database}"


def installed() -> bool:
    """False: tests that need Redis say so and skip."""
    return find("redis-server") is not None


@contextmanager
def redis(folder: Path, *, settings: Sequence[str] = (), prefix: Sequence[str] = ()) -> Iterator[Redis]:
    """Run Redis until the block is left.

    Args:
        folder: where its log goes.
        settings: further ones, such as ("--maxmemory", "64mb").
        prefix: what to start it with, such as ("taskset", "-c", "0").

    Raises:
        NotReady: it did not come up; the text shows its log.
    """
    server = Redis(folder, settings=settings, prefix=prefix)
    server.start()
    try:
        yield server
    finally:
        server.stop()
