"""Rounds of a load that makes links, and the row that they become."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from bench import cpu
from bench.figures import Figure, figure
from bench.node import Node
from devstack.postgres import Postgres

WARM_UP_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one load.

    Attributes:
        rate: links a second.
        p50_ms, p99_ms: until the reply to a request; None: a request makes many links.
        cpu_us, database_us: CPU a link, of the API process, and of PostgreSQL.
        server_busy: share of the servers' core that the API process used.
        rates, p99s_ms: of every round.
        links: that were answered with 201, in the warm-up too.
    """

    load: str
    rate: Figure
    p50_ms: Figure | None
    p99_ms: Figure | None
    cpu_us: Figure
    database_us: Figure
    server_busy: Figure
    rates: list[float]
    p99s_ms: list[float]
    links: int


class Done(NamedTuple):
    """One run of a load. `p50_us`, `p99_us`: None: a request makes many links."""

    links: int
    seconds: float
    p50_us: int | None = None
    p99_us: int | None = None


class Round(NamedTuple):
    """A measurement. `api_seconds`, `database_seconds`: CPU that it took."""

    done: Done
    api_seconds: float
    database_seconds: float


Load = Callable[[int], Done]  # for so many seconds


def measure_load(name: str, load: Load, api: Node, database: Postgres, rounds: int, seconds: int) -> Row:
    """Run a load again and again, after a warm-up."""
    warm_up, measured = load(WARM_UP_SECONDS), []
    for number in range(rounds):
        measured.append(_round(load, api, database, seconds))
        print(f"round {number + 1}  {_progress(name, measured[-1])}", file=sys.stderr, flush=True)
    return row(name, warm_up.links, measured)


def row(name: str, warm_up: int, rounds: Sequence[Round]) -> Row:
    """`warm_up`: links made before the first round."""
    runs = [one.done for one in rounds]
    rates = [one.links / one.seconds for one in runs]
    p50s_ms = [one.p50_us / 1e3 for one in runs if one.p50_us is not None]
    p99s_ms = [one.p99_us / 1e3 for one in runs if one.p99_us is not None]
    return Row(
        load=name,
        rate=figure(rates),
        p50_ms=figure(p50s_ms) if p50s_ms else None,
        p99_ms=figure(p99s_ms) if p99s_ms else None,
        cpu_us=figure([one.api_seconds / one.done.links * 1e6 for one in rounds]),
        database_us=figure([one.database_seconds / one.done.links * 1e6 for one in rounds]),
        server_busy=figure([one.api_seconds / one.done.seconds for one in rounds]),
        rates=rates,
        p99s_ms=p99s_ms,
        links=warm_up + sum(one.links for one in runs),
    )


def _round(load: Load, api: Node, database: Postgres, seconds: int) -> Round:
    before = _used(api, database)
    done = load(seconds)
    now = _used(api, database)
    return Round(done, now[0] - before[0], now[1] - before[1])


def _used(api: Node, database: Postgres) -> tuple[float, float]:
    """CPU seconds so far, of the API and of PostgreSQL."""
    return sum(cpu.cpu_seconds(api.pid).values()), sum(cpu.cpu_seconds(database.pid).values())


def _progress(name: str, one: Round) -> str:
    waited = "" if one.done.p99_us is None else f", p99 {one.done.p99_us / 1e3:.1f} ms"
    busy = one.api_seconds / one.done.seconds
    return f"{name:40} {one.done.links / one.done.seconds:9,.0f} links/s  server {busy:.0%} busy{waited}"
