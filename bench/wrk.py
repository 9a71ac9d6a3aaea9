"""Load: wrk on a core of its own, replaying requests that were prepared before."""

import json
import resource
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.void import Void

LOAD_CORE: Final = "1"
CONNECTIONS: Final = 64
_SCRIPT: Final = Path(__file__).parent / "lua" / "replay.lua"


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk did.

    Attributes:
        requests: complete replies.
        bytes_read: all bytes that came back.
        seconds: how long wrk sent.
        p50_us, p99_us: closed-loop latency: an indication, stalls hide in it.
        busy: share of its core that wrk used; near 1 the rate says more about wrk than about the server.
    """

    requests: int
    bytes_read: int
    seconds: float
    p50_us: int
    p99_us: int
    busy: float

    @property
    def rate(self) -> float:
        """Replies a second."""
        return self.requests / self.seconds


def write_requests(path: Path, requests: Iterable[bytes]) -> Path:
    """Keep raw requests in a file for `run`; they hold no NUL."""
    path.write_bytes(b"\0".join(requests))
    return path


def run(port: int, requests: Path, seconds: int, *, refused: bool = False, prefix: Sequence[str] = ()) -> Load:
    """Replay the file's requests over 64 connections.

    Args:
        refused: every reply must have a status above 399; else none may.
        prefix: what to start wrk with, such as `cores.first()`.

    Raises:
        Void: a connection failed or timed out, or a status was on the wrong side of 399.
    """
    before, started = _cpu_of_children(), time.monotonic()
    command = [
        *prefix,
        "taskset",
        "-c",
        LOAD_CORE,
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "-s",
        str(_SCRIPT),
    ]
    command += [f"http://127.0.0.1:{port}", "--", str(requests)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cpu, elapsed = _cpu_of_children() - before, time.monotonic() - started
    return parse(output, busy=cpu / elapsed, refused=refused)


def parse(output: str, busy: float, *, refused: bool = False) -> Load:
    """Read what replay.lua printed at the end of wrk's output. Void: it tells of errors."""
    done = json.loads(output.splitlines()[-1])
    errors = done["errors"]
    if errors != dict.fromkeys(errors, 0) | {"status": done["requests"] if refused else 0}:
        raise Void(f"wrk saw errors in {done['requests']} replies: {errors}")
    return Load(
        requests=done["requests"],
        bytes_read=done["bytes"],
        seconds=done["duration_us"] / 1e6,
        p50_us=done["p50_us"],
        p99_us=done["p99_us"],
        busy=busy,
    )


def _cpu_of_children() -> float:
    """CPU seconds of all children that have ended; servers are still running while wrk does."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
