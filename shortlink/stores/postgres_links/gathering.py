"""Calls that come while an earlier one is under way, answered as one: there is no tick."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shortlink.errors import StoreUnavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Gathering(Generic[Item, Answer]):
    """Merges concurrent calls of `work`, whose cost is mostly per call.

    A call leaves at once when none is under way; what comes meanwhile leaves together as soon as that one is done.

    Args:
        work: answers many items, in order.
        most: items of one merged call; a single call may bring more.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: list[tuple[Sequence[Item], asyncio.Future[Sequence[Answer]]]] = []
        self._sender: asyncio.Task[None] | None = None

    async def __call__(self, items: Sequence[Item]) -> list[Answer]:
        """The answers to `items`; an error that another call's items cause does not reach this one."""
        answer: asyncio.Future[Sequence[Answer]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, answer))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send())
        return list(await answer)

    async def close(self) -> None:
        """Finish what was asked before."""
        if self._sender is not None:
            await asyncio.gather(self._sender, return_exceptions=True)

    async def _send(self) -> None:
        try:
            while self._waiting:
                await self._answer(self._take())
        finally:
            self._sender = None

    def _take(self) -> "list[tuple[Sequence[Item], asyncio.Future[Sequence[Answer]]]]":
        taken, size = 0, 0
        for items, _ in self._waiting:
            size += len(items)
            if taken and size > self._most:
                break
            taken += 1
        group, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return group

    async def _answer(self, group: "list[tuple[Sequence[Item], asyncio.Future[Sequence[Answer]]]]") -> None:
        try:
            answers = await self._work([item for items, _ in group for item in items])
        except Exception as exc:
            if len(group) == 1 or isinstance(exc, StoreUnavailable):
                for _, answer in group:
                    if not answer.done():
                        answer.set_exception(exc)
                return
            for call in group:
                await self._answer([call])
            return
        start = 0
        for items, answer in group:
            if not answer.done():  # else its caller went away
                answer.set_result(answers[start : start + len(items)])
            start += len(items)
