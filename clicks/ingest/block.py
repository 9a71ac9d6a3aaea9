"""A block while it is gathered: rows that are new, and records that are none."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from clicks.ingest.rows import NotARow, Row, row

# Well below min_insert_block_size_bytes, so that ClickHouse takes a block as one.
MAX_BYTES: Final = 64 << 20
# What each partition may hold while it waits for its turn.
SMALL_BYTES: Final = 8 << 20


class Record(Protocol):
    """What Kafka's client hands out."""

    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


class Refused(NamedTuple):
    """A record that can't be stored.

    Attributes:
        kind: a stable word for why.
        reason: what exactly, for people.
    """

    offset: int
    value: bytes | None
    kind: str
    reason: str


class Block:
    """Records of one partition in their order, from offset `start` on, and what is made of them.

    Clicks of an epoch come in order of seq, also when they come again, and one click always comes to the same
    partition: so what is not above the highest seq of its epoch has been here before.

    Attributes:
        start, end: offset of the first record, and after the last one.
        lines: JSON of the new clicks; `offsets` has the record of each.
        refused: what can't be stored.
        duplicates: clicks that came again.
        reached: the highest seq of each epoch that has new clicks.
        oldest_ms: time of the oldest new click; 0: there is none.
        size: bytes of the new clicks, and of what can't be stored.
    """

    def __init__(self, start: int, known: Mapping[str, int]) -> None:
        """`known`: the highest seq stored before this block, by epoch."""
        self.start = self.end = start
        self.lines: list[bytes] = []
        self.offsets: list[int] = []
        self.refused: list[Refused] = []
        self.duplicates = 0
        self.reached: dict[str, int] = {}
        self.oldest_ms = 0
        self.size = 0
        self._known = known

    def take(self, records: Iterable[Record]) -> None:
        """Add what was read next."""
        for record in records:
            value = record.value
            self.end = record.offset + 1
            try:
                click = row(value)
            except NotARow as exc:
                self.refused.append(Refused(record.offset, value, exc.kind, str(exc)))
                self.size += len(value or b"")
            else:
                self._add(click, record.offset, value or b"")

    def _add(self, click: Row, offset: int, line: bytes) -> None:
        epoch, seq = click.epoch, click.seq
        if seq <= (self.reached.get(epoch) or self._known.get(epoch, 0)):
            self.duplicates += 1
            return
        self.reached[epoch] = seq
        self.lines.append(line)
        self.offsets.append(offset)
        self.size += len(line)
        if not self.oldest_ms or click.time < self.oldest_ms:
            self.oldest_ms = click.time

    def refuse(self, reasons: Mapping[int, str]) -> None:
        """Take rows that ClickHouse refuses (by index) from `lines` to `refused`."""
        for index, reason in reasons.items():
            self.refused.append(Refused(self.offsets[index], self.lines[index], "refused-by-clickhouse", reason))
        kept = [index for index in range(len(self.lines)) if index not in reasons]
        self.lines = [self.lines[index] for index in kept]
        self.offsets = [self.offsets[index] for index in kept]

    @property
    def records(self) -> int:
        """Records taken; without what Kafka keeps for itself between them."""
        return len(self.lines) + len(self.refused) + self.duplicates
