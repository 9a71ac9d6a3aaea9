"""Shared caches on a real Redis, under a prefix of the test's own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from shortlink.cache.redis_client import RedisCache

GENERATION: Final = "0123456789abcdef"


class Caches:
    """Makes caches that share a Redis and a prefix."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = f"test-{secrets.token_hex(4)}"

    @asynccontextmanager
    async def open(self, generation: str = GENERATION, timeout_ms: int = 1_000) -> AsyncIterator[RedisCache]:
        cache = RedisCache(self.url, prefix=self.prefix, generation=generation, timeout_ms=timeout_ms)
        await cache.open()
        try:
            await until(lambda: cache.run is not None)
            yield cache
        finally:
            await cache.close()


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Return when it is so. TimeoutError."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 (what is waited for can't tell us)
            await asyncio.sleep(0.01)


async def eventually(ask: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Return when the answer is yes. TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await ask():  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.01)
