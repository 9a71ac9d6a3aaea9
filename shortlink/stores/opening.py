"""The store of links that the settings name, for each kind of process that reads or writes it."""

from typing import TYPE_CHECKING

from shortlink.clock import Clock
from shortlink.settings import Settings

if TYPE_CHECKING:
    from shortlink.stores.postgres import PostgresLinkStore
    from shortlink.stores.postgres_database import PostgresDatabase


def postgres_links(
    settings: Settings, clock: Clock, *, connections: int, migrate: bool = False, from_replicas: bool = False
) -> "PostgresLinkStore":
    """The links in EDGE302_DATABASE_URL, not yet opened; its driver is imported now and not before.

    Args:
        connections: most at once to each database.
        migrate: bring the schema up to date when it is opened; for those who write.
        from_replicas: look links up in EDGE302_READ_DATABASE_URLS where they are up to date.
    """
    from shortlink.stores.postgres import PostgresLinkStore

    urls = settings.read_database_urls if from_replicas else ()
    return PostgresLinkStore(
        postgres_database(settings, connections=connections),
        clock,
        replicas=[postgres_database(settings, connections=connections, replica_url=url) for url in urls],
        migrate=migrate,
    )


def postgres_database(settings: Settings, *, connections: int, replica_url: str | None = None) -> "PostgresDatabase":
    """A pool of connections to EDGE302_DATABASE_URL, or to a replica of it; connected when it is first used."""
    from shortlink.stores.postgres_database import PostgresDatabase

    url = replica_url or settings.database_url
    assert url is not None
    return PostgresDatabase(
        url,
        connections=connections,
        timeout_ms=settings.database_timeout_ms,
        statement_cache=settings.database_statement_cache,
        direct_url=None if replica_url else settings.direct_database_url,
    )
