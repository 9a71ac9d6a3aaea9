"""What a miss costs: every request a look-up in Redis or in PostgreSQL, beside services that keep nothing either."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import check, heads, links, servers, wrk
from bench.cores import move_to_load_core
from bench.miss_figures import Row, redis_share, summary
from bench.miss_stores import Stores, stores
from bench.node import node
from bench.rounds import Round, Rounds, must_be_whole
from bench.servers import Contestant, Other
from bench.targets import redirect_rs, v1
from bench.targets.serving import SERVER_CORE
from bench.void import Void
from bench.worker import Worker
from bench.workloads import Workload
from shortlink.datadir import DataFolder

# Many more than fit into the edge's cache, which is as small as can be: one is gone by the time it is asked for again.
LINKS: Final = 100_000
CACHE_MB: Final = 1
LIVE_SECONDS: Final = 20

REDIS: Final = f"edge302 {servers.ENGINES[0]}, each a Redis hit"
POSTGRES: Final = f"edge302 {servers.ENGINES[0]}, each a PostgreSQL read"
PEERS: Final[Mapping[str, Other]] = {
    redirect_rs.CACHE_OFF: Other(redirect_rs.cache_off),
    v1.ONE_GET: Other(v1.one_get),
}


@dataclass(frozen=True, slots=True)
class Misses:
    """The result.

    Attributes:
        redis_share: misses that Redis answered, of those it was meant to answer.
        codes_a_query: under load, in one statement to PostgreSQL.
        answered, counted: clicks of edge302 as the load saw them, and as its statistics say.
    """

    rows: list[Row]
    rounds: list[Round]
    links: int
    redis_share: float
    codes_a_query: float
    answered: int
    counted: int


def measure(folder: Path, rounds: int, seconds: int) -> Misses:
    """Every link as often as every other, in an order that has each asked for once before any is asked for again.

    Redis and PostgreSQL are on the load's core: the servers' core belongs to what answers.

    Raises:
        Void: a reply was wrong, too many requests were no misses, or clicks were counted wrong.
    """
    place = folder / "misses"
    place.mkdir()
    targets = {links.code_of(number): links.target_of(number) for number in range(LINKS)}
    load, run = workload(place / "requests", list(targets)), Rounds()
    with ExitStack() as stack:
        behind = stack.enter_context(stores(place, list(targets.items())))
        contestants = _start(stack, place, targets, behind)
        before = _counters(contestants[REDIS])
        run.run(contestants, [load], rounds, seconds)
        answered_by_redis = redis_share(before, _counters(contestants[REDIS]))
        codes_a_query = _codes_a_query(contestants[POSTGRES], behind, load, run.sizes[load.form], seconds)
        edges = [(one.ledger, one.node) for one in contestants.values() if one.node is not None]
        counted = sum(ledger.compare(running) for ledger, running in edges)
    return Misses(
        rows=summary(run.done, load.servers),
        rounds=run.done,
        links=LINKS,
        redis_share=answered_by_redis,
        codes_a_query=codes_a_query,
        answered=sum(ledger.answered for ledger, _ in edges),
        counted=counted,
    )


def workload(path: Path, codes: Sequence[str]) -> Workload:
    """Each code once and in no order, then all over again."""
    requests = wrk.write_requests(path, (heads.plain(codes[number]) for number in links.uniform(len(codes))))
    return Workload(
        name="each a miss",
        servers=(REDIS, POSTGRES, *PEERS),
        codes=codes,
        requests=lambda _: requests,
        counted_later=True,
    )


def _start(stack: ExitStack, folder: Path, targets: Mapping[str, str], behind: Stores) -> dict[str, Contestant]:
    """The edges first, as the others' replies are made as long as theirs."""
    postgres, redis = behind.postgres.pid, behind.redis_pid
    edges = {
        REDIS: _edge(REDIS, folder / "edge-redis", targets, behind.with_redis, (redis, postgres)),
        POSTGRES: _edge(POSTGRES, folder / "edge-postgres", targets, behind.alone, (postgres,)),
    }
    contestants = {name: stack.enter_context(edge) for name, edge in edges.items()}
    _hear_a_relay(contestants[REDIS])
    probed = contestants[POSTGRES]
    size = check.check(probed.port, [next(iter(targets))], probed.target_of)
    probed.ledger.answered += 1
    for number, (name, peer) in enumerate(PEERS.items()):
        place = folder / f"peer-{number}"
        place.mkdir()
        serving = stack.enter_context(peer.start(place, list(targets.items()), size))
        for pid in serving.more_pids:
            move_to_load_core(pid)
        contestants[name] = Contestant(name, (serving.pid, *serving.more_pids), serving.port, serving.target_of)
    return contestants


@contextmanager
def _edge(
    name: str, folder: Path, targets: Mapping[str, str], settings: Mapping[str, str], behind: Sequence[int]
) -> Iterator[Contestant]:
    """A whole node whose one worker remembers next to nothing. `behind`: processes that it can't do without."""
    data = DataFolder(folder)
    data.create()
    flags = ("--workers", "1", "--engine", servers.ENGINES[0])
    chosen = {**settings, "EDGE302_CACHE_MB": str(CACHE_MB)}
    with node("up", data.root, flags=flags, settings=chosen, prefix=SERVER_CORE) as running:
        pids = (running.pid, *behind)
        yield Contestant(name, pids, running.port, targets.get, node=running, worker=Worker(data))


def _hear_a_relay(edge: Contestant) -> None:
    """Wait until the worker trusts Redis. Void: it does not."""
    deadline = time.monotonic() + LIVE_SECONDS
    while not _counters(edge).get("relay_live"):
        if time.monotonic() > deadline:
            raise Void(f"{edge.name} has heard of no relay for {LIVE_SECONDS} s")
        time.sleep(0.1)


def _counters(edge: Contestant) -> Mapping[str, int]:
    assert edge.worker is not None
    return edge.worker.counters()


def _codes_a_query(edge: Contestant, behind: Stores, load: Workload, reply_bytes: int, seconds: int) -> float:
    """How many look-ups the edge gathers into one under load; beside the rounds, which check replies in another way."""
    behind.forget_statements()
    done = wrk.run(edge.port, load.requests(0), seconds)
    gathered = behind.codes_a_query()
    must_be_whole(edge, load, done, reply_bytes)
    edge.ledger.answered += done.requests
    edge.ledger.in_flight += wrk.CONNECTIONS
    return gathered
