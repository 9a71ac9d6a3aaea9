"""Turns what the spool's reader has aggregated into counts by class."""

from collections.abc import Iterable, Sequence

from clicks.classes import classify
from clicks.counts import ClickBatch, CountKey, TrafficClass
from redirect_core import CountBatch

# (domain, code, hour_ms, flags, index of the user agent, clicks), as CountBatch.counts has them.
ReadCount = tuple[bytes, bytes, int, int, int, int]


def click_batch(read: CountBatch) -> ClickBatch:
    """The batch for the store; seqs that no record has are clicks lost to a power cut."""
    return ClickBatch(
        read.epoch,
        read.after_seq,
        read.last_seq,
        by_class(read.counts, read.user_agents),
        {"power": read.lost} if read.lost else {},
    )


def by_class(counts: Iterable[ReadCount], user_agents: Sequence[bytes]) -> dict[CountKey, int]:
    """Counts with each user agent's class in its place, those that are now alike added up."""
    classes: dict[tuple[int, int], TrafficClass] = {}
    clicks_by_key: dict[CountKey, int] = {}
    for domain, code, hour_ms, flags, agent, clicks in counts:
        traffic = classes.get((agent, flags))
        if traffic is None:
            traffic = classes[agent, flags] = classify(user_agents[agent], flags).traffic
        key = CountKey(domain.decode(), code.decode(), hour_ms, traffic)
        clicks_by_key[key] = clicks_by_key.get(key, 0) + clicks
    return clicks_by_key
