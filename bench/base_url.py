"""A server that runs already, measured from outside by its URL: any shortener, so that two stacks can be compared."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import creates, links, wrk
from bench.figures import Figure, figure
from bench.shortener import Made, Shortener
from bench.void import Void

SAMPLE: Final = 1_000  # links followed before and after each measurement
_LUA: Final = Path(__file__).parent / "lua"


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement. `requests`: complete replies; `errors`: those above 399, and connections that failed."""

    scenario: str
    requests: int
    errors: int
    rate: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """All rounds of one scenario. `rate`: right replies a second; latencies are closed-loop ones."""

    scenario: str
    rate: Figure
    p50_ms: Figure
    p99_ms: Figure
    error_share: Figure


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """The result. `links`: made before; `checked`: redirects compared with their targets one by one."""

    base_url: str
    api_url: str
    links: int
    checked: int
    scenarios: list[Scenario]
    rounds: list[Round]


@dataclass(frozen=True, slots=True)
class _Load:
    """What wrk is told: threads, script, URL, and the script's arguments."""

    scenario: str
    url: str
    arguments: Sequence[str]
    threads: int = 1
    script: str = "replay.lua"


def measure(folder: Path, rounds: int, seconds: int, server: Shortener, count: int) -> BaseUrl:
    """Every scenario in every round, over `count` links made before.

    Raises:
        Void: it can't be reached, refuses to make links, or a redirect leads elsewhere.
    """
    made = server.make([links.target_of(number) for number in range(count)])
    print(f"made {len(made):,} links", file=sys.stderr, flush=True)
    checked = server.check(made)
    measured = []
    loads = list(_loads(folder, server, made))
    for number in range(rounds):
        for load in random.Random(number).sample(loads, len(loads)):
            measured.append(_run(load, seconds))
            print(f"round {number + 1}  {_progress(measured[-1])}", file=sys.stderr, flush=True)
            checked += server.check(random.Random(checked).sample(made, min(count, SAMPLE)))
    return BaseUrl(
        base_url=server.base_url,
        api_url=server.api_url or server.base_url,
        links=len(made),
        checked=checked,
        scenarios=[summary([one for one in measured if one.scenario == load.scenario]) for load in loads],
        rounds=measured,
    )


def summary(rounds: Sequence[Round]) -> Scenario:
    """The rounds of one scenario, at least one, as figures."""
    return Scenario(
        scenario=rounds[0].scenario,
        rate=figure([one.rate for one in rounds]),
        p50_ms=figure([one.p50_ms for one in rounds]),
        p99_ms=figure([one.p99_ms for one in rounds]),
        error_share=figure([one.errors / max(one.requests, one.errors) for one in rounds]),
    )


def parse(scenario: str, output: str) -> Round:
    """Read the line that replay.lua prints at the end. Void: no reply came at all."""
    done = json.loads(output.splitlines()[-1])
    if not done["requests"]:
        raise Void(f"{scenario}: no reply, {done['errors']}")
    return Round(
        scenario=scenario,
        requests=done["requests"],
        errors=sum(done["errors"].values()),
        rate=(done["requests"] - done["errors"]["status"]) / done["duration_us"] * 1e6,
        p50_ms=done["p50_us"] / 1e3,
        p99_ms=done["p99_us"] / 1e3,
    )


def _loads(folder: Path, server: Shortener, made: Sequence[Made]) -> Iterator[_Load]:
    base_url, api_url, api = server.public.geturl(), server.api.geturl(), server.api
    popular = [server.redirect_request(made[number]) for number in links.zipf(len(made), len(made) * 10)]
    new = (server.create_request(creates.target_of(len(made) + number)) for number in range(creates.BODIES))
    reads = str(wrk.write_requests(folder / "reads.requests", popular))
    writes = str(wrk.write_requests(folder / "writes.requests", new))
    hot = str(wrk.write_requests(folder / "hot.requests", popular[:1]))
    yield _Load("writer", api_url, [writes])
    yield _Load("reader", base_url, [reads])
    yield _Load("hot-key", base_url, [hot])
    takes_creates = [api.hostname or "", str(api.port or api.scheme)]
    yield _Load("mixed", base_url, [reads, writes, *takes_creates], threads=2, script="mixed.lua")


def _run(load: _Load, seconds: int) -> Round:
    command = ["wrk", f"-t{load.threads}", f"-c{wrk.CONNECTIONS}", f"-d{seconds}s", "-s", str(_LUA / load.script)]
    done = subprocess.run([*command, load.url, "--", *load.arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise Void(f"{load.scenario}: {done.stdout}{done.stderr}")
    return parse(load.scenario, done.stdout)


def _progress(one: Round) -> str:
    return (
        f"{one.scenario:8} {one.rate:9,.0f}/s  p50 {one.p50_ms:.2f} ms  p99 {one.p99_ms:.2f} ms  "
        f"{one.errors:,} errors in {one.requests:,}"
    )
