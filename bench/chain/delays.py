"""How soon a click is in the statistics that come from ClickHouse, when there is little to do."""

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from bench.chain.world import Chain, chain
from bench.visibility import Delays, Worker, summary
from bench.void import Void
from devstack.processes import LOOPBACK

EVERY_SECONDS: Final = 0.1
POLL_SECONDS: Final = 0.02
GIVE_UP_SECONDS: Final = 30.0


def delays(folder: Path) -> Delays:
    """Follow each of some links once, ten a second, and ask which are in the statistics. Void: one never was."""
    with chain(folder) as everything:
        first, *others = everything.codes
        _followed_and_seen(everything, [first])  # all of it has been done once
        return summary(_followed_and_seen(everything, others))


def _followed_and_seen(everything: Chain, codes: Sequence[str]) -> list[float]:
    """Ms from each link's redirect until the API told of its click."""
    clicked: dict[str, float] = {}
    visitor = threading.Thread(target=_follow, args=(everything.sockets[0], codes, clicked))
    visitor.start()
    try:
        seen = _seen(everything, codes)
    finally:
        visitor.join()
    return [(seen[code] - clicked[code]) * 1e3 for code in codes]


def _follow(path: str, codes: Sequence[str], clicked: dict[str, float]) -> None:
    """Note when each link's redirect was read."""
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(path)
        visitor = Worker(connection)
        for code in codes:
            visitor.answer(code)
            clicked[code] = time.monotonic()
            time.sleep(EVERY_SECONDS)


def _seen(everything: Chain, codes: Sequence[str]) -> dict[str, float]:
    """When each link was in the statistics first."""
    seen: dict[str, float] = {}
    deadline = time.monotonic() + len(codes) * EVERY_SECONDS + GIVE_UP_SECONDS
    with closing(HTTPConnection(LOOPBACK, everything.node.api_port, timeout=30)) as api:
        while missing := set(codes) - seen.keys():
            status, top = everything.node.ask_on(api, "GET", "/api/stats/top/code?period=24h&limit=1000")
            if status != 200 or time.monotonic() > deadline:
                raise Void(f"the statistics were answered {status}, and {len(missing)} clicks are not in them: {top}")
            told = {one["value"].removeprefix("/") for one in top["values"]}
            seen |= dict.fromkeys(missing & told, time.monotonic())
            time.sleep(POLL_SECONDS)
    return seen
