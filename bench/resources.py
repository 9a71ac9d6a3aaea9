"""What a node takes besides CPU: memory, system calls, and the time to start."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench import idle, memory, startup, syscalls
from bench.idle import Idle
from bench.memory import Memory
from bench.servers import ENGINES
from bench.startup import Startup
from bench.syscalls import Syscalls

Measured = TypeVar("Measured")


@dataclass(frozen=True, slots=True)
class Resources:
    """The result, each by engine."""

    memory: list[Memory]
    idle: list[Idle]
    syscalls: list[Syscalls]
    startup: list[Startup]


def measure(folder: Path, rounds: int, seconds: int) -> Resources:
    """Measure each engine once: these figures do not depend on what else the machine does, or only little.

    Raises:
        Void: a reply was wrong.
    """
    return Resources(
        memory=_each(folder / "memory", memory.measure),
        idle=_each(folder / "idle", idle.measure),
        syscalls=[row for rows in _each(folder / "syscalls", syscalls.measure) for row in rows],
        startup=_each(folder / "startup", startup.measure),
    )


def _each(folder: Path, measure_one: Callable[[Path, str], Measured]) -> list[Measured]:
    """By engine, in a folder of its own that is not kept: stores of millions of links would fill a small disk."""
    results = []
    for engine in ENGINES:
        place = folder / engine
        place.mkdir(parents=True)
        results.append(measure_one(place, engine))
        shutil.rmtree(place)
        print(f"{folder.name}: {results[-1]}", file=sys.stderr, flush=True)
    return results
