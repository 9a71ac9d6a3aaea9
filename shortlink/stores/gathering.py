"""Calls that come while an earlier one still waits for its turn, answered as one."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from shortlink.errors import StoreCorrupt, StoreUnavailable
from shortlink.stores.sqlite_file import Connection

Item = TypeVar("Item")
Answer = TypeVar("Answer")
T = TypeVar("T")


class _Write(Protocol):
    """SqliteFile.write."""

    async def __call__(self, work: Callable[[Connection], T]) -> T: ...


class Gathering(Generic[Item, Answer]):
    """Merges concurrent calls of `work` into one call, whose cost is mostly per call.

    Args:
        write: runs a function on the writer's thread.
        work: answers many items, in order.
        most: items of one merged call; a single call may bring more.
    """

    def __init__(
        self, write: _Write, work: Callable[[Connection, Sequence[Item]], Sequence[Answer]], most: int
    ) -> None:
        self._write = write
        self._work = work
        self._most = most
        self._group: _Group[Item, Answer] | None = None

    async def __call__(self, items: Sequence[Item]) -> list[Answer]:
        """The answers to `items`; an error that another call's items cause does not reach this one."""
        group = self._group
        start = None if group is None else group.join(items, self._most)
        if group is None or start is None:
            start = 0
            group = self._group = _Group(items, self._work)
            group.answers = asyncio.ensure_future(self._write(group.run))
        try:
            answers = await asyncio.shield(group.answers)
        except (StoreUnavailable, StoreCorrupt):
            raise
        except Exception:
            if group.calls == 1:
                raise
            answers, start = await self._write(lambda connection: self._work(connection, items)), 0
        return list(answers[start : start + len(items)])


class _Group(Generic[Item, Answer]):
    """Calls to be answered together; joined on the loop's thread until the writer's thread begins with it."""

    answers: "asyncio.Future[Sequence[Answer]]"

    def __init__(self, items: Sequence[Item], work: Callable[[Connection, Sequence[Item]], Sequence[Answer]]) -> None:
        self.calls = 1
        self._items = list(items)
        self._work = work
        self._begun = False
        self._lock = threading.Lock()

    def join(self, items: Sequence[Item], most: int) -> int | None:
        """The place of `items` in the group; None: too late, or too many."""
        with self._lock:
            start = len(self._items)
            if self._begun or start + len(items) > most:
                return None
            self._items.extend(items)
            self.calls += 1
            return start

    def run(self, connection: Connection) -> Sequence[Answer]:
        with self._lock:
            self._begun = True
        return self._work(connection, self._items)
