"""What a redirect costs with Kafka there, hanging, and without: nodes side by side, in interleaved rounds."""

import random
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from bench import check, cpu, heads, links, openloop, wrk
from bench.cores import first
from bench.filling import write_store
from bench.kafka_figures import Round, Row, summary
from bench.kafka_nodes import NODES, TROUBLE_SECONDS, Edge, edge
from bench.openloop import Order
from bench.rounds import must_be_whole
from bench.summary import EDGE
from bench.void import Void
from bench.workloads import Workload

LINKS: Final = 100_000
# A tenth of what the worker can do: what hinders it would show in latencies, and is no queue of its own.
OFFERED: Final = 15_000
OPEN: Final = f"{OFFERED:,} requests a second"
CLOSED: Final = "as many as it can"


@dataclass(frozen=True, slots=True)
class BesideKafka:
    """The result.

    Attributes:
        answered, counted: clicks of all nodes as the load saw them, and as their statistics say.
        published: events that readers of Kafka met, each once.
    """

    rows: list[Row]
    rounds: list[Round]
    answered: int
    counted: int
    published: int


@dataclass(frozen=True, slots=True)
class _Run:
    """What all measurements share."""

    load: Workload
    seconds: int


def measure(folder: Path, rounds: int, seconds: int) -> BesideKafka:
    """Each node in each round, in an order drawn anew.

    Raises:
        Void: a reply was wrong, clicks don't add up, or came to Kafka twice.
    """
    openloop.program()
    place = folder / "kafka"
    place.mkdir()
    targets = {links.code_of(number): links.target_of(number) for number in range(LINKS)}
    store = place / "links.db"
    write_store(store, list(targets.items()))
    run, measured = _Run(_workload(place / "requests", list(targets)), seconds), []
    with ExitStack() as stack:
        edges = []
        for number, name in enumerate(NODES):
            own = place / f"node-{number}"
            own.mkdir()
            edges.append(stack.enter_context(edge(name, own, store, targets)))
        for number in range(rounds):
            for one in random.Random(number).sample(edges, len(edges)):
                for done in _measured(one, run):
                    measured.append(done)
                    print(f"round {number + 1}  {_progress(done)}", file=sys.stderr, flush=True)
        sums = [_compared(one) for one in edges]
    return BesideKafka(
        rows=summary(measured, NODES),
        rounds=measured,
        answered=sum(one.server.ledger.answered for one in edges),
        counted=sum(one["counted"] for one in sums),
        published=sum(one.get("events in Kafka", 0) for one in sums),
    )


def _workload(path: Path, codes: list[str]) -> Workload:
    requests = wrk.write_requests(path, (heads.plain(codes[number]) for number in links.zipf(len(codes), LINKS)))
    return Workload(name=CLOSED, servers=NODES, codes=codes, requests=lambda _: requests)


def _measured(one: Edge, run: _Run) -> Iterator[Round]:
    """Both loads; the next node's turn is when this one's clicks are where they belong."""
    with one.measured():
        if one.hangs:
            _until_it_is_noticed(one, run)
        for load in (_open_loop, _closed_loop):
            yield load(one, run)
    one.settle()


def _until_it_is_noticed(one: Edge, run: _Run) -> None:
    """Shippers wait a while for an answer; this is about the time when they know. Void: it was not noticed."""
    before, deadline = one.troubles(), time.monotonic() + TROUBLE_SECONDS
    _check(one, run)
    while one.troubles() == before:
        if time.monotonic() > deadline:
            raise Void(f"Kafka has hung for {TROUBLE_SECONDS:.0f} s, and the shipper does not say so")
        time.sleep(0.2)


def _check(one: Edge, run: _Run) -> int:
    """Ask for every link, so that all are warm, and the shipper has work. Returns the size of a reply."""
    size = check.check(one.server.port, run.load.codes, one.server.target_of)
    one.server.ledger.answered += len(run.load.codes)
    return size


def _open_loop(one: Edge, run: _Run) -> Round:
    size = _check(one, run)
    order = Order(requests=run.load.requests(0), rate=OFFERED, seconds=run.seconds, reply_bytes=size, sleeps=True)
    before = _spent(one)
    done = openloop.send(one.server.port, order)
    cost = _spent(one).since(before, order.all_requests)
    one.server.ledger.in_flight += done.unanswered
    one.server.ledger.answered += order.all_requests - done.unanswered
    return Round(
        node=one.name,
        load=OPEN,
        rate=openloop.reached(done, order),
        p50_us=done.hits.p50_ns / 1e3,
        p99_us=done.hits.p99_ns / 1e3,
        cpu_us=cost.cpu_us,
        server_busy=cost.cpu_us * order.all_requests / (done.elapsed_ns / 1e3),
        behind_us=cost.behind_us,
        lag_p99_us=done.lag.p99_ns / 1e3,
    )


def _closed_loop(one: Edge, run: _Run) -> Round:
    size, before = _check(one, run), _spent(one)
    done = wrk.run(one.server.port, run.load.requests(0), run.seconds, prefix=first())
    cost = _spent(one).since(before, done.requests)
    must_be_whole(one.server, run.load, done, size)
    one.server.ledger.answered += done.requests
    one.server.ledger.in_flight += wrk.CONNECTIONS
    return Round(
        node=one.name,
        load=CLOSED,
        rate=done.rate,
        p50_us=done.p50_us,
        p99_us=done.p99_us,
        cpu_us=cost.cpu_us,
        server_busy=cost.cpu_us * done.rate / 1e6,
        behind_us=cost.behind_us,
        lag_p99_us=None,
    )


class _Cost(NamedTuple):
    """Of a request."""

    cpu_us: float
    behind_us: float


class _Spent(NamedTuple):
    """CPU seconds up to a moment: of the worker `pid`, and of all else that belongs to its node."""

    pid: int
    worker: float
    behind: float

    def since(self, before: "_Spent", requests: int) -> _Cost:
        """What each of so many requests took. Void: the worker is another one than before."""
        if self.pid != before.pid:
            raise Void("a node lost its worker under load")
        cost = ((after - then) / requests * 1e6 for after, then in zip(self[1:], before[1:], strict=True))
        return _Cost(*cost)


def _spent(one: Edge) -> _Spent:
    by_role = cpu.cpu_seconds(one.node.pid, *([one.behind.broker.pid] if one.behind else []))
    by_role.pop(EDGE, None)
    pid = one.worker.pid
    return _Spent(pid, cpu.process_seconds(pid), sum(by_role.values()))


def _compared(one: Edge) -> dict[str, int]:
    """All sums of a node. Void: they are not what the load saw, or an event came to Kafka twice."""
    one.server.ledger.compare(one.node)
    sums = one.settle()
    if one.behind is not None and one.behind.topic.twice:
        raise Void(f"readers of Kafka met {one.behind.topic.twice} events twice")
    return sums


def _progress(one: Round) -> str:
    return (
        f"{one.load:24} {one.node:24} {one.rate:9,.0f}/s  p50 {one.p50_us:,.0f}  p99 {one.p99_us:,.0f} µs  "
        f"{one.cpu_us:6.2f} µs, worker {one.server_busy:.0%} busy; behind it {one.behind_us:.2f} µs"
        + (f"; load late by {one.lag_p99_us:,.0f} µs (p99)" if one.lag_p99_us is not None else "")
    )
