"""Measurements of nodes beside Kafka in, rows with ratios out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.figures import Figure, figure


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one node under one load.

    Attributes:
        rate: replies a second.
        p50_us, p99_us: from when a request was meant to leave in the open loop; in the closed one an indication.
        cpu_us: of the edge's worker, a request.
        server_busy: share of its core that the worker used.
        behind_us: CPU a request of all else that belongs to the node, its Kafka included, while the load ran.
        lag_p99_us: how late the load itself was, which is in the latencies; None: a closed loop has no schedule.
    """

    node: str
    load: str
    rate: float
    p50_us: float
    p99_us: float
    cpu_us: float
    server_busy: float
    behind_us: float
    lag_p99_us: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one node under one load; the ratios are to another node, taken round by round."""

    node: str
    load: str
    rate: Figure
    p50_us: Figure
    p99_us: Figure
    cpu_us: Figure
    server_busy: Figure
    behind_us: Figure
    rate_ratio: Figure
    p50_ratio: Figure
    p99_ratio: Figure
    cpu_ratio: Figure


def summary(rounds: Sequence[Round], nodes: Sequence[str]) -> list[Row]:
    """Loads in the order of their first round, nodes in this order; the first is what the others are compared with."""
    loads = list(dict.fromkeys(one.load for one in rounds))
    return [_row(_of(rounds, node, load), _of(rounds, nodes[0], load)) for load in loads for node in nodes]


def _of(rounds: Sequence[Round], node: str, load: str) -> list[Round]:
    return [one for one in rounds if (one.node, one.load) == (node, load)]


def _row(own: Sequence[Round], others: Sequence[Round]) -> Row:
    def over(of: Callable[[Round], float]) -> Figure:
        return figure([of(one) for one in own])

    def ratio(of: Callable[[Round], float]) -> Figure:
        return figure([of(one) / of(other) for one, other in zip(own, others, strict=True)])

    return Row(
        node=own[0].node,
        load=own[0].load,
        rate=over(lambda one: one.rate),
        p50_us=over(lambda one: one.p50_us),
        p99_us=over(lambda one: one.p99_us),
        cpu_us=over(lambda one: one.cpu_us),
        server_busy=over(lambda one: one.server_busy),
        behind_us=over(lambda one: one.behind_us),
        rate_ratio=ratio(lambda one: one.rate),
        p50_ratio=ratio(lambda one: one.p50_us),
        p99_ratio=ratio(lambda one: one.p99_us),
        cpu_ratio=ratio(lambda one: one.cpu_us),
    )
