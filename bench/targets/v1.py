"""FastAPI + Redis, the v1.0.0 that this project replaces, on uvicorn and with a Redis of its own."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.targets.padding import padded
from bench.targets.redis_links import redis_with
from bench.targets.serving import SERVER_CORE, Serving
from devstack.processes import free_port, listening

NAME: Final = "FastAPI + Redis (v1.0.0)"


@contextmanager
def v1(folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int) -> Iterator[Serving]:
    """One worker and Redis, both on the servers' core."""
    targets = dict(links)
    with redis_with(folder, links) as redis:

        @contextmanager
        def start(padding: str) -> Iterator[Serving]:
            port = free_port()
            module = [sys.executable, "-m", "bench.targets.v1_app", str(port), str(redis.port), padding]
            with listening([*SERVER_CORE, *module], port) as process:
                yield Serving(NAME, process.pid, port, targets.__getitem__, (redis.pid,))

        with padded(start, links[0][0], reply_bytes) as serving:
            yield serving
