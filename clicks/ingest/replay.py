"""Dead letters: which wait, and how they come into ClickHouse once what was wrong with them is mended."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Final, NamedTuple

from clicks.ingest.block import Refused
from clicks.ingest.contract import RowsRefused
from clicks.ingest.dead_letters import DeadLetters
from clicks.ingest.refusals import refused_rows
from clicks.ingest.rows import NotARow, Row, row
from clicks.ingest.table import ClickHouseTable
from clicks.sinks.kafka_client import Consumer, KafkaClients, TopicPartition
from shortlink.errors import StoreUnavailable

# Their ids are one parameter of a question to ClickHouse.
AT_ONCE: Final = 100
READ_MS: Final = 1_000


class Letter(NamedTuple):
    """An event that could not be stored.

    Attributes:
        place: the partition that it came from; of one that was written by other hands, where it lies now.
        offset: in that partition.
        at_ms: when it was put aside.
        value: as it came.
        kind: a stable word for why it was refused; empty: nobody has said.
        reason: what exactly, for people.
    """

    place: TopicPartition
    offset: int
    at_ms: int
    value: bytes | None
    kind: str
    reason: str


class Replayed(NamedTuple):
    """What became of letters.

    Attributes:
        stored: are in ClickHouse now.
        known: were there already.
        refused: still can't be stored.
    """

    stored: int = 0
    known: int = 0
    refused: int = 0

    def plus(self, other: "Replayed") -> "Replayed":
        return Replayed(*(a + b for a, b in zip(self, other, strict=True)))


class WaitingLetters:
    """The letters of `<topic>.dead` that were not replayed yet; a consumer group remembers which were."""

    def __init__(self, clients: KafkaClients, topic: str) -> None:
        """`topic`: that of clicks."""
        self._clients = clients
        self._group = f"edge302-replay-{topic}"
        self._dead_topic = f"{topic}.dead"

    async def read(self) -> AsyncIterator[Sequence[Letter]]:
        """All of them, some at a time, and none is taken away. StoreUnavailable."""
        async with self._reading() as (consumer, ends):
            while letters := await self._next(consumer, ends):
                yield letters

    async def replay(self, table: ClickHouseTable, *, discard: bool = False) -> Replayed:
        """Store each in ClickHouse that is not there, whatever its partition's marks say, which are beyond it by now.

        Killed at any moment, and begun again, it stores none twice: what is in ClickHouse is left out, and an insertion
        whose outcome nobody heard is repeated under the same token. Two at once might. StoreUnavailable: the rest
        still waits.

        Args:
            table: of ClickHouse.
            discard: give up what still can't be stored, instead of putting it back behind the others.
        """
        done, dead = Replayed(), DeadLetters(self._clients, self._dead_topic)
        try:
            async with self._reading() as (consumer, ends):
                while letters := await self._next(consumer, ends):
                    stored, refused = await _store(letters, table)
                    if not discard:
                        for place, one in refused:
                            await dead.add(place, [one])
                    with self._clients.translated():
                        await consumer.commit()
                    done = done.plus(Replayed(stored, len(letters) - stored - len(refused), len(refused)))
        finally:
            await dead.close()
        return done

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[tuple[Consumer, dict[TopicPartition, int]]]:
        """A consumer at the first letter that waits, and where they end now."""
        partitions = await self._clients.partitions_of(self._dead_topic)
        consumer = self._clients.consumer(group=self._group)
        with self._clients.translated():
            try:
                await consumer.start()
                places = [TopicPartition(self._dead_topic, number) for number in range(partitions)]
                consumer.assign(places)
                ends = await consumer.end_offsets(places) if places else {}
                yield consumer, ends
            finally:
                await consumer.stop()

    async def _next(self, consumer: Consumer, ends: dict[TopicPartition, int]) -> list[Letter]:
        """Some that lie before `ends`; none: there are no more."""
        with self._clients.translated():
            for place, end in ends.items():
                while await consumer.position(place) < end:
                    read = await consumer.getmany(place, timeout_ms=READ_MS, max_records=AT_ONCE)
                    records = read.get(place, ())
                    letters = [_letter(place, record) for record in records if record.offset < end]
                    if len(letters) < len(records):  # those that were put back just now are for the next time
                        consumer.seek(place, end)
                    if letters:
                        return letters
        return []


async def _store(letters: Sequence[Letter], table: ClickHouseTable) -> tuple[int, list[tuple[TopicPartition, Refused]]]:
    """Returns how many were new, and those that can't be stored."""
    clicks: dict[tuple[str, int], tuple[Letter, Row]] = {}  # one that was put aside twice is one
    refused: list[tuple[TopicPartition, Refused]] = []
    for letter in letters:
        try:
            click = row(letter.value)
        except NotARow as exc:
            refused.append(_refused(letter, exc.kind, str(exc)))
        else:
            clicks.setdefault((click.epoch, click.seq), (letter, click))
    known = await table.known([click for _, click in clicks.values()])
    new = [letter for identity, (letter, _) in clicks.items() if identity not in known]
    reasons = await _insert([letter.value or b"" for letter in new], table)
    refused += [_refused(new[index], "refused-by-clickhouse", reason) for index, reason in reasons.items()]
    return len(new) - len(reasons), refused


async def _insert(lines: Sequence[bytes], table: ClickHouseTable) -> dict[int, str]:
    """Returns ClickHouse's reason for each that it refuses, by index. StoreUnavailable: nobody knows what is stored."""
    reasons: dict[int, str] = {}
    while taken := [line for index, line in enumerate(lines) if index not in reasons]:
        try:
            # Named by what is in it: the same letters are the same block, and fewer of them are another.
            await table.insert(taken, "replay-" + sha256(b"\n".join(taken)).hexdigest())
            break
        except RowsRefused as exc:
            found = await refused_rows(lines, table.attempt)
            if found.keys() <= reasons.keys():
                raise StoreUnavailable(f"ClickHouse refuses clicks that are as they should be: {exc}") from exc
            reasons = found
    return reasons


def _refused(letter: Letter, kind: str, reason: str) -> tuple[TopicPartition, Refused]:
    return letter.place, Refused(letter.offset, letter.value, kind, reason)


def _letter(place: TopicPartition, record: Any) -> Letter:  # noqa: ANN401 (the driver has no types)
    told = {name: value.decode(errors="replace") for name, value in record.headers}
    offset = record.offset
    if {"topic", "partition", "offset"} <= told.keys():
        place, offset = TopicPartition(told["topic"], int(told["partition"])), int(told["offset"])
    return Letter(place, offset, record.timestamp, record.value, told.get("reason", ""), told.get("detail", ""))
