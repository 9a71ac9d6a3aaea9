"""The ingest of one partition: gather a block, say where it ends, insert it, go on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import takewhile
from typing import Final, TypeVar

from clicks.ingest import boundary, metrics
from clicks.ingest.block import MAX_BYTES, SMALL_BYTES, Block, Record
from clicks.ingest.boundary import Boundary
from clicks.ingest.contract import RowsRefused, Stream, Table
from clicks.ingest.marks import before, of_block
from clicks.ingest.patience import Patience
from clicks.ingest.refusals import refused_rows
from clicks.ingest.turns import Turns
from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable

# The event loop does nothing else while records are checked: some 20 ms for so many.
RECORDS_AT_ONCE: Final = 5_000
# How soon one that has nothing to read sees that it is to stop.
READ_MS: Final = 200
# How soon one that has nothing to read sees that its turn has come.
TURN_MS: Final = 20

Answer = TypeVar("Answer")


class PartitionIngest:
    """Carries the clicks of one partition, each exactly once, however often it is killed or the partition moves.

    Before a block is inserted, its end and its name are committed beside its start. Whoever has the partition next
    finds them there, makes the same rows of the same records, and inserts them under the same token, which ClickHouse
    knows again. The marks of a block are written after it, and its end is committed last.
    """

    def __init__(
        self,
        stream: Stream,
        table: Table,
        clock: Clock,
        patience: Patience,
        turns: Turns,
        *,
        block_rows: int,
        block_ms: int,
    ) -> None:
        """`patience`: for ClickHouse, when it is away; where Kafka is away, that is the caller's to mend.

        `turns`: the same for all partitions of a worker.
        """
        self._stream = stream
        self._table = table
        self._clock = clock
        self._patience = patience
        self._turns = turns
        self._block_rows = block_rows
        self._block_seconds = block_ms / 1_000
        self._known: dict[str, int] = {}  # the highest seq stored, by epoch
        self.stored_to = 0  # all before this offset is stored
        self.is_writing = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Ingest until `stopping` is set; a block that is being written is finished. NoLongerOurs, StoreUnavailable."""
        await self._resume()
        while not stopping.is_set():
            block = await self._gather(stopping)
            if block.records and not stopping.is_set():
                async with self._turns.large:
                    await self._grow(block, stopping)
                    if not stopping.is_set():
                        await self._begin(block)

    async def _resume(self) -> None:
        """Go to where the group is in this partition, and repeat the block that was under way there."""
        committed = await self._stream.committed()
        under_way = boundary.pending(*committed)
        self._stream.seek(committed.offset)
        self.stored_to = committed.offset
        marks = await self._ask(lambda: self._table.marks(self._stream.topic, self._stream.partition))
        self._known = before(marks, None if under_way is None else under_way.block)
        if under_way is not None:
            metrics.REPEATED.inc()
            async with self._turns.large:
                await self._finish(await self._gather_again(under_way), under_way)
            self._stream.seek(under_way.end)

    async def _gather(self, stopping: asyncio.Event) -> Block:
        """Read until there is as much as may wait for a turn, or the first record has waited long enough."""
        block, ends_at = Block(self._stream.position, self._known), float("inf")
        while self._has_room(block, SMALL_BYTES) and not stopping.is_set():
            left_ms = (ends_at - self._clock.monotonic()) * 1_000
            if left_ms <= 0:
                break
            records = await self._read(self._block_rows - block.records, left_ms)
            if not block.records:
                ends_at = self._clock.monotonic() + self._block_seconds if records else ends_at
                # Kafka's own records, such as ends of transactions, lie between ours and are behind us.
                block.start = self.stored_to = records[0].offset if records else self._stream.position
            block.take(records)
        return block

    async def _grow(self, block: Block, stopping: asyncio.Event) -> None:
        """Read on while another block is inserted, and while much waits: then large blocks are what makes it less."""
        found = True
        while self._has_room(block, MAX_BYTES) and not stopping.is_set():
            is_turn = not self._turns.inserting.locked()
            if is_turn and not (found and self._stream.waiting(self._stream.position) >= RECORDS_AT_ONCE):
                break
            records = await self._read(self._block_rows - block.records, READ_MS if is_turn else TURN_MS)
            block.take(records)
            found = bool(records)

    def _has_room(self, block: Block, max_bytes: int) -> bool:
        return block.size < max_bytes and block.records < self._block_rows

    async def _gather_again(self, under_way: Boundary) -> Block:
        """Read what the block had. All of it is there, unless Kafka has dropped it because of its age."""
        block = Block(under_way.start, self._known)
        while self._stream.position < under_way.end:
            records = await self._read(RECORDS_AT_ONCE, READ_MS)
            block.take(takewhile(lambda record: record.offset < under_way.end, records))
        block.end = under_way.end
        return block

    async def _read(self, max_records: int, left_ms: float) -> Sequence[Record]:
        return await self._stream.read(min(max_records, RECORDS_AT_ONCE), max(1, int(min(left_ms, READ_MS))))

    async def _begin(self, block: Block) -> None:
        """Write a block that nobody has seen yet. Without rows there is nothing that could come twice."""
        drawn = boundary.drawn(block.start, block.end)
        if block.lines:
            await self._stream.commit(block.start, drawn.metadata)
        await self._finish(block, drawn)

    async def _finish(self, block: Block, drawn: Boundary) -> None:
        """Insert, then mark, then move on; the next block begins only when all of it is done."""
        self.is_writing = True
        if block.lines:
            await self._insert(block, drawn.token(self._stream.topic, self._stream.partition))
        if block.refused:
            await self._stream.add_dead(block.refused)
        if block.reached:
            marks = of_block(drawn.block, self._known, block.reached)
            await self._ask(lambda: self._table.add_marks(self._stream.topic, self._stream.partition, marks))
        await self._stream.commit(block.end)
        self.is_writing = False
        self.stored_to = block.end
        self._known |= block.reached
        metrics.finished(block, self._clock.now_ms())

    async def _insert(self, block: Block, token: str) -> None:
        await self._ask(lambda: self._insert_in_turn(block, token))

    async def _insert_in_turn(self, block: Block, token: str) -> None:
        async with self._turns.inserting:
            started = self._clock.monotonic()
            await self._insert_what_is_taken(block, token)
            metrics.SECONDS.observe(self._clock.monotonic() - started)

    async def _insert_what_is_taken(self, block: Block, token: str) -> None:
        """Insert, without rows that ClickHouse refuses. StoreUnavailable: also when it refuses what is as it should be.

        The token stays the same for fewer rows: should ClickHouse one day take those that it refuses now (after a
        change of its schema), a repetition of this block is still the block that was inserted.
        """
        taken = False
        while block.lines and not taken:
            try:
                await self._table.insert(block.lines, token)
                taken = True
            except RowsRefused as exc:
                reasons = await refused_rows(block.lines, self._table.attempt)
                if not reasons:
                    raise StoreUnavailable(f"ClickHouse refuses clicks that are as they should be: {exc}") from exc
                block.refuse(reasons)

    async def _ask(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        return await self._patience.until_done(ask)
