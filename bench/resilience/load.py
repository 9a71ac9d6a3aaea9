"""Visitors and an editor, who go on whatever breaks, and note what they were answered."""

import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Final

from bench.node import Node
from bench.resilience.world import World, target_of
from bench.visibility import Worker
from bench.void import Void

EDIT_EVERY_SECONDS: Final = 0.1
GIVE_UP_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.002
WARM, COLD, UNKNOWN, EDITED = "warm", "cold", "unknown", "edited"
# Of ten requests.
MIX: Final = (WARM, WARM, COLD, WARM, WARM, WARM, COLD, WARM, UNKNOWN, WARM)


@dataclass
class Notes:
    """What visitors were answered.

    Attributes:
        statuses: replies by kind of request and status; 0: the connection broke.
        times_ms: how long replies took, by kind.
        wrong: what should not have been answered.
        redirects: answered, so that they must be counted.
        lost: requests that may have been answered and counted, but whose reply did not arrive.
        delays_ms: from an edit's reply until the last worker answered by it.
        edits_refused: edits that the API could not take.
    """

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    times_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    redirects: int = 0
    lost: int = 0
    delays_ms: list[float] = field(default_factory=list)
    edits_refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, status: int, ms: float) -> None:
        """One reply, or what came instead."""
        with self.lock:
            self.statuses[kind, status] += 1
            if status:
                self.times_ms[kind].append(ms)
            self.redirects += status == 302
            self.lost += status == 0


class Load:
    """One visitor a worker, each at its share of a rate, and one editor; from entering the block until it is left."""

    def __init__(self, world: World, notes: Notes, *, warm: Sequence[str], cold: Sequence[str], rate: int) -> None:
        """`warm`: links asked for again and again; `cold`: once a worker, as far as the time goes; `rate`: a second."""
        self._world = world
        self._notes = notes
        self._warm = warm
        self._cold = cold
        self._every_seconds = len(world.sockets) / rate
        self._over = threading.Event()
        visitors = [threading.Thread(target=self._visit, args=(worker,)) for worker in range(len(world.sockets))]
        self._threads = [*visitors, threading.Thread(target=self._edit)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, worker: int) -> None:
        requests = self._requests(worker)
        while not self._over.is_set():
            with suppress(OSError), closing(self._world.connect(worker)) as connection:
                visitor, due = Worker(connection), time.monotonic()
                for kind, code in requests:
                    if self._over.wait(max(0.0, due - time.monotonic())):
                        return
                    due = max(due + self._every_seconds, time.monotonic() - 1)
                    if not self._ask(visitor, kind, code):
                        break
            self._over.wait(0.05)  # nobody listens there for the moment

    def _requests(self, worker: int) -> Iterator[tuple[str, str]]:
        warm, cold = itertools.cycle(self._warm), iter(self._cold)
        for number, kind in enumerate(itertools.cycle(MIX)):
            if kind == COLD and (code := next(cold, None)) is not None:
                yield kind, code
            elif kind == UNKNOWN:
                yield kind, f"nobody-{worker}-{number}"
            else:
                yield WARM, next(warm)

    def _ask(self, visitor: Worker, kind: str, code: str) -> bool:
        """False: the connection broke."""
        begun = time.monotonic()
        try:
            status, location = visitor.answer(code)
        except (OSError, Void):
            self._notes.note(kind, 0, 0.0)
            return False
        self._notes.note(kind, status, (time.monotonic() - begun) * 1e3)
        if status == 302 and not (location or "").startswith(f"https://example.com/{code}/"):
            self._notes.wrong.append(f"/{code} led to {location}")
        return True

    def _edit(self) -> None:
        """Edit one link after another, each on the next control plane, and see when every worker has it."""
        for number in itertools.count(1):
            if self._over.wait(EDIT_EVERY_SECONDS):
                return
            code = self._warm[number % len(self._warm)]
            plane = self._world.nodes[number % len(self._world.nodes)]
            self._edit_one(plane, code, target_of(code, number))

    def _edit_one(self, plane: Node, code: str, target: str) -> None:
        try:
            status, _ = plane.ask("PATCH", f"/api/links/{code}", {"url": target})
        except (OSError, HTTPException):
            status = 0
        if status != 200:
            self._notes.edits_refused += 1
            return
        replied = time.monotonic()
        delay = self._seen(code, target, replied)
        if self._over.is_set():
            return  # it may be that nobody waited for the last workers
        if delay is None:
            self._notes.wrong.append(f"the edit of /{code} was not seen everywhere in {GIVE_UP_SECONDS:.0f} s")
        else:
            self._notes.delays_ms.append(delay)

    def _seen(self, code: str, target: str, since: float) -> float | None:
        """Ms until every worker answered by the edit; None: one never did. A worker that is gone is left out."""
        for worker in range(len(self._world.sockets)):
            with suppress(OSError, Void), closing(self._world.connect(worker)) as connection:
                asking = Worker(connection)
                while not self._over.is_set():
                    begun = time.monotonic()
                    status, location = asking.answer(code)
                    self._notes.note(EDITED, status, (time.monotonic() - begun) * 1e3)
                    if (status, location) == (302, target):
                        break
                    if time.monotonic() > since + GIVE_UP_SECONDS:
                        return None
                    time.sleep(POLL_SECONDS)
        return (time.monotonic() - since) * 1e3
