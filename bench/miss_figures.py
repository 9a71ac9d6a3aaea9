"""Measurements of misses in, a row for each server out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import Figure, figure
from bench.rounds import Round
from bench.summary import EDGE
from bench.void import Void

LEAST_MISSED: Final = 0.9  # of all requests; with fewer the figures are not those of misses
LEAST_FROM_REDIS: Final = 0.99  # of all misses, where each is meant to be answered by Redis
_REDIS: Final = "redis-server"
_POSTGRES: Final = ("postgres", "child")  # "child": a process of its own for each connection


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one server.

    Attributes:
        cpu_us: server CPU a request, of all processes.
        server_us: that of the process alone which answers requests.
        behind_us: that of the Redis behind it, or of PostgreSQL where there is none: it counts the clicks as well.
        server_busy: share of the servers' core that the answering process used; near 1 the rate says what it can do.
        cpu_ratios, server_ratios: `cpu_us` and `server_us` as a multiple of the same of other servers, by their names.
        rate_ratios: the rate as a multiple of theirs.
        miss_share: requests that edge302's worker could not answer from memory; None: another server.
    """

    server: str
    rate: Figure
    cpu_us: Figure
    server_us: Figure
    behind_us: Figure
    server_busy: Figure
    cpu_ratios: dict[str, Figure]
    server_ratios: dict[str, Figure]
    rate_ratios: dict[str, Figure]
    miss_share: Figure | None


def summary(rounds: Sequence[Round], order: Sequence[str]) -> list[Row]:
    """Servers in this order; the n-th rounds are compared, ours with each of the others.

    Raises:
        Void: a server of ours had too much in memory.
    """
    by_server = {name: [one for one in rounds if one.server == name] for name in order}
    others = {name: own for name, own in by_server.items() if own[0].miss_share is None}
    return [
        _row(own, {name: peer for name, peer in others.items() if name != own[0].server}) for own in by_server.values()
    ]


def redis_share(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """The share of misses that Redis answered, by a worker's counters. Void: it is not nearly all."""
    hits, others = (after[name] - before[name] for name in ("redis_hits", "store_hits"))
    share = hits / max(1, hits + others)
    if share < LEAST_FROM_REDIS:
        raise Void(f"Redis answered {share:.1%} of the misses, and was meant to answer all")
    return share


def _row(own: Sequence[Round], others: Mapping[str, Sequence[Round]]) -> Row:
    missed = [one.miss_share for one in own if one.miss_share is not None]
    if missed and min(missed) < LEAST_MISSED:
        raise Void(f"{own[0].server} had {1 - min(missed):.0%} of what it was asked for in memory")

    def ratios(of: Callable[[Round], float]) -> dict[str, Figure]:
        return {name: figure([of(a) / of(b) for a, b in zip(own, peer, strict=True)]) for name, peer in others.items()}

    return Row(
        server=own[0].server,
        rate=figure([one.rate for one in own]),
        cpu_us=figure([one.cpu_us for one in own]),
        server_us=figure([_server_us(one) for one in own]),
        behind_us=figure([_behind_us(one) for one in own]),
        server_busy=figure([_server_us(one) * one.rate / 1e6 for one in own]),
        cpu_ratios=ratios(lambda one: one.cpu_us),
        server_ratios=ratios(_server_us),
        rate_ratios=ratios(lambda one: one.rate),
        miss_share=figure(missed) if missed else None,
    )


def _server_us(one: Round) -> float:
    """Of the process that answers: edge302's worker, or the one process that others have."""
    return one.cpu_us_by_role[EDGE if EDGE in one.cpu_us_by_role else "main"]


def _behind_us(one: Round) -> float:
    roles = (_REDIS,) if _REDIS in one.cpu_us_by_role else _POSTGRES
    return sum(one.cpu_us_by_role.get(role, 0.0) for role in roles)
