"""Links as the describing of clicks asks for them: opened when the first click is described, not before."""

from collections.abc import Mapping, Sequence
from typing import Final

from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.links import Link, LinkKey
from shortlink.settings import Settings
from shortlink.stores.contract import LinkStore
from shortlink.stores.opening import postgres_links
from shortlink.stores.sqlite import SqliteLinkStore

CONNECTIONS: Final = 1


class LinksWhenAsked:
    """A LinkStore that holds up nothing but events while it is away: counts need no links."""

    def __init__(self, store: LinkStore) -> None:
        self._store = store
        self._opened = False

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]:
        """As LinkStore's. StoreUnavailable: it can't be opened or asked; call again."""
        if not self._opened:
            await self._store.open()
            self._opened = True
        return await self._store.get(keys)

    async def close(self) -> None:
        """Let go of the store; may be called twice."""
        await self._store.close()


def links_to_describe(settings: Settings, folder: DataFolder, clock: Clock) -> LinksWhenAsked:
    """The links that the settings name, for reading alone."""
    if settings.database_url is None:
        return LinksWhenAsked(SqliteLinkStore(folder.links_db, clock, read_only=True, readers=1))
    return LinksWhenAsked(postgres_links(settings, clock, connections=CONNECTIONS, from_replicas=True))
