"""Tables in ClickHouse that fail at a chosen step, as a process does that dies there."""

from collections.abc import Sequence
from typing import Final

from clicks.ingest.marks import Mark
from clicks.ingest.table import ClickHouseTable
from clicks.stores.clickhouse_database import ClickHouseDatabase


class Died(Exception):
    """The worker ends here."""


class DyingTable(ClickHouseTable):
    """Dies at the first block that comes to `step`."""

    def __init__(self, database: ClickHouseDatabase, step: str) -> None:
        super().__init__(database)
        self._step = step

    async def insert(self, lines: Sequence[bytes], token: str) -> None:
        self._die_at("begun")
        await super().insert(lines, token)
        self._die_at("inserted")

    async def add_marks(self, topic: str, partition: int, marks: Sequence[Mark]) -> None:
        await super().add_marks(topic, partition, marks)
        self._die_at("marked")

    def _die_at(self, step: str) -> None:
        if step == self._step:
            raise Died(step)


STEPS: Final = ("begun", "inserted", "marked")
