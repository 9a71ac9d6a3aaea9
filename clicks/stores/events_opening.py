"""The stores of single clicks that the settings name: where shippers put them, and who answers questions about them."""

from typing import TYPE_CHECKING

from clicks.questions import ClickAnswers
from clicks.sinks.contract import EventSink
from clicks.stores.sqlite_events import SqliteEvents
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.settings import Settings
from shortlink.stores.opening import postgres_database

if TYPE_CHECKING:
    from clicks.stores.postgres_events import PostgresEvents


def event_sink(settings: Settings, folder: DataFolder, clock: Clock) -> EventSink | None:
    """Not yet opened. None: clicks are not kept one by one, or ClickHouse has them, from Kafka."""
    if not settings.events or settings.clickhouse_url is not None:
        return None
    return _sql_events(settings, folder, clock)


def click_answers(settings: Settings, folder: DataFolder, clock: Clock) -> ClickAnswers | None:
    """Not yet opened, for asking alone. None: clicks are not kept one by one."""
    if settings.clickhouse_url is not None:
        from clicks.stores.clickhouse_database import ClickHouseDatabase
        from clicks.stores.clickhouse_events import ClickHouseAnswers

        database = ClickHouseDatabase(settings.clickhouse_url, timeout_ms=settings.clickhouse_timeout_ms)
        return ClickHouseAnswers(database, clock, kept_days=settings.events_kept_days)
    return _sql_events(settings, folder, clock, read_only=True) if settings.events else None


def _sql_events(
    settings: Settings, folder: DataFolder, clock: Clock, *, read_only: bool = False
) -> "SqliteEvents | PostgresEvents":
    kept_days, kept_rows = settings.events_kept_days, settings.events_kept_rows
    if settings.database_url is None:
        return SqliteEvents(folder.events_db, clock, kept_days=kept_days, kept_rows=kept_rows, read_only=read_only)
    from clicks.stores.postgres_events import PostgresEvents

    return PostgresEvents(
        postgres_database(settings, connections=settings.clicks_pool),
        clock,
        kept_days=kept_days,
        kept_rows=kept_rows,
        node="" if read_only else folder.node_id(),
        read_only=read_only,
    )
