"""Visits to codes that no link has, from the files that workers leave into the store."""

import asyncio
import logging
from collections import Counter
from pathlib import Path
from typing import Final

from clicks.stores.contract import ClickStore
from shortlink import orphans
from shortlink.links import LinkKey

_log: Final = logging.getLogger(__name__)


async def collect(folder: Path, store: ClickStore) -> None:
    """Add what lies in `folder` to the store, file by file, and delete what is added.

    Killed between the two, it adds one file's visits again the next time: they are a hint to who looks for wrong
    links, not clicks. A file that can't be understood, as a power cut may leave one, is deleted unread.

    Raises:
        StoreUnavailable, OSError: what is not added stays where it is; call again.
    """
    for path in await asyncio.to_thread(orphans.files, folder):
        try:
            found = await asyncio.to_thread(orphans.read, path)
        except ValueError as exc:
            _log.warning("%s can't be read and is deleted: %s", path, exc)
        else:
            visits: Counter[LinkKey] = Counter()
            for domain, code, clicks in found.visits:
                visits[LinkKey(domain, code)] += clicks
            await store.add_orphans(visits, found.at_ms)
        await asyncio.to_thread(path.unlink)
