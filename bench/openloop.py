"""Open-loop load: requests leave when they are meant to, however slow the replies are, so that no stall hides."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from bench import wrk
from bench.cores import first
from bench.void import Void

# p99: with a core of its own it is some 5 us. What servers write to the disk ends in kernel threads that take this
# core, too, so it may be more when latencies are.
MOST_LAG_US: Final = 50.0
MOST_LAG_SHARE: Final = 0.25
CARRIED: Final = 0.99
_ROOT: Final = Path(__file__).parent.parent
_BUILT: Final = _ROOT / "target"


class Latencies(msgspec.Struct, frozen=True):
    """Nanoseconds, to three digits, from when requests were meant to leave until their replies were whole."""

    count: int
    p50_ns: int
    p90_ns: int
    p99_ns: int
    p999_ns: int
    max_ns: int


class Load(msgspec.Struct, frozen=True):
    """What one run did, as the program prints it.

    Attributes:
        replies: that came in the recorded seconds.
        unanswered: requests without a reply a second after the end.
        errors: connections that ended or sent no HTTP.
        wrong: replies of another status than 302, or of another size than asked for.
        slow_replaced: slow heads that the server closed, and that were opened anew.
        busy_ns: spent sending and reading; the rest of `elapsed_ns` went into looking whether there is something to do.
        lag: how late the load itself noticed that a request was due.
    """

    replies: int
    unanswered: int
    errors: int
    wrong: int
    slow_replaced: int
    busy_ns: int
    elapsed_ns: int
    cpu_ns: int
    hits: Latencies
    misses: Latencies
    lag: Latencies


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to send.

    Attributes:
        requests: a file as wrk.write_requests writes it, sent in turn.
        rate: requests a second, all of them together.
        seconds: how long latencies are recorded, after those of the warm-up.
        reply_bytes: what a right reply measures.
        misses: a file of requests none of which is sent twice; None: there are none.
        miss_every: every n-th request is one of them.
        slow_heads: further connections that send a byte a second of a head without an end.
        sleeps: others have the load's core while there is nothing to do, and lose it at once when there is: for a load
            that is not alone on its core. Being woken takes some ten µs, which are in all latencies. Without, the load
            looks again and again, and others have next to nothing of that core.
    """

    requests: Path
    rate: int
    seconds: int
    reply_bytes: int
    warm_up_seconds: int = 1
    connections: int = wrk.CONNECTIONS
    misses: Path | None = None
    miss_every: int = 10
    slow_heads: int = 0
    sleeps: bool = False

    @property
    def all_requests(self) -> int:
        """How many are sent, warm-up included."""
        return self.rate * (self.warm_up_seconds + self.seconds)

    def missing(self, misses: Path) -> "Order":
        """The same with misses among the requests."""
        return msgspec.structs.replace(self, misses=misses)


class Late(Void):
    """The load did not keep its own schedule, so that it measured itself; on a quiet machine the next one does."""


def run(port: int, order: Order) -> Load:
    """Send by the order.

    Raises:
        Late: the load itself came late.
        Void: a reply was wrong, or a connection failed or could not be opened.
    """
    load = send(port, order)
    if load.lag.p99_ns > max(MOST_LAG_US * 1e3, MOST_LAG_SHARE * load.hits.p99_ns):
        raise Late(f"the load was {load.lag.p99_ns / 1e3:,.0f} µs late (p99): something else uses its core")
    return load


def send(port: int, order: Order) -> Load:
    """The same, however late the load itself was."""
    options = {
        "--port": port,
        "--requests": order.requests,
        "--rate": order.rate,
        "--seconds": order.seconds,
        "--warm-up-seconds": order.warm_up_seconds,
        "--connections": order.connections,
        "--reply-bytes": order.reply_bytes,
        "--slow-heads": order.slow_heads,
        "--sleeps": str(order.sleeps).lower(),
    }
    if order.misses is not None:
        options |= {"--misses": order.misses, "--miss-every": order.miss_every}
    command = [*_priority(order), "taskset", "-c", wrk.LOAD_CORE, str(program())]
    command += [str(word) for option in options.items() for word in option]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        raise Void(done.stderr.decode().strip())
    return parse(done.stdout)


def _priority(order: Order) -> tuple[str, ...]:
    if order.sleeps:
        return first()
    # The servers' writes to the disk end in kernel threads on any core, which must not make the load late.
    return ("nice", "-n", "-20") if os.geteuid() == 0 else ()


def reached(load: Load, order: Order) -> float:
    """Replies a second."""
    return load.replies / order.seconds


def carries(load: Load, order: Order) -> bool:
    """True when the server kept up; else latencies only say for how long it did not."""
    return not load.unanswered and reached(load, order) >= CARRIED * order.rate


def parse(output: bytes) -> Load:
    """Read the program's line. Void: it tells of errors."""
    load = msgspec.json.decode(output, type=Load)
    if load.errors or load.wrong:
        raise Void(f"{load.wrong} replies were wrong, {load.errors} connections failed")
    return load


@cache
def program() -> Path:
    """The load's program, built if it is not; ask for it before measuring, for compiling takes a core."""
    build = ["cargo", "build", "--release", "--locked", "--quiet", "--package", "edge302_load"]
    subprocess.run([*build, "--target-dir", _BUILT], cwd=_ROOT, check=True, stdin=subprocess.DEVNULL)
    return _BUILT / "release" / "edge302_load"
