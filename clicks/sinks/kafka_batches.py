"""Turns clicks of several epochs into what Kafka takes at once: batches of records, by partition."""

from collections.abc import Callable, Sequence
from typing import Protocol

from clicks.sinks.contract import DescribedBatch


class Builder(Protocol):
    """A batch of the driver's, as far as it is filled here. None: it is full, and has not taken the record."""

    def append(self, *, timestamp: int, key: bytes, value: bytes) -> object | None: ...


def build(
    create: Callable[[], Builder], batches: Sequence[DescribedBatch], partitions: int, now_ms: int
) -> list[list[Builder]]:
    """Batches by partition, in each the clicks of an epoch in order of seq. Meant for a thread: it takes a while.

    Args:
        create: makes an empty batch.
        batches: of any epochs.
        partitions: how many the topic has.
        now_ms: the time of every record. Brokers delete records by it, and would soon delete old clicks that waited
            for them in the spool; the event itself says when the click was.
    """
    built: list[list[Builder]] = [[] for _ in range(partitions)]
    for described in batches:
        batch, node, agents, networks, referrers, languages, links = described
        encoded = batch.encode(node, agents, networks, referrers, languages, links, partitions=partitions)
        for partition, records in enumerate(encoded):
            _fill(built[partition], create, records, now_ms)
    return built


def _fill(
    builders: list[Builder], create: Callable[[], Builder], records: Sequence[tuple[bytes, bytes, int]], now_ms: int
) -> None:
    for code, value, _ in records:
        if not builders or builders[-1].append(timestamp=now_ms, key=code, value=value) is None:
            builders.append(create())
            builders[-1].append(timestamp=now_ms, key=code, value=value)
