"""The store of clicks that the settings name."""

from clicks.stores.contract import ClickStore
from clicks.stores.sqlite import SqliteClickStore
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.settings import Settings
from shortlink.stores.opening import postgres_database


def click_store(settings: Settings, folder: DataFolder, clock: Clock, *, read_only: bool = False) -> ClickStore:
    """Not yet opened; PostgreSQL's driver is imported only where it is used."""
    if settings.database_url is None:
        return SqliteClickStore(folder.clicks_db, clock, read_only=read_only)
    from clicks.stores.postgres import PostgresClickStore

    return PostgresClickStore(
        postgres_database(settings, connections=settings.clicks_pool),
        clock,
        node="" if read_only else folder.node_id(),
        read_only=read_only,
        hours_kept_days=settings.click_hours_kept_days,
    )
