"""A partition and tables in memory that keep what Kafka and ClickHouse promise, and processes that die in between."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from clicks.events.event import ClickEvent
from clicks.ingest.block import Refused
from clicks.ingest.contract import Committed, RowsRefused
from clicks.ingest.marks import Mark
from clicks.ingest.partition import PartitionIngest
from clicks.ingest.patience import Patience
from clicks.ingest.turns import Turns
from tests.store_contract.clicks.samples import ManualClock
from tests.store_contract.events.samples import event

# What ClickHouse refuses here, and what nobody can read.
POISON: Final = b'"code":"poison"'
NOT_JSON: Final = b"{"


class Record(NamedTuple):
    offset: int
    value: bytes | None


class Killed(BaseException):
    """The process ends here."""


class World:
    """What outlives a process."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.end = records[-1].offset + 1 if records else 0
        self.committed = Committed(0, "")
        self.inserted: list[bytes] = []
        self.tokens: set[str] = set()
        self.marks: list[Mark] = []
        self.dead: list[Refused] = []

    @property
    def is_done(self) -> bool:
        return self.committed == (self.end, "")


class MemoryStream:
    """The partition as one process has it, which may die before or after any step."""

    topic = "clicks"
    partition = 0

    def __init__(self, world: World, fate: "Fate", clock: ManualClock, stopping: asyncio.Event) -> None:
        self.world = world
        self.position = 0
        self._fate = fate
        self._clock = clock
        self._stopping = stopping

    async def committed(self) -> Committed:
        return self.world.committed

    def seek(self, offset: int) -> None:
        self.position = offset

    async def read(self, max_records: int, timeout_ms: int) -> Sequence[Record]:
        self._clock.advance(timeout_ms)
        read = [record for record in self.world.records if record.offset >= self.position][:max_records]
        self.position = read[-1].offset + 1 if read else self.position
        if self.world.is_done:
            self._stopping.set()
        return read

    def waiting(self, since: int) -> int:
        return max(0, self.world.end - since)

    async def commit(self, offset: int, metadata: str = "") -> None:
        for _ in self._fate.step():
            self.world.committed = Committed(offset, metadata)

    async def add_dead(self, refused: Sequence[Refused]) -> None:
        for _ in self._fate.step():
            self.world.dead += refused


class MemoryTable:
    """The tables: a block whose token is known is left out, and a block with one bad row is refused whole."""

    def __init__(self, world: World, fate: "Fate") -> None:
        self.world = world
        self._fate = fate

    async def insert(self, lines: Sequence[bytes], token: str) -> None:
        await self.attempt(lines)
        for _ in self._fate.step():
            if token not in self.world.tokens:
                self.world.tokens.add(token)
                self.world.inserted += lines

    async def attempt(self, lines: Sequence[bytes]) -> None:
        if any(POISON in line for line in lines):
            raise RowsRefused("a bad row")

    async def marks(self, topic: str, partition: int) -> Sequence[Mark]:
        newest: dict[str, Mark] = {}
        for mark in self.world.marks:
            if mark.epoch not in newest or mark.seq >= newest[mark.epoch].seq:
                newest[mark.epoch] = mark
        return list(newest.values())

    async def add_marks(self, topic: str, partition: int, marks: Sequence[Mark]) -> None:
        for _ in self._fate.step():
            self.world.marks += marks


class Fate:
    """How many steps a process lives, and whether the last one still comes to pass."""

    def __init__(self, steps: int | None, *, last_one_counts: bool) -> None:
        """`steps`: None: it is never killed."""
        self._left = steps
        self._last_one_counts = last_one_counts

    def step(self) -> Iterator[None]:
        """One turn for what a step does; none when the process dies before it. Killed."""
        dies = self._left == 0
        if self._left is not None:
            self._left -= 1
        if not dies or self._last_one_counts:
            yield
        if dies:
            raise Killed


def live(world: World, fate: Fate, block_rows: int) -> None:
    """One process, until it dies or all is stored."""

    async def run() -> None:
        clock, stopping = ManualClock(), asyncio.Event()
        ingest = PartitionIngest(
            MemoryStream(world, fate, clock, stopping),
            MemoryTable(world, fate),
            clock,
            Patience(),
            Turns(),
            block_rows=block_rows,
            block_ms=100,
        )
        await ingest.run(stopping)

    asyncio.run(run())


def value(seq: int, **fields: object) -> bytes:
    return msgspec.json.encode(event(seq, **fields))


def clicks(lines: Sequence[bytes]) -> list[tuple[str, int]]:
    """The ids of what was inserted."""
    return [(click.epoch, click.seq) for click in (msgspec.json.decode(line, type=ClickEvent) for line in lines)]


def reasons(dead: Sequence[Refused]) -> Mapping[int, str]:
    return {refused.offset: refused.kind for refused in dead}
