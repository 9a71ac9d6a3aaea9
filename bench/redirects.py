"""What a redirect costs: every server under the same requests, in interleaved rounds."""

import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import check, cpu, heads, links, wrk
from bench.figures import Figure, figure
from bench.node import Node
from bench.targets import serving
from bench.targets.serving import Serving
from bench.void import Void

LINKS: Final = 100_000
SAMPLE: Final = 1_000  # codes checked after each measurement; before it all are
# Long enough for each copy in the edge's cache to come to the end of its lifetime once.
LONG_SECONDS: Final = 30
NGINX: Final = "nginx return 302"
BARE: Final = "bare uvloop + httptools + dict"
ENGINES: Final = ("python",)


@dataclass(frozen=True, slots=True)
class Workload:
    """What is sent.

    Attributes:
        requests: a file of raw requests.
        depth: how many of them each write holds.
        seconds: for how long, once; None: as long as was asked for, in every round.
    """

    name: str
    requests: Path
    depth: int = 1
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement. `cpu_us`: server CPU per request, user and system, of all its processes."""

    server: str
    workload: str
    requests: int
    rate: float
    cpu_us: float
    cpu_us_by_role: dict[str, float]
    server_busy: float
    load_busy: float
    p50_us: int
    p99_us: int


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one server under one workload. Ratios are taken round by round, then the median of them."""

    server: str
    workload: str
    rate: Figure
    cpu_us: Figure
    cpu_us_by_role: dict[str, Figure]
    to_nginx: Figure
    to_bare: Figure


@dataclass(frozen=True, slots=True)
class Redirects:
    """The result. `answered`, `counted`: clicks of edge302 as the load saw them, and as its statistics say."""

    rows: list[Row]
    rounds: list[Round]
    links: int
    reply_bytes: int
    replies_checked: int
    answered: int
    counted: int


@dataclass(slots=True)
class _Run:
    """What grows while the rounds go on."""

    codes: Sequence[str]
    reply_bytes: int
    checked: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    slack: int = 0  # requests that were in flight when a load ended: answered, perhaps, but not seen
    rounds: list[Round] = field(default_factory=list)

    def check(self, server: Serving, codes: Sequence[str]) -> None:
        size = check.check(server.port, codes, server.target_of)
        if size != self.reply_bytes:
            raise Void(f"{server.name} replies with {size} bytes, the others with {self.reply_bytes}")
        self.checked += len(codes)
        self.saw(server, len(codes))

    def saw(self, server: Serving, replies: int) -> None:
        self.answered[server.name] = self.answered.get(server.name, 0) + replies


def measure(folder: Path, rounds: int, seconds: int) -> Redirects:
    """Run the whole comparison in `folder`.

    Raises:
        Void: a reply was wrong, or edge302 counted other clicks than it answered.
    """
    pairs = [(links.code_of(number), links.target_of(number)) for number in range(LINKS)]
    codes = [code for code, _ in pairs]
    with ExitStack() as stack:
        nodes = [stack.enter_context(serving.edge302(folder, pairs, engine)) for engine in ENGINES]
        size = check.check(nodes[0][0].port, codes[:1], nodes[0][0].target_of)
        servers = [server for server, _ in nodes]
        servers.append(stack.enter_context(serving.bare(folder, pairs)))
        servers.append(stack.enter_context(serving.nginx_return(folder, size)))
        run = _Run(codes, size)
        run.saw(nodes[0][0], 1)
        workloads = list(_workloads(folder, codes))
        for number in range(rounds):
            _round(run, servers, [one for one in workloads if number == 0 or not one.seconds], seconds, number)
        answered, counted = _ledger(run, nodes)
    return Redirects(
        rows=summary(run.rounds),
        rounds=run.rounds,
        links=LINKS,
        reply_bytes=size,
        replies_checked=run.checked,
        answered=answered,
        counted=counted,
    )


def summary(rounds: Sequence[Round]) -> list[Row]:
    """Medians of rounds; the n-th round of one server is compared with the n-th of the others."""
    by_row: dict[tuple[str, str], list[Round]] = {}
    for one in rounds:
        by_row.setdefault((one.workload, one.server), []).append(one)
    workloads = list(dict.fromkeys(one.workload for one in rounds))
    servers = sorted({one.server for one in rounds}, key=lambda name: (name != NGINX, name != BARE, name))
    return [_row(workload, server, by_row) for workload in workloads for server in servers]


def _row(workload: str, server: str, by_row: dict[tuple[str, str], list[Round]]) -> Row:
    own = by_row[workload, server]

    def ratio_to(other: str) -> Figure:
        return figure([a.cpu_us / b.cpu_us for a, b in zip(own, by_row[workload, other], strict=True)])

    return Row(
        server=server,
        workload=workload,
        rate=figure([one.rate for one in own]),
        cpu_us=figure([one.cpu_us for one in own]),
        cpu_us_by_role={
            role: figure([one.cpu_us_by_role.get(role, 0.0) for one in own]) for role in own[0].cpu_us_by_role
        },
        to_nginx=ratio_to(NGINX),
        to_bare=ratio_to(BARE),
    )


def _workloads(folder: Path, codes: Sequence[str]) -> Iterator[Workload]:
    popular = [codes[number] for number in links.zipf(len(codes), len(codes))]
    every = [codes[number] for number in links.uniform(len(codes))]
    plain = [heads.plain(code) for code in popular]
    browsers = (heads.browser(code, number) for number, code in enumerate(popular))
    popular_file = wrk.write_requests(folder / "popular.requests", plain)
    yield Workload("plain, Zipf keys", popular_file)
    yield Workload("plain, uniform keys", wrk.write_requests(folder / "uniform.requests", map(heads.plain, every)))
    yield Workload("browser heads, Zipf keys", wrk.write_requests(folder / "browser.requests", browsers))
    deep_file = wrk.write_requests(folder / "deep.requests", heads.pipelined(plain))
    yield Workload(f"plain, {heads.DEPTH} deep", deep_file, depth=heads.DEPTH)
    yield Workload(f"plain, Zipf keys, {LONG_SECONDS} s", popular_file, seconds=LONG_SECONDS)


def _round(run: _Run, servers: Sequence[Serving], workloads: Sequence[Workload], seconds: int, number: int) -> None:
    chance = random.Random(number)
    for workload in workloads:
        # No server always goes first, or always after the same one.
        for server in chance.sample(servers, len(servers)):
            one = _measure(run, server, workload, workload.seconds or seconds)
            run.rounds.append(one)
            print(f"round {number + 1}  {_progress(one)}", file=sys.stderr, flush=True)


def _progress(one: Round) -> str:
    return (
        f"{one.workload:25} {one.server:31} {one.rate:9,.0f}/s  {one.cpu_us:6.2f} µs  "
        f"server {one.server_busy:.0%}, load {one.load_busy:.0%} busy"
    )


def _measure(run: _Run, server: Serving, workload: Workload, seconds: int) -> Round:
    run.check(server, run.codes)  # this warms up, too
    cpu.settle(server.pid)
    before = cpu.cpu_seconds(server.pid)
    load = wrk.run(server.port, workload.requests, seconds)
    at_end = cpu.cpu_seconds(server.pid)
    cpu.settle(server.pid)  # clicks are counted a moment later: that belongs to the price
    after = cpu.cpu_seconds(server.pid)
    in_flight = wrk.CONNECTIONS * workload.depth
    _must_be_whole(server, load, run.reply_bytes, in_flight)
    run.saw(server, load.requests)
    run.slack += in_flight
    run.check(server, random.Random(len(run.rounds)).sample(run.codes, SAMPLE))
    by_role = {role: (after[role] - before.get(role, 0.0)) / load.requests * 1e6 for role in after}
    return Round(
        server=server.name,
        workload=workload.name,
        requests=load.requests,
        rate=load.rate,
        cpu_us=sum(by_role.values()),
        cpu_us_by_role=by_role,
        server_busy=(sum(at_end.values()) - sum(before.values())) / load.seconds,
        load_busy=load.busy,
        p50_us=load.p50_us,
        p99_us=load.p99_us,
    )


def _must_be_whole(server: Serving, load: wrk.Load, reply_bytes: int, in_flight: int) -> None:
    """All replies have one size: another reply than a redirect would show in the bytes."""
    surplus = load.bytes_read - load.requests * reply_bytes
    if not 0 <= surplus <= in_flight * reply_bytes:
        raise Void(f"{server.name}: {load.requests} replies of {reply_bytes} bytes are not {load.bytes_read} bytes")


def _ledger(run: _Run, nodes: Sequence[tuple[Serving, Node]]) -> tuple[int, int]:
    """Clicks answered and clicks counted of all engines together; Void: they differ by more than what was in flight."""
    answered = counted = 0
    for server, node in nodes:
        cpu.settle(server.pid)
        time.sleep(1)  # the promise: a click is in the statistics within a second
        status, stats = node.ask("GET", "/api/stats")
        own = run.answered[server.name]
        if status != 200 or not own <= stats["total"] <= own + run.slack:
            raise Void(f"{server.name} answered {own} redirects and counted {stats}")
        answered, counted = answered + own, counted + stats["total"]
    return answered, counted
