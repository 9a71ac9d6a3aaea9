"""What the control plane takes: links created a second, each with a key, checked, and on disk before its 201."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import cpu, heads, links, wrk
from bench.figures import Figure, figure
from bench.node import node
from bench.targets.serving import SERVER_CORE
from bench.void import Void

BODIES = 50_000


@dataclass(frozen=True, slots=True)
class Creates:
    """The result. `answered`: replies that the load saw; `stored`: links in the store afterwards."""

    rate: Figure
    p99_ms: Figure
    cpu_us: Figure
    server_busy: Figure
    rates: list[float]
    answered: int
    stored: int


def measure(folder: Path, rounds: int, seconds: int) -> Creates:
    """`POST /api/shorten` from 64 connections to one API process.

    Raises:
        Void: a reply was no success, or the store holds other links than were answered.
    """
    data = folder / "creates"
    data.mkdir(mode=0o700)
    with node("api", data, prefix=SERVER_CORE) as plane:
        requests = write_requests(folder / "creates.requests", plane.key)
        status, created = plane.ask("POST", "/api/shorten", {"url": links.target_of(0)})
        if status != 201 or created["target"] != links.target_of(0):
            raise Void(f"POST /api/shorten was answered {status}: {created}")
        warm_up = wrk.run(plane.api_port, requests, 1)
        loads, used = [], []
        for number in range(rounds):
            before = sum(cpu.cpu_seconds(plane.pid).values())
            loads.append(wrk.run(plane.api_port, requests, seconds))
            used.append(sum(cpu.cpu_seconds(plane.pid).values()) - before)
            print(
                f"round {number + 1}  creates {loads[-1].rate:9,.0f}/s  "
                f"server {used[-1] / loads[-1].seconds:.0%}, load {loads[-1].busy:.0%} busy",
                file=sys.stderr,
                flush=True,
            )
        status, stats = plane.ask("GET", "/api/stats")
    answered = 1 + warm_up.requests + sum(load.requests for load in loads)
    if not answered <= stats["links"] <= answered + wrk.CONNECTIONS * (rounds + 1):
        raise Void(f"{answered} creates were answered, {stats['links']} links are stored")
    return Creates(
        rate=figure([load.rate for load in loads]),
        p99_ms=figure([load.p99_us / 1e3 for load in loads]),
        cpu_us=figure([seconds / load.requests * 1e6 for seconds, load in zip(used, loads, strict=True)]),
        server_busy=figure([seconds / load.seconds for seconds, load in zip(used, loads, strict=True)]),
        rates=[load.rate for load in loads],
        answered=answered,
        stored=stats["links"],
    )


def target_of(number: int) -> str:
    """A target whose end differs, too: LuaJIT hashes a string by few of its bytes, and is slow where those agree."""
    return f"{links.target_of(number)}&utm_content={number}"


def write_requests(path: Path, key: str) -> Path:
    """Requests that each make a link, for wrk."""
    return wrk.write_requests(path, (_request(key, number) for number in range(BODIES)))


def _request(key: str, number: int) -> bytes:
    body = json.dumps({"url": target_of(number)})
    return (
        f"POST /api/shorten HTTP/1.1\r\nHost: {heads.HOST}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
