"""A small result of the whole benchmark, made of the parts' own types."""

from typing import Any

import msgspec

from bench.chain.speed import Speed
from bench.creates import Creates
from bench.figures import figure
from bench.idle import Idle
from bench.kafka_beside import BesideKafka
from bench.kafka_figures import Round as KafkaRound
from bench.kafka_figures import summary as kafka_summary
from bench.latency import Latency
from bench.latency_figures import Case, ratios
from bench.latency_figures import Round as LatencyRound
from bench.latency_figures import summary as latency_summary
from bench.memory import Held, Memory
from bench.miss_figures import summary as misses_summary
from bench.misses import REDIS, Misses
from bench.questions import Questions
from bench.questions import Row as QuestionRow
from bench.redirects import Redirects
from bench.resources import Resources
from bench.rounds import Round
from bench.servers import BARE, EDGES, NGINX
from bench.startup import Startup
from bench.summary import summary
from bench.syscalls import Syscalls, Trace
from bench.visibility import Visibility
from bench.visibility import summary as delays
from bench.write_rounds import Done, row
from bench.write_rounds import Round as WriteRound
from bench.writes import Writes

EDGE = "edge302 python"
LOADS = ("80 % of nginx's most", "50 % of nginx's most")
MACHINE = dict.fromkeys(("edge302", "commit", "cores", "cpu", "kernel", "python", "nginx"), "known")
PARAMETERS = {"name": "test", "rounds": 2, "seconds": 3}


def whole_result() -> dict[str, Any]:
    """As it is read back from its file."""
    parts = {
        "redirects": redirects(),
        "latency": latency(),
        "resources": resources(),
        "creates": Creates(figure([5000.0]), figure([30.0]), figure([165.0]), figure([1.0]), [5000.0], 10, 10),
        "visibility": Visibility(delays([1.0, 2.0]), {"edit": delays([1.0])}, 4, {"edit": [1.0]}),
        "misses": misses(),
        "writes": writes(),
        "clicks": Speed(figure([600_000.0]), figure([50_000.0]), {"clicks": figure([9.0])}, delays([900.0]), 1_000),
        "questions": Questions([QuestionRow("SQLite", 5_000_000, "totals", "service", 9.0, 12.0, 13.0, 800.0)]),
        "kafka": kafka(),
        "base_url": None,
    }
    head = {"schema": 2, "date": "2026-11-24T08:00:00+00:00", "machine": MACHINE, "parameters": PARAMETERS}
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode({**head, **parts}))
    return decoded


def redirects() -> Redirects:
    costs = {EDGE: 9.0, NGINX: 4.5, BARE: 6.0}
    workloads = ("plain, Zipf keys", "16 deep, 100k links")
    rounds = [
        one_round(server, load, cost * slowness)
        for slowness in (1, 1.5)
        for load in workloads
        for server, cost in costs.items()
    ]
    return Redirects(summary(rounds), rounds, 100_000, 318, 7, 1_000, 1_001)


def latency() -> Latency:
    rounds = [
        LatencyRound(server, load, rate, rate, rate != 88_000 or server == NGINX, 100, p99, 900, 1_000, None, 0, 5, 0.5)
        for load, rate in zip(LOADS, (88_000, 55_000), strict=True)
        for server, p99 in ((EDGE, 250.0), (NGINX, 200.0))
    ]
    compared = ratios(rounds, [(f"to nginx, {load}", Case(EDGE, load), Case(NGINX, load)) for load in LOADS])
    return Latency(figure([110_000.0]), latency_summary(rounds), compared, rounds)


def resources() -> Resources:
    return Resources(
        memory=[
            Memory("python", 80, 64, 20, Held(1_000, 1_000, 170_000_000, 170.0), Held(2_000, 1_000, 180_000_000, 180.0))
        ],
        idle=[Idle("python", 10_000, 3_072.0)],
        syscalls=[Syscalls("python", "plain", 10, 2.02, 1.5, 1.0, 1.0, 0.0, Trace({}, {}, 10, 15, 500))],
        startup=[Startup("python", figure([0.8]), [0.8])],
    )


def misses() -> Misses:
    costs = {REDIS: 9.0, "axum, cache off": 6.0}
    rounds = [
        one_round(server, "each a miss", cost, miss_share=0.95 if server == REDIS else None)
        for server, cost in costs.items()
    ]
    return Misses(misses_summary(rounds, list(costs)), rounds, 1_000, 1.0, 25.5, 1_000, 1_001)


def writes() -> Writes:
    rounds = [WriteRound(Done(10_000, 1.0, 4_000, p99_us), 0.9, 0.1) for p99_us in (9_000, 21_000)]
    many = [WriteRound(Done(100_000, 1.0), 0.9, 0.5)]
    rows = [row("POST /api/shorten", 1, rounds), row("POST /api/links/bulk", 1, many)]
    return Writes(rows, {"fsync": "on"}, 3, 120_002, 120_003)


def kafka() -> BesideKafka:
    rounds = [
        KafkaRound(node, "15,000 requests a second", 15_000.0, 80.0, p99_us, 8.0 * slowness, 0.12, 9.0, 30.0)
        for slowness in (1, 1.5)
        for node, p99_us in (("no single clicks", 200.0), ("in SQLite and Kafka", 250.0))
    ]
    return BesideKafka(kafka_summary(rounds, ["no single clicks", "in SQLite and Kafka"]), rounds, 1_000, 1_001, 500)


def one_round(
    server: str, workload: str, cpu_us: float, *, counting_us: float = 1.0, miss_share: float | None = None
) -> Round:
    """A measurement of one server. `counting_us`: what the shipper takes of it, if the server is the edge."""
    is_edge = server in EDGES or miss_share is not None
    by_role = {"gateway": cpu_us - counting_us, "clicks": counting_us} if is_edge else {"main": cpu_us}
    return Round(
        server=server,
        workload=workload,
        requests=1_000,
        rate=1e6 / cpu_us,
        cpu_us=cpu_us,
        cpu_us_by_role=by_role,
        server_busy=1.0,
        load_busy=0.5,
        p50_us=1,
        p99_us=2,
        reply_bytes=318,
        miss_share=miss_share,
        edits=0,
    )
