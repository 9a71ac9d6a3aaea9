"""The tables in ClickHouse: made, and told how long to keep clicks one by one."""

import re
from pathlib import Path
from typing import Final

from clicks.stores.clickhouse_database import ClickHouseDatabase

MIGRATIONS: Final = Path(__file__).with_name("migrations") / "clickhouse"
# Their last day must fit ClickHouse's DateTime, which ends in February 2106.
MOST_KEPT_DAYS: Final = 20_000

_INTERVAL: Final = re.compile(r"\bTTL .*toIntervalDay\((\d+)\)")


async def prepare(database: ClickHouseDatabase, kept_days: int) -> None:
    """Bring the tables up to date. StoreUnavailable: also when the user may not do it.

    `kept_days`: ClickHouse deletes older clicks by itself, while it merges; what was added up of them stays.
    """
    await database.migrate(MIGRATIONS)
    days = min(kept_days, MOST_KEPT_DAYS)
    if await _kept_days(database) != days:
        await database.run(f"ALTER TABLE click_event MODIFY TTL {_AGE} + INTERVAL {days:d} DAY", timeout_seconds=600)


async def _kept_days(database: ClickHouseDatabase) -> int | None:
    """What the table says now; None: nothing yet."""
    found = await database.rows(
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 'click_event'"
    )
    named = _INTERVAL.search(str(found[0][0]))
    return int(named[1]) if named else None


_AGE: Final = "toDateTime(intDiv(time, 1000), 'UTC')"
