"""What stands behind a server may run on the load's core, so that the servers' core is the server's alone."""

import os
from pathlib import Path
from typing import Final

from bench.wrk import LOAD_CORE

ON_LOAD_CORE: Final = ("taskset", "-c", LOAD_CORE)


def move_to_load_core(pid: int) -> None:
    """Have a process run there from now on, with all threads that it has."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {int(LOAD_CORE)})


def move_thread_to_load_core() -> None:
    """The same for the thread that calls it, and for those that it starts."""
    os.sched_setaffinity(0, {int(LOAD_CORE)})
