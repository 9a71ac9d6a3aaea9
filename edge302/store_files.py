"""A data folder's databases as plain files: to check and to copy, beside whoever writes them."""

from clicks.stores.sqlite import MIGRATIONS as CLICK_MIGRATIONS
from clicks.stores.sqlite_events import MIGRATIONS as EVENT_MIGRATIONS
from shortlink.datadir import DataFolder
from shortlink.stores.sqlite import MIGRATIONS as LINK_MIGRATIONS
from shortlink.stores.sqlite_file import SqliteFile


def store_files(folder: DataFolder) -> tuple[SqliteFile, ...]:
    """Clicks and links, for reading; in this order, because what a click belongs to must not be older than it."""
    return (
        SqliteFile(folder.events_db, EVENT_MIGRATIONS, read_only=True),
        SqliteFile(folder.clicks_db, CLICK_MIGRATIONS, read_only=True),
        SqliteFile(folder.links_db, LINK_MIGRATIONS, read_only=True),
    )
