"""The months that hourly counts are kept in: made ahead, and dropped when their time is over."""

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from clicks.counts import DAY_MS, HOUR_MS
from shortlink.errors import StoreUnavailable
from shortlink.stores.postgres_database import PostgresDatabase

MONTHS_AHEAD: Final = 2
_NAME: Final = re.compile(r"click_hour_(\d{4})_(\d\d)")
_NAMES: Final = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'click_hour'::regclass"
_SOON: Final = "SET LOCAL lock_timeout = '200ms'"
# One job at a time, whichever shipper's turn it is; who finds it taken leaves it to the other.
_DROP: Final = "DROP TABLE {name}"
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(7305804402464567348)"

# A clock that went wrong may have counted clicks of a month that had no partition: they move into it.
_MAKE: Final = """
CREATE TABLE {name} (LIKE click_hour INCLUDING ALL) WITH (fillfactor = 80);
WITH moved AS (DELETE FROM click_hour_rest WHERE hour >= {first} AND hour < {end} RETURNING *)
    INSERT INTO {name} SELECT * FROM moved;
ALTER TABLE click_hour ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end});
"""

_log: Final = logging.getLogger(__name__)


class Month(NamedTuple):
    """A calendar month, UTC."""

    year: int
    month: int

    @property
    def partition(self) -> str:
        return f"click_hour_{self.year:04}_{self.month:02}"

    @property
    def start_hour(self) -> int:
        """Hours since the Unix epoch."""
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1_000 // HOUR_MS

    @property
    def next(self) -> "Month":
        return month_of(self.start_hour * HOUR_MS + int(timedelta(days=31).total_seconds()) * 1_000)


def month_of(ms: int) -> Month:
    """The month that a time is in."""
    time = datetime.fromtimestamp(ms // 1_000, UTC)
    return Month(time.year, time.month)


def to_make(now_ms: int, existing: Iterable[str]) -> list[Month]:
    """Last month, whose clicks may still be in a spool, this one and the next ones, where they are missing."""
    months = [month_of(month_of(now_ms).start_hour * HOUR_MS - 1)]
    while len(months) < 2 + MONTHS_AHEAD:
        months.append(months[-1].next)
    return [month for month in months if month.partition not in set(existing)]


def to_drop(now_ms: int, existing: Iterable[str], kept_days: int) -> list[Month]:
    """The months whose every hour is past its time; 0 days: none."""
    if not kept_days:
        return []
    oldest_hour = (now_ms - kept_days * DAY_MS) // HOUR_MS
    months = [Month(int(found[1]), int(found[2])) for name in existing if (found := _NAME.fullmatch(name))]
    return sorted(month for month in months if month.next.start_hour <= oldest_hour)


async def keep_partitions(database: PostgresDatabase, now_ms: int, kept_days: int) -> None:
    """Make partitions ahead and drop old ones. StoreUnavailable.

    Each is a short transaction that gives up soon: while a backup reads the table it can't be changed, and counting
    must not wait for that. What was not done is done at a later call.
    """
    existing = [name for (name,) in await database.fetch(_NAMES)]
    made = [(month, _MAKE) for month in to_make(now_ms, existing)]
    dropped = [(month, _DROP) for month in to_drop(now_ms, existing, kept_days)]
    for month, step in (*made, *dropped):
        try:
            await _do(database, month, step)
        except StoreUnavailable as exc:
            _log.warning("%s waits: %s", month.partition, exc)


async def _do(database: PostgresDatabase, month: Month, step: str) -> None:
    """Make or drop the partition of a month, unless another shipper is at it or has done it."""
    async with database.transaction() as connection:
        if not await connection.fetchval(_LOCK):
            return
        exists = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", month.partition)
        if exists is (step is _DROP):
            await connection.execute(_SOON)
            values = {"name": month.partition, "first": month.start_hour, "end": month.next.start_hour}
            await connection.execute(step.format(**values))
