"""How soon a change is seen: from the API's reply until every worker answers by it."""

import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from bench import heads, links
from bench.check import Replies
from bench.figures import percentile
from bench.filling import write_store
from bench.node import Node, node
from bench.void import Void
from devstack.processes import LOOPBACK
from shortlink.datadir import DataFolder

WORKERS: Final = 4
CHANGES: Final = 1_000
GIVE_UP_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.0005
KINDS: Final = ("edit", "delete", "disable", "create after a 404")

Answer = tuple[int, str | None]


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds from the API's reply until the last worker answered by the change."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    changes: int


@dataclass(frozen=True, slots=True)
class Visibility:
    """The result over all changes, and by kind."""

    every: Delays
    by_kind: dict[str, Delays]
    workers: int
    delays_ms: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class _Change:
    """One change: what the edge says before, the request that makes it, and what the edge must say then."""

    kind: str
    code: str
    before: Answer
    method: str
    path: str
    body: dict[str, object] | None
    after: Answer


class Worker:
    """A connection to one worker through its own unix socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._replies = Replies(connection)

    def answer(self, code: str) -> Answer:
        self._connection.sendall(heads.plain(code))
        status, location, _ = self._replies.next()
        return status, location


def measure(folder: Path) -> Visibility:
    """Make 1,000 changes, one after another, and ask each of four workers separately.

    Raises:
        Void: a worker answered wrongly before a change, or had not seen it after five seconds.
    """
    data = DataFolder(folder / "visibility")
    data.create()
    pairs = [(links.code_of(number), links.target_of(number)) for number in range(CHANGES)]
    write_store(data.links_db, pairs)
    uds = folder / "edge.sock"
    with ExitStack() as stack:
        flags = ("--workers", str(WORKERS), "--uds", str(uds))
        plane = stack.enter_context(node("up", data.root, flags=flags))
        workers = [Worker(stack.enter_context(_connect(f"{uds}.{slot}"))) for slot in range(WORKERS)]
        api = HTTPConnection(LOOPBACK, plane.api_port, timeout=30)
        stack.callback(api.close)
        delays: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for change in _changes(pairs):
            delays[change.kind].append(_delay_ms(plane, api, workers, change))
    result = Visibility(
        every=summary([delay for kind in delays.values() for delay in kind]),
        by_kind={kind: summary(values) for kind, values in delays.items()},
        workers=WORKERS,
        delays_ms=delays,
    )
    print(f"changes seen: {result.every}", file=sys.stderr, flush=True)
    return result


def summary(delays_ms: Sequence[float]) -> Delays:
    """Percentiles of delays that were really seen."""
    return Delays(
        p50_ms=percentile(delays_ms, 0.5),
        p99_ms=percentile(delays_ms, 0.99),
        max_ms=max(delays_ms),
        changes=len(delays_ms),
    )


def _changes(pairs: Sequence[tuple[str, str]]) -> Iterator[_Change]:
    """Kinds in turn, each on a link of its own."""
    for number, (code, target) in enumerate(pairs):
        kind, path = KINDS[number % len(KINDS)], f"/api/links/{code}"
        there: Answer = (302, target)
        gone: Answer = (404, None)
        new = f"{target}&edited={number}"
        match kind:
            case "edit":
                yield _Change(kind, code, there, "PATCH", path, {"url": new}, (302, new))
            case "delete":
                yield _Change(kind, code, there, "DELETE", path, None, gone)
            case "disable":
                yield _Change(kind, code, there, "PATCH", path, {"enabled": False}, gone)
            case _:
                alias = f"made-{code}"
                yield _Change(kind, alias, gone, "POST", "/api/shorten", {"url": new, "alias": alias}, (302, new))


def _delay_ms(plane: Node, api: HTTPConnection, workers: Sequence[Worker], change: _Change) -> float:
    for worker in workers:
        if (seen := worker.answer(change.code)) != change.before:
            raise Void(f"/{change.code} was answered {seen} before the {change.kind}, not {change.before}")
    status, problem = plane.ask_on(api, change.method, change.path, change.body)
    replied = time.monotonic()
    if not 200 <= status < 300:
        raise Void(f"{change.method} {change.path} was answered {status}: {problem}")
    waiting = list(workers)
    while waiting := [worker for worker in waiting if worker.answer(change.code) != change.after]:
        if time.monotonic() > replied + GIVE_UP_SECONDS:
            raise Void(f"{len(waiting)} workers have not seen the {change.kind} of /{change.code}")
        time.sleep(POLL_SECONDS)
    return (time.monotonic() - replied) * 1e3


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(path)
    return connection
