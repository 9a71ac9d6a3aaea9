"""What the worker's loop asks of the kernel: its thread's system calls under load, counted by strace."""

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import check, heads, links, wrk
from bench.filling import write_store
from bench.node import node
from bench.targets.serving import SERVER_CORE
from bench.void import Void
from bench.worker import Worker
from shortlink.datadir import DataFolder

LINKS: Final = 10_000
LOAD_SECONDS: Final = 5
TRACE_SECONDS: Final = 2
UNTIL_STEADY_SECONDS: Final = 1  # connections are all open then
READS: Final = frozenset({"read", "readv", "recvfrom", "recvmsg"})
WRITES: Final = frozenset({"write", "writev", "sendto", "sendmsg"})
WAITS: Final = frozenset({"epoll_wait", "epoll_pwait", "epoll_pwait2"})
_CALL: Final = re.compile(r"(\w+)\(.*\) += (-?\d+|\?)(?: (E\w+))?")


@dataclass(frozen=True, slots=True)
class Trace:
    """Calls of a thread while it was watched.

    Attributes:
        wake_ups: returns from waiting.
        ready: connections, and other things waited for, that these returns told of.
        read_bytes: that reads brought.
        failed: calls that found nothing to do, by name and error (`read EAGAIN`).
    """

    calls: dict[str, int]
    failed: dict[str, int]
    wake_ups: int
    ready: int
    read_bytes: int


@dataclass(frozen=True, slots=True)
class Syscalls:
    """The result for one engine under one load; a wake-up is a return from epoll_wait.

    Attributes:
        others_a_wake_up: calls that neither wait, nor read, nor write.
    """

    engine: str
    workload: str
    requests: int
    calls_a_request: float
    ready_a_wake_up: float
    reads_a_ready: float
    writes_a_ready: float
    others_a_wake_up: float
    trace: Trace


def measure(folder: Path, engine: str) -> list[Syscalls]:
    """Watch the worker under plain requests, one a write and 16 a write.

    Raises:
        Void: a reply was wrong, or strace could not watch.
    """
    data = DataFolder(folder / "node")
    data.create()
    pairs = [(links.code_of(number), links.target_of(number)) for number in range(LINKS)]
    codes = [code for code, _ in pairs]
    write_store(data.links_db, pairs)
    plain = [heads.plain(code) for code in codes]
    loads = {
        "plain": wrk.write_requests(folder / "plain", plain),
        f"{heads.DEPTH} deep": wrk.write_requests(folder / "deep", heads.pipelined(plain)),
    }
    with node("up", data.root, flags=("--workers", "1", "--engine", engine), prefix=SERVER_CORE) as running:
        measured = []
        for name, requests in loads.items():
            check.check(running.port, codes, dict(pairs).get)
            with ThreadPoolExecutor(max_workers=1) as pool:
                load = pool.submit(wrk.run, running.port, requests, LOAD_SECONDS)
                time.sleep(UNTIL_STEADY_SECONDS)
                with _watched(Worker(data).pid, folder / "trace"):
                    time.sleep(TRACE_SECONDS)
                load.result()
            with (folder / "trace").open() as lines:
                measured.append(summary(engine, name, parse(lines), len(plain[0])))
    return measured


def parse(lines: Iterable[str]) -> Trace:
    """Read what strace wrote about one thread."""
    calls, failed, ready, read_bytes = Counter[str](), Counter[str](), 0, 0
    for line in lines:
        if (call := _CALL.match(line)) is None:
            continue  # a signal, or the call during which strace let go
        name, result, error = call.groups()
        calls[name] += 1
        if error:
            failed[f"{name} {error}"] += 1
        elif name in WAITS:
            ready += int(result)
        elif name in READS:
            read_bytes += int(result)
    wake_ups = sum(calls[name] for name in WAITS)
    return Trace(dict(calls.most_common()), dict(failed.most_common()), wake_ups, ready, read_bytes)


def summary(engine: str, workload: str, trace: Trace, request_bytes: int) -> Syscalls:
    """A trace as figures; all requests have one length, so that so many bytes were so many requests.

    Void: there were none.
    """
    requests = trace.read_bytes // request_bytes
    if not requests or not trace.ready:
        raise Void(f"strace saw no requests: {trace}")
    reads, writes = (sum(trace.calls.get(name, 0) for name in names) for names in (READS, WRITES))
    everything = sum(trace.calls.values())
    return Syscalls(
        engine=engine,
        workload=workload,
        requests=requests,
        calls_a_request=everything / requests,
        ready_a_wake_up=trace.ready / trace.wake_ups,
        reads_a_ready=reads / trace.ready,
        writes_a_ready=writes / trace.ready,
        others_a_wake_up=(everything - trace.wake_ups - reads - writes) / trace.wake_ups,
        trace=trace,
    )


@contextmanager
def _watched(thread: int, trace: Path) -> Iterator[None]:
    """strace on one thread alone, beside the load on its core."""
    command = ["taskset", "-c", wrk.LOAD_CORE, "strace", "-p", str(thread), "-s", "0", "-o", str(trace)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        try:
            assert strace.stderr is not None
            if "attached" not in (said := strace.stderr.readline()):
                raise Void(f"strace can't watch the worker: {said}")
            yield
        finally:
            strace.send_signal(signal.SIGINT)
