"""FastAPI + Redis on uvicorn: the v1.0.0 that this project replaces, or only its look-up; with a Redis of its own."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from bench.targets.padding import padded
from bench.targets.redis_links import redis_with
from bench.targets.serving import SERVER_CORE, Serving
from devstack.processes import free_port, listening

NAME: Final = "FastAPI + Redis (v1.0.0)"
ONE_GET: Final = "FastAPI, one GET each"


def v1(folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int) -> AbstractContextManager[Serving]:
    """Each request reads its link and counts its click, in one round trip."""
    return _v1(NAME, folder, links, reply_bytes, "on")


def one_get(folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int) -> AbstractContextManager[Serving]:
    """Each request reads its link, and counts nothing."""
    return _v1(ONE_GET, folder, links, reply_bytes, "off")


@contextmanager
def _v1(name: str, folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int, clicks: str) -> Iterator[Serving]:
    """One worker and Redis, both on the servers' core."""
    targets = dict(links)
    with redis_with(folder, links) as redis:

        @contextmanager
        def start(padding: str) -> Iterator[Serving]:
            port = free_port()
            module = [sys.executable, "-m", "bench.targets.v1_app", str(port), str(redis.port), padding, clicks]
            with listening([*SERVER_CORE, *module], port) as process:
                yield Serving(name, process.pid, port, targets.__getitem__, (redis.pid,))

        with padded(start, links[0][0], reply_bytes) as serving:
            yield serving
