"""Does ClickHouse answer, and does it have what is needed of it?"""

import asyncio
from collections.abc import Iterator
from typing import Final

from edge302.doctor.findings import Finding, ok, warn
from shortlink.errors import Edge302Error
from shortlink.settings import Settings

SECONDS: Final = 5.0
# The oldest one with stored block numbers, which tell what arrived since (their setting is in the first migration).
OLDEST: Final = (24, 8)
_MEND: Final = "clicks wait in Kafka until it answers, and statistics with them; counts are right without it"


def check(settings: Settings) -> Iterator[Finding]:
    """Nothing where no ClickHouse is named; nothing is made there."""
    if settings.clickhouse_url is not None:
        yield asyncio.run(_look(settings.clickhouse_url))


async def _look(url: str) -> Finding:
    from clicks.stores.clickhouse_database import ClickHouseDatabase

    database = ClickHouseDatabase(url, timeout_ms=round(SECONDS * 1_000), create=False)
    try:
        version = str((await database.rows("SELECT version()"))[0][0])
        tables = await database.rows(_TABLES, {"database": database.name})
    except Edge302Error as exc:
        return warn("clickhouse", str(exc), _MEND)
    finally:
        await database.close()
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        return warn("clickhouse", f"version {version} is too old", f"use {OLDEST[0]}.{OLDEST[1]} or newer")
    if not tables:
        return ok("clickhouse", f"version {version}; ingest or the control plane will make its tables")
    return ok("clickhouse", f"version {version}; {int(tables[0][0]):,} clicks one by one")


_TABLES: Final = """SELECT total_rows FROM system.tables
    WHERE database = {database:String} AND name = 'click_event'"""
