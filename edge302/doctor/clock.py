"""Does the clock tell a time that can be?"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from edge302.doctor.findings import Finding, fail, ok, warn
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.links import LinkQuery, Order
from shortlink.settings import Settings
from shortlink.stores.sqlite import SqliteLinkStore

_YEARS: Final = range(2025, 2100)
_TOLERATED_MS: Final = 1_000
_VERSION_SHIFT: Final = 16  # a link's version is ms << 16
_SET_IT: Final = "set the clock, and keep it by NTP (chrony, systemd-timesyncd)"


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """The clock's findings."""
    now_ms = clock.now_ms()
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if now.year not in _YEARS:
        yield fail("clock", f"it says {now:%Y-%m-%d %H:%M} UTC", _SET_IT)
        return
    newest_ms = asyncio.run(_newest_change_ms(DataFolder(settings.data), clock))
    if newest_ms > now_ms + _TOLERATED_MS:
        behind = f"{(newest_ms - now_ms) / 1000:,.0f} s behind the newest change in the store"
        # Versions go on from there all the same; what is wrong are times, of links and of clicks.
        yield warn("clock", f"{now:%Y-%m-%d %H:%M} UTC, {behind}", _SET_IT)
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")


async def _newest_change_ms(folder: DataFolder, clock: Clock) -> int:
    """When the link that was changed last was, by its version; 0: there are no links."""
    if not folder.links_db.exists():
        return 0
    store = SqliteLinkStore(folder.links_db, clock, read_only=True)
    await store.open()
    try:
        page = await store.list(LinkQuery(order=Order.UPDATED, limit=1))
    finally:
        await store.close()
    return max((link.version >> _VERSION_SHIFT for link in page.links), default=0)
