"""CPU time of a server: of its processes and of all that they started."""

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from bench.void import Void

TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


class Process(NamedTuple):
    """A line of the process table. `seconds` is user and system time, with that of children already reaped."""

    parent: int
    seconds: float


def cpu_seconds(*roots: int) -> dict[str, float]:
    """CPU seconds by role of `roots` and of all processes below them."""
    table = _processes()
    by_role: dict[str, float] = {}
    for pid, role in _roles(table, roots).items():
        by_role[role] = by_role.get(role, 0.0) + table[pid].seconds
    return by_role


def process_seconds(pid: int) -> float:
    """CPU seconds of one process with its threads, to the nanosecond; those of its children are not in it.

    OSError: there is no such process.
    """
    # As clock_getcpuclockid(3) names it: the process's number, inverted, and 2 for time as the scheduler counts it.
    return time.clock_gettime_ns(~pid << 3 | 2) / 1e9


def settle(*roots: int, seconds: float = 120) -> None:
    """Wait until the server has finished what a run left it to do (counting clicks, say): under 3 % of a core.

    Void: it has not.
    """
    deadline = time.monotonic() + seconds
    before = sum(cpu_seconds(*roots).values())
    while time.monotonic() < deadline:
        time.sleep(0.5)
        now = sum(cpu_seconds(*roots).values())
        if now - before < 0.015:
            return
        before = now
    raise Void(f"a server that nobody asks anything has been busy for {seconds:.0f} s")


@contextmanager
def held(role: str, *roots: int) -> Iterator[None]:
    """Let processes of this role get no CPU until the block is left."""
    pids = [pid for pid, name in _roles(_processes(), roots).items() if name == role]
    try:
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            _signal(pid, signal.SIGCONT)


def parse_stat(text: str) -> Process:
    """Read /proc/PID/stat; the command's name stands in brackets and may hold anything."""
    fields = text.rpartition(")")[2].split()
    ticks = sum(int(fields[index]) for index in (11, 12, 13, 14))  # utime, stime, cutime, cstime
    return Process(parent=int(fields[1]), seconds=ticks / TICKS_A_SECOND)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended since we looked; the others must still hear of it
        os.kill(pid, number)


def _roles(table: Mapping[int, Process], roots: Sequence[int]) -> dict[int, str]:
    """What each process is for: the module that Python runs (`-m gateway`), else "child"; of the roots, "main" for the
    first, and for others the name of their command (`redis-server`).
    """
    members = set(roots)
    while below := {pid for pid, process in table.items() if process.parent in members} - members:
        members |= below
    return {
        pid: "main" if pid == roots[0] else _command(pid) if pid in roots else _module(pid)
        for pid in members & table.keys()
    }


def _processes() -> dict[int, Process]:
    table = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                table[int(folder.name)] = parse_stat((folder / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
    return table


def _command(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "child"


def _module(pid: int) -> str:
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return "child"
    return words[words.index("-m") + 1] if "-m" in words else "child"
