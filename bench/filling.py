"""A store full of links, made before a server starts on it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shortlink.clock import SystemClock
from shortlink.links import Added, NewLink
from shortlink.stores.sqlite import SqliteLinkStore

CHUNK: Final = 2_000  # what the store takes in one statement


def write_store(path: Path, links: Sequence[tuple[str, str]]) -> None:
    """Put (code, target) pairs into a new SQLite store.

    In the order of codes, which is the table's own: a million links then take a quarter of a minute, not a whole one.
    """
    asyncio.run(_write_store(path, sorted(links)))


async def _write_store(path: Path, links: Sequence[tuple[str, str]]) -> None:
    store = SqliteLinkStore(path, SystemClock())
    await store.open()
    try:
        for start in range(0, len(links), CHUNK):
            chunk = [NewLink(code=code, target=target) for code, target in links[start : start + CHUNK]]
            answers = await store.add(chunk)
            assert all(isinstance(answer, Added) for answer in answers)
    finally:
        await store.close()
