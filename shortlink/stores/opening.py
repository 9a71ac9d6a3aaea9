"""The store of links that the settings name, for each kind of process that reads or writes it."""

from typing import TYPE_CHECKING

from shortlink.clock import Clock
from shortlink.settings import Settings

if TYPE_CHECKING:
    from shortlink.stores.postgres import PostgresLinkStore


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
    from shortlink.stores.postgres_database import PostgresDatabase

    def database(url: str, direct_url: str | None) -> PostgresDatabase:
        return PostgresDatabase(
            url,
            connections=connections,
            timeout_ms=settings.database_timeout_ms,
            statement_cache=settings.database_statement_cache,
            direct_url=direct_url,
        )

    assert settings.database_url is not None
    return PostgresLinkStore(
        database(settings.database_url, settings.direct_database_url),
        clock,
        replicas=[database(url, None) for url in settings.read_database_urls] if from_replicas else (),
        migrate=migrate,
    )
