"""What a visitor waits at rates that no server may slow down: beside nginx, beside misses, beside slow heads."""

import itertools
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench import check, cpu, heads, links, openloop, wrk
from bench.figures import Figure, figure
from bench.latency_figures import Case, Round, Row, ratios, summary
from bench.openloop import Late, Order
from bench.redirects import ENGINES
from bench.targets import serving
from bench.targets.serving import Serving
from bench.targets.slow_edge import slow_edge
from bench.void import Void

LINKS: Final = 100_000  # all are asked for before each measurement, so that all are warm
SAMPLE: Final = 1_000  # checked after it
STORE_MS: Final = 50
# Beside misses all are asked for alike, and each once a second or so: seldomer ones would come to the end of their
# lifetime before they are asked for anew, and so be misses that count as hits.
HITS: Final = 20_000
MISS_EVERY: Final = 10
SLOW_HEADS: Final = 4_000
# The edge closes each of them after 5 s; by then they are closed, and opened anew, all the time.
SLOW_WARM_UP_SECONDS: Final = 6
# Enough that hits find a free one while misses wait: some 5,000 misses a second, 0.1 s each.
CONNECTIONS_BESIDE_MISSES: Final = 1_000
TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent. `percent`: of the rate that nginx reaches at most; its warm-up is not recorded."""

    name: str
    percent: int
    warm_up_seconds: int = 1
    connections: int = wrk.CONNECTIONS
    misses: bool = False
    slow_heads: int = 0


BESIDE_NGINX: Final = (Load("80 % of nginx's most", 80), Load("50 % of nginx's most", 50))
ALONE: Final = Load("30 % of nginx's most", 30, SLOW_WARM_UP_SECONDS)
BESIDE_SLOW_HEADS: Final = replace(ALONE, name=f"30 %, beside {SLOW_HEADS:,} slow heads", slow_heads=SLOW_HEADS)
CALM: Final = Load(f"30 %, {CONNECTIONS_BESIDE_MISSES:,} connections", 30, connections=CONNECTIONS_BESIDE_MISSES)
BESIDE_MISSES: Final = replace(CALM, name=f"30 %, 1 in {MISS_EVERY} a miss, store {STORE_MS} ms", misses=True)


@dataclass(frozen=True, slots=True)
class Latency:
    """The result.

    Attributes:
        saturation: replies a second of nginx `return 302` in a closed loop; rates are shares of its median.
        ratios: of two p99 by what they compare, taken round by round; only where both carried the rate.
    """

    saturation: Figure
    rows: list[Row]
    ratios: dict[str, Figure]
    rounds: list[Round]


@dataclass(slots=True)
class _Run:
    """What all measurements share. `cold`: codes of links that no server has seen yet."""

    folder: Path
    codes: Sequence[str]
    requests: Path
    reply_bytes: int
    most: float
    seconds: int
    cold: Iterator[str] = field(default_factory=lambda: iter(()))

    def order(self, load: Load) -> Order:
        """What to send under this load; misses are not in it yet."""
        return Order(
            requests=self.requests,
            rate=round(self.most * load.percent / 100),
            seconds=self.seconds,
            reply_bytes=self.reply_bytes,
            warm_up_seconds=load.warm_up_seconds,
            connections=load.connections,
            miss_every=MISS_EVERY,
            slow_heads=load.slow_heads,
        )

    def misses(self, load: Load) -> int:
        """How many links are missed in one measurement."""
        return self.order(load).all_requests // MISS_EVERY


def measure(folder: Path, rounds: int, seconds: int) -> Latency:
    """Run everything in a folder of its own under `folder`.

    Raises:
        Void: a reply was wrong, a connection failed, or the load came late again and again.
    """
    openloop.program()
    own = folder / "latency"
    own.mkdir()
    pairs = _links(range(LINKS))
    codes = [code for code, _ in pairs]
    requests = _write(own / "popular.requests", [codes[number] for number in links.zipf(LINKS, LINKS)])
    with ExitStack() as stack:
        edges = [stack.enter_context(serving.edge302(own, pairs, engine))[0] for engine in ENGINES]
        size = check.check(edges[0].port, codes[:1], edges[0].target_of)
        nginx = stack.enter_context(serving.nginx_return(own, size))
        saturation = figure([wrk.run(nginx.port, requests, seconds).rate for _ in range(rounds)])
        run = _Run(own, codes, requests, size, saturation.median, seconds)
        plan = [(server, load) for server in (*edges, nginx) for load in BESIDE_NGINX]
        measured = _rounds(run, [*plan, (edges[0], ALONE), (edges[0], BESIDE_SLOW_HEADS)], rounds)
    measured += _beside_misses(run, rounds)
    return Latency(
        saturation=saturation,
        rows=summary(measured),
        ratios=ratios(measured, _comparisons([edge.name for edge in edges], nginx.name)),
        rounds=measured,
    )


def _beside_misses(run: _Run, rounds: int) -> list[Round]:
    pairs = _links(range(HITS + run.misses(BESIDE_MISSES) * TRIES * rounds))
    codes = [code for code, _ in pairs]
    hits = _write(run.folder / "hits.requests", [codes[number] for number in links.uniform(HITS)])
    run = replace(run, codes=codes[:HITS], requests=hits, cold=iter(codes[HITS:]))
    with slow_edge(run.folder, pairs, ENGINES[0], STORE_MS) as server:
        return _rounds(run, [(server, CALM), (server, BESIDE_MISSES)], rounds)


def _write(path: Path, codes: Iterable[str]) -> Path:
    return wrk.write_requests(path, map(heads.plain, codes))


def _links(numbers: Sequence[int]) -> list[tuple[str, str]]:
    return [(links.code_of(number), links.target_of(number)) for number in numbers]


def _comparisons(edges: Sequence[str], nginx: str) -> Iterator[tuple[str, Case, Case]]:
    """A name, what is compared, and with what."""
    for edge in edges:
        for load in BESIDE_NGINX:
            yield f"{edge} to nginx at {load.percent} %", Case(edge, load.name), Case(nginx, load.name)
    first = edges[0]
    yield f"{first}, beside slow heads to alone", Case(first, BESIDE_SLOW_HEADS.name), Case(first, ALONE.name)
    yield f"{first}, hits beside misses to calm", Case(first, BESIDE_MISSES.name), Case(first, CALM.name)


def _rounds(run: _Run, plan: Sequence[tuple[Serving, Load]], rounds: int) -> list[Round]:
    measured = []
    for number in range(rounds):
        # No server always goes first, or always after the same one.
        for server, load in random.Random(number).sample(plan, len(plan)):
            one = _measure(run, server, load)
            measured.append(one)
            print(f"round {number + 1}  {_progress(one)}", file=sys.stderr, flush=True)
    return measured


def _progress(one: Round) -> str:
    return (
        f"{one.load:38} {one.server:18} {one.reached:9,.0f} of {one.offered:,}/s  "
        f"p50 {one.p50_us:,.0f}  p99 {one.p99_us:,.0f}  p99.9 {one.p999_us:,.0f} µs"
    )


def _measure(run: _Run, server: Serving, load: Load) -> Round:
    """Again when the load itself came late; Void: it does so each time."""
    for _ in range(TRIES):
        try:
            return _measure_once(run, server, load)
        except Late as late:
            reason = late
            print(f"{server.name} again: {late}", file=sys.stderr, flush=True)
    raise Void(str(reason))


def _measure_once(run: _Run, server: Serving, load: Load) -> Round:
    check.check(server.port, run.codes, server.target_of)  # this warms up, too
    cpu.settle(server.pid)
    order = run.order(load)
    if load.misses:
        cold = itertools.islice(run.cold, run.misses(load))
        order = order.missing(_write(run.folder / "cold.requests", cold))
    # On one core with the edge the shipper would show, not the edge: Linux lets a process that computes have its core
    # until the next tick, up to 4 ms. Clicks are recorded meanwhile, and counted afterwards.
    with cpu.held("clicks", server.pid):
        done = openloop.run(server.port, order)
    check.check(server.port, random.sample(run.codes, SAMPLE), server.target_of)
    return Round(
        server=server.name,
        load=load.name,
        offered=order.rate,
        reached=openloop.reached(done, order),
        carried=openloop.carries(done, order),
        p50_us=done.hits.p50_ns / 1e3,
        p99_us=done.hits.p99_ns / 1e3,
        p999_us=done.hits.p999_ns / 1e3,
        max_us=done.hits.max_ns / 1e3,
        miss_p99_us=done.misses.p99_ns / 1e3 if load.misses else None,
        slow_replaced=done.slow_replaced,
        lag_p99_us=done.lag.p99_ns / 1e3,
        load_busy=done.busy_ns / done.elapsed_ns,
    )
