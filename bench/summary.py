"""All rounds in, one row out for each server under each load."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import Figure, figure
from bench.rounds import Round
from bench.servers import EDGES, OTHERS, REFERENCES

EDGE: Final = "gateway"  # the role of edge302's worker


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one server under one load.

    Attributes:
        ratios: `cpu_us` as a multiple of another server's, taken round by round, by that server's name.
        edge_ratios: the same for edge302's worker alone, which records clicks in the spool and leaves counting them to
            another process; empty: another server.
        miss_share: see Round; None: another server than edge302.
    """

    server: str
    workload: str
    rate: Figure
    cpu_us: Figure
    cpu_us_by_role: dict[str, Figure]
    ratios: dict[str, Figure]
    edge_ratios: dict[str, Figure]
    reply_bytes: int
    miss_share: Figure | None


def summary(rounds: Sequence[Round]) -> list[Row]:
    """Loads in the order of their first round, servers in that of the tables; the n-th rounds are compared."""
    by_row: dict[tuple[str, str], list[Round]] = {}
    for one in rounds:
        by_row.setdefault((one.workload, one.server), []).append(one)
    order = [*OTHERS, *EDGES[::-1]]
    workloads = list(dict.fromkeys(one.workload for one in rounds))
    return [
        _row(by_row[workload, server], {name: by_row.get((workload, name), []) for name in REFERENCES})
        for workload in workloads
        for server in order
        if (workload, server) in by_row
    ]


def _row(own: Sequence[Round], references: dict[str, list[Round]]) -> Row:
    first = own[0]
    others = {name: rounds for name, rounds in references.items() if rounds and name != first.server}
    missed = [one.miss_share for one in own if one.miss_share is not None]
    return Row(
        server=first.server,
        workload=first.workload,
        rate=figure([one.rate for one in own]),
        cpu_us=figure([one.cpu_us for one in own]),
        cpu_us_by_role={role: figure([one.cpu_us_by_role.get(role, 0.0) for one in own]) for role in _roles(own)},
        ratios={name: _ratio([one.cpu_us for one in own], rounds) for name, rounds in others.items()},
        edge_ratios={
            name: _ratio([one.cpu_us_by_role[EDGE] for one in own], rounds)
            for name, rounds in others.items()
            if EDGE in first.cpu_us_by_role
        },
        reply_bytes=first.reply_bytes,
        miss_share=figure(missed) if missed else None,
    )


def _ratio(costs: Sequence[float], others: Sequence[Round]) -> Figure:
    return figure([cost / other.cpu_us for cost, other in zip(costs, others, strict=True)])


def _roles(rounds: Sequence[Round]) -> list[str]:
    return list(dict.fromkeys(role for one in rounds for role in one.cpu_us_by_role))
