"""What the ingest of a partition needs of Kafka and of ClickHouse."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from clicks.ingest.block import Record, Refused
from clicks.ingest.marks import Mark
from shortlink.errors import Edge302Error


class NoLongerOurs(Edge302Error):
    """The group has given the partition to another member, or may have: whatever was under way is theirs."""


class RowsRefused(Edge302Error):
    """ClickHouse answers, and takes none of these rows; the text says why, as ClickHouse does."""


class Committed(NamedTuple):
    """Where the group is in a partition, and what it was told beside it."""

    offset: int
    metadata: str


class Stream(Protocol):
    """One partition that the group has given to this member. StoreUnavailable: Kafka is away; join the group anew.

    Attributes:
        position: offset of what is read next; moves with `seek` and `read`.
    """

    topic: str
    partition: int
    position: int

    async def committed(self) -> Committed:
        """Where nothing was committed before: the beginning of what Kafka has."""
        ...

    def seek(self, offset: int) -> None: ...

    async def read(self, max_records: int, timeout_ms: int) -> Sequence[Record]:
        """Records of committed transactions, as soon as there are some; none: there were none for so long."""
        ...

    def waiting(self, since: int) -> int:
        """Offsets of committed transactions from `since` on, as far as is known; 0 also before anything was read."""
        ...

    async def commit(self, offset: int, metadata: str = "") -> None:
        """Returns when the group has it. NoLongerOurs."""
        ...

    async def add_dead(self, refused: Sequence[Refused]) -> None:
        """Returns when all of them are in the topic of dead letters."""
        ...


class Table(Protocol):
    """Where clicks go. StoreUnavailable: ClickHouse is away, and what was asked for may be done or not; call again."""

    async def insert(self, lines: Sequence[bytes], token: str) -> None:
        """Insert rows of JSON; does nothing when it was done before with this token. RowsRefused."""
        ...

    async def attempt(self, lines: Sequence[bytes]) -> None:
        """Read the rows as `insert` does, and keep none of them. RowsRefused."""
        ...

    async def marks(self, topic: str, partition: int) -> Sequence[Mark]:
        """The newest of each epoch."""
        ...

    async def add_marks(self, topic: str, partition: int, marks: Sequence[Mark]) -> None:
        """May be repeated."""
        ...
