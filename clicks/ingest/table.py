"""The tables of ClickHouse that ingest writes."""

from collections.abc import Sequence
from typing import Final

import msgspec

from clicks.ingest.contract import RowsRefused
from clicks.ingest.marks import Mark
from clicks.ingest.rows import Row
from clicks.stores.clickhouse_database import ClickHouseDatabase, StatementRefused

CLICKS: Final = "click_event"
MARKS: Final = "ingest_mark"
# Takes whatever CLICKS would take, and keeps nothing.
ATTEMPTS: Final = "ingest_attempt"


class ClickHouseTable:
    """The Table of a ClickHouse database that has been migrated."""

    def __init__(self, database: ClickHouseDatabase) -> None:
        self._database = database

    async def insert(self, lines: Sequence[bytes], token: str) -> None:
        await self._insert(CLICKS, lines, token)

    async def attempt(self, lines: Sequence[bytes]) -> None:
        # Made anew each time, which is seldom: its columns are then those that CLICKS has now.
        await self._database.run(f"CREATE OR REPLACE TABLE {ATTEMPTS} AS {CLICKS} ENGINE = Null")
        await self._insert(ATTEMPTS, lines, "")

    async def known(self, clicks: Sequence[Row]) -> set[tuple[str, int]]:
        """The epoch and seq of those that are stored. Some hundred at a time: they are one parameter."""
        ids = [(click.domain, click.code, click.time, click.epoch, click.seq) for click in clicks]
        return {(epoch, int(seq)) for epoch, seq in await self._database.rows(_KNOWN, {"ids": ids})} if ids else set()

    async def marks(self, topic: str, partition: int) -> Sequence[Mark]:
        found = await self._database.rows(_NEWEST, {"topic": topic, "partition": partition})
        return [Mark(*row) for row in found]

    async def add_marks(self, topic: str, partition: int, marks: Sequence[Mark]) -> None:
        lines = [msgspec.json.encode({"topic": topic, "partition": partition, **mark._asdict()}) for mark in marks]
        await self._database.insert_json_rows(MARKS, b"\n".join(lines), f"{topic}-{partition}-{marks[0].block}")

    async def _insert(self, table: str, lines: Sequence[bytes], token: str) -> None:
        try:
            await self._database.insert_json_rows(table, b"\n".join(lines), token)
        except StatementRefused as exc:
            raise RowsRefused(str(exc)) from exc


# By the columns that the table is sorted by.
_KNOWN: Final = f"""
SELECT DISTINCT toString(epoch), seq FROM {CLICKS}
WHERE (domain, code, time, epoch, seq) IN {{ids:Array(Tuple(String, String, Int64, String, UInt64))}}
"""  # noqa: S608 (names of ours)
_NEWEST: Final = f"""
SELECT toString(epoch), max(seq), argMax(seq_before, seq), argMax(block, seq) FROM {MARKS}
WHERE topic = {{topic:String}} AND partition = {{partition:UInt32}} GROUP BY epoch
"""  # noqa: S608 (names of ours)
