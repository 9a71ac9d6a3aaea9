"""What stands behind a server may run on the load's core, so that the servers' core is the server's alone."""

import os
from pathlib import Path
from typing import Final

from bench.wrk import LOAD_CORE

SERVER_CORE: Final = "0"
ON_LOAD_CORE: Final = ("taskset", "-c", LOAD_CORE)


def move_to_load_core(pid: int) -> None:
    """Have a process run there from now on, with all threads that it has."""
    _move(pid, LOAD_CORE)


def move_to_server_core(pid: int) -> None:
    """Have a process run on the servers' core, where what started it does not."""
    _move(pid, SERVER_CORE)


def move_thread_to_load_core() -> None:
    """The same for the thread that calls it, and for those that it starts."""
    os.sched_setaffinity(0, {int(LOAD_CORE)})


def first() -> tuple[str, ...]:
    """What to start a load with that has its core whenever it wants it; others on that core have the rest.

    Linux without preemption would else let a process that computes keep the core until the next tick, up to 4 ms. Only
    root may ask for this; without, such a load is late.
    """
    return ("chrt", "--fifo", "1") if os.geteuid() == 0 else ()


def _move(pid: int, core: str) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {int(core)})
