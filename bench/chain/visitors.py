"""Visitors of every worker, who go on whatever breaks, and note what was answered and what may have been."""

import random
import socket
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Final

from bench.chain.world import Chain
from bench.visibility import Worker
from bench.void import Void

ZIPF: Final = 1.0
RETRY_SECONDS: Final = 0.05


@dataclass
class Answered:
    """What visitors saw.

    Attributes:
        redirects: answered 302, so that each must be counted, by code.
        lost: requests whose connection broke before their reply: they may have been counted.
        wrong: other answers.
    """

    redirects: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    wrong: Counter[int] = field(default_factory=Counter)


class Visitors:
    """Two visitors a worker, from entering the block until it is left; `rate`: requests a second of all of them."""

    def __init__(self, chain: Chain, answered: Answered, rate: int) -> None:
        self._chain = chain
        self._answered = answered
        sockets = [*chain.sockets] * 2
        self._every_seconds = len(sockets) / rate
        self._weights = [1 / (rank + 1) ** ZIPF for rank in range(len(chain.codes))]
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._visit, args=each) for each in enumerate(sockets)]

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, number: int, path: str) -> None:
        chosen = random.Random(number)
        while not self._over.is_set():
            with suppress(OSError), closing(socket.socket(socket.AF_UNIX)) as connection:
                connection.settimeout(30)
                connection.connect(path)
                self._follow(Worker(connection), chosen)
            self._over.wait(RETRY_SECONDS)  # nobody listens there for the moment

    def _follow(self, worker: Worker, chosen: random.Random) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._every_seconds, time.monotonic() - 1)
            (code,) = chosen.choices(self._chain.codes, self._weights)
            try:
                status, _ = worker.answer(code)
            except (OSError, Void):
                with self._lock:
                    self._answered.lost += 1
                return
            with self._lock:
                if status == 302:
                    self._answered.redirects[code] += 1
                else:
                    self._answered.wrong[status] += 1
