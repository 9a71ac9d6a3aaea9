"""`python -m clicks.ingest`: one ingest worker, as the supervisor starts it."""

import asyncio
import logging
import os
import sys
from typing import Final

from clicks.ingest.table import ClickHouseTable
from clicks.ingest.worker import Worker
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_schema import prepare
from shortlink import logs, settings
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error
from shortlink.settings import BadSetting, Settings
from shortlink.stopping import told_to_stop
from shortlink.waiting import as_soon_as_it_answers

FAILED: Final = 1
BAD_SETTING: Final = 2
# As the shipper: a click is late in the statistics rather than a visitor on the way.
NICENESS: Final = 10

_log: Final = logging.getLogger("ingest")


def main() -> int:
    """Ingest until told to stop; returns the exit code."""
    try:
        chosen = settings.load(os.environ)
        if chosen.clickhouse_url is None:
            raise BadSetting(
                "EDGE302_CLICKHOUSE_URL: ingest carries clicks from Kafka into ClickHouse; say where that is"
            )
    except BadSetting as exc:
        sys.stderr.write(f"{exc}\n")
        return BAD_SETTING
    logs.setup("ingest", chosen.log_level)
    os.nice(NICENESS)
    try:
        asyncio.run(_serve(chosen, chosen.clickhouse_url))
    except Edge302Error as exc:
        _log.error("%s", exc)
        return FAILED
    return 0


async def _serve(chosen: Settings, url: str) -> None:
    stopping = told_to_stop(os.environ)
    folder = DataFolder(chosen.data)
    folder.create()
    database = ClickHouseDatabase(url, timeout_ms=chosen.clickhouse_timeout_ms)

    async def prepared() -> bool:
        await prepare(database, chosen.events_kept_days)
        return True

    try:
        if await as_soon_as_it_answers(prepared, stopping, _log, "clicks wait in Kafka"):
            member = f"edge302-{folder.node_id()}"
            await Worker(chosen, ClickHouseTable(database), SystemClock(), member=member).run(stopping)
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
