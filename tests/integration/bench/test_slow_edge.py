"""The edge on a slow store is the real one: a miss waits for the store, a hit does not."""

import socket
import time
from pathlib import Path

from bench import heads
from bench.check import Replies
from bench.links import code_of, target_of
from bench.targets.slow_edge import slow_edge
from devstack.processes import LOOPBACK

WAIT_MS = 300
LINKS = [(code_of(number), target_of(number)) for number in range(10)]


def test_a_miss_waits_for_the_store_and_a_hit_does_not(tmp_path: Path) -> None:
    with (
        slow_edge(tmp_path, LINKS, "python", WAIT_MS) as server,
        socket.create_connection((LOOPBACK, server.port), timeout=10) as connection,
    ):
        replies = Replies(connection)
        waited_ms = []
        for _ in ("miss", "hit"):
            asked = time.monotonic()
            connection.sendall(heads.plain(LINKS[3][0]))
            assert replies.next()[:2] == (302, LINKS[3][1])
            waited_ms.append((time.monotonic() - asked) * 1e3)
    miss, hit = waited_ms
    assert miss >= WAIT_MS
    assert hit < WAIT_MS
