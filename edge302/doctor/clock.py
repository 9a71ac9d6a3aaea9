"""Does the clock tell a time that can be?"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from edge302.doctor.findings import Finding, fail, ok, warn
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.links import LinkQuery, Order
from shortlink.settings import Settings
from shortlink.stores.opening import postgres_links
from shortlink.stores.sqlite import SqliteLinkStore

if TYPE_CHECKING:
    from shortlink.stores.contract import LinkStore

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
    newest_ms = asyncio.run(_newest_change_ms(settings, clock))
    if newest_ms > now_ms + _TOLERATED_MS:
        behind = f"{(newest_ms - now_ms) / 1000:,.0f} s behind the newest change in the store"
        # Versions go on from there all the same; what is wrong are times, of links and of clicks.
        yield warn("clock", f"{now:%Y-%m-%d %H:%M} UTC, {behind}", _SET_IT)
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")


async def _newest_change_ms(settings: Settings, clock: Clock) -> int:
    """When the link that was changed last was, by its version; 0: there are no links."""
    store: LinkStore
    if settings.database_url is not None:
        store = postgres_links(settings, clock, connections=1)
    elif not (path := DataFolder(settings.data).links_db).exists():
        return 0
    else:
        store = SqliteLinkStore(path, clock, read_only=True)
    await store.open()
    try:
        page = await store.list(LinkQuery(order=Order.UPDATED, limit=1))
    finally:
        await store.close()
    return max((link.version >> _VERSION_SHIFT for link in page.links), default=0)
