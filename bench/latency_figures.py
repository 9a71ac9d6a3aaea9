"""Measurements of latency in, rows and ratios out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.figures import Figure, figure


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement, in µs from the moment a request was meant to leave; of hits, where there are misses.

    Attributes:
        offered, reached: requests and replies a second.
        carried: the server kept up with the rate; latencies of one that did not only say for how long it did not.
        miss_p99_us: None: there were no misses.
        slow_replaced: slow heads that the server closed meanwhile, and that were opened anew.
        lag_p99_us: how late the load itself was.
        load_busy: share of its time in which the load had something to do.
    """

    server: str
    load: str
    offered: int
    reached: float
    carried: bool
    p50_us: float
    p99_us: float
    p999_us: float
    max_us: float
    miss_p99_us: float | None
    slow_replaced: int
    lag_p99_us: float
    load_busy: float


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one server under one load. Latencies are None unless it carried the rate in every round."""

    server: str
    load: str
    offered: int
    reached: Figure
    carried: bool
    p50_us: Figure | None
    p99_us: Figure | None
    p999_us: Figure | None


class Case(NamedTuple):
    """Whose rounds."""

    server: str
    load: str


def summary(rounds: Sequence[Round]) -> list[Row]:
    """Medians over the rounds of their percentiles."""
    return [_row(_of(case, rounds)) for case in dict.fromkeys(Case(one.server, one.load) for one in rounds)]


def ratios(rounds: Sequence[Round], pairs: Iterable[tuple[str, Case, Case]]) -> dict[str, Figure]:
    """Of the p99 of two cases by name, the n-th round of one to the n-th of the other.

    Only where both carried their rate in every round.
    """
    found = {}
    for name, case, reference in pairs:
        own, others = _of(case, rounds), _of(reference, rounds)
        if all(one.carried for one in (*own, *others)):
            found[name] = figure([a.p99_us / b.p99_us for a, b in zip(own, others, strict=True)])
    return found


def _of(case: Case, rounds: Sequence[Round]) -> list[Round]:
    return [one for one in rounds if (one.server, one.load) == case]


def _row(own: Sequence[Round]) -> Row:
    first, carried = own[0], all(one.carried for one in own)
    return Row(
        server=first.server,
        load=first.load,
        offered=first.offered,
        reached=figure([one.reached for one in own]),
        carried=carried,
        p50_us=figure([one.p50_us for one in own]) if carried else None,
        p99_us=figure([one.p99_us for one in own]) if carried else None,
        p999_us=figure([one.p999_us for one in own]) if carried else None,
    )
