"""Data folders with real stores in them, written and read without a node."""

import asyncio
from typing import Any

from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.links import LinkFields, LinkQuery, NewLink
from shortlink.stores.sqlite import SqliteLinkStore


def links(folder: DataFolder) -> dict[str, dict[str, Any]]:
    """What their owners decided about all links in a folder, by code."""

    async def read() -> dict[str, dict[str, Any]]:
        store = SqliteLinkStore(folder.links_db, SystemClock(), read_only=True)
        await store.open()
        found: dict[str, dict[str, Any]] = {}
        query = LinkQuery(limit=500)
        while True:
            page = await store.list(query)
            for link in page.links:
                found[link.code] = {name: getattr(link, name) for name in LinkFields.__struct_fields__}
            if page.next_cursor is None:
                await store.close()
                return found
            query = LinkQuery(limit=500, cursor=page.next_cursor)

    return asyncio.run(read())


def codes(folder: DataFolder) -> set[str]:
    """The codes of all links in a folder."""
    return set(links(folder))


def add(folder: DataFolder, *aliases: str) -> None:
    """Store links in a folder, which is made if it is missing."""

    async def write() -> None:
        folder.create()
        store = SqliteLinkStore(folder.links_db, SystemClock())
        await store.open()
        await store.add([NewLink(code=alias, target="https://example.com/") for alias in aliases])
        await store.close()

    asyncio.run(write())


def generation(folder: DataFolder) -> str:
    """What caches of the folder's links are marked with."""

    async def read() -> str:
        store = SqliteLinkStore(folder.links_db, SystemClock(), read_only=True)
        await store.open()
        found = await store.generation()
        await store.close()
        return found

    return asyncio.run(read())
