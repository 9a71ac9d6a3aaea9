"""A Redis that holds the links of a service, one key a link; and under which names."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from redis import Redis as Client

from bench.targets.serving import SERVER_CORE
from devstack.processes import LOOPBACK
from devstack.redis import Redis, redis

LINK: Final = "link:"  # and the code: its target
CLICKS: Final = "clicks:"  # and the code: how often it was asked for
CHUNK: Final = 1_000


@contextmanager
def redis_with(folder: Path, links: Sequence[tuple[str, str]]) -> Iterator[Redis]:
    """Run Redis on the servers' core until the block is left, with these (code, target) pairs in it."""
    with redis(folder, prefix=SERVER_CORE) as server:
        with Client(host=LOOPBACK, port=server.port) as client:
            remaining = iter(links)
            while chunk := dict(itertools.islice(remaining, CHUNK)):
                client.mset({LINK + code: target for code, target in chunk.items()})
        yield server
