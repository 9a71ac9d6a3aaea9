"""CPU time of a server: of its processes and of all that they started."""

import os
import time
from pathlib import Path
from typing import Final, NamedTuple

TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


class Process(NamedTuple):
    """A line of the process table. `seconds` is user and system time, with that of children already reaped."""

    parent: int
    seconds: float


def cpu_seconds(*roots: int) -> dict[str, float]:
    """CPU seconds by role of `roots` and of all processes below them.

    The role is the module that Python runs (`-m gateway`), else "main" for the first root, the name of the command
    for further ones (`redis-server`), and "child".
    """
    table = _processes()
    members = set(roots)
    while below := {pid for pid, process in table.items() if process.parent in members} - members:
        members |= below
    by_role: dict[str, float] = {}
    for pid in members & table.keys():
        role = "main" if pid == roots[0] else _command(pid) if pid in roots else _module(pid)
        by_role[role] = by_role.get(role, 0.0) + table[pid].seconds
    return by_role


def settle(*roots: int, seconds: float = 60) -> None:
    """Wait until the server has finished what a run left it to do (counting clicks, say): under 3 % of a core."""
    deadline = time.monotonic() + seconds
    before = sum(cpu_seconds(*roots).values())
    while time.monotonic() < deadline:
        time.sleep(0.5)
        now = sum(cpu_seconds(*roots).values())
        if now - before < 0.015:
            return
        before = now


def parse_stat(text: str) -> Process:
    """Read /proc/PID/stat; the command's name stands in brackets and may hold anything."""
    fields = text.rpartition(")")[2].split()
    ticks = sum(int(fields[index]) for index in (11, 12, 13, 14))  # utime, stime, cutime, cstime
    return Process(parent=int(fields[1]), seconds=ticks / TICKS_A_SECOND)


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
