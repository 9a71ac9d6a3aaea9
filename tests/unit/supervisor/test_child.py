"""A child is kept running with patience, given up with a reason, and ended with force only when it must be."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from edge302.child import SILENT_LOOKS, STARTING_LOOKS, Backoff, Child, GaveUp, Order, Pulse
from edge302.roles import Role
from shortlink.clock import SystemClock

T = TypeVar("T")
WAITS_FOR_SIGTERM = "import signal; signal.sigwait({signal.SIGTERM})"
IGNORES_SIGTERM = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(sys.argv[0] + '.up', 'w').close()\n"
    "while True: time.sleep(1)"
)


def test_the_wait_doubles_up_to_five_seconds() -> None:
    backoff = Backoff()
    assert [backoff.after(0.0) for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_minute_of_health_makes_the_wait_short_again() -> None:
    backoff = Backoff()
    for _ in range(8):
        backoff.after(59.9)
    assert backoff.after(60.0) == 0.1
    assert backoff.after(0.0) == 0.2


def test_ten_looks_without_a_beat_are_silence() -> None:
    pulse = Pulse()
    assert not any(pulse.silent(beat) for beat in (1, 2, 3))
    assert [pulse.silent(3) for _ in range(SILENT_LOOKS)] == [False] * (SILENT_LOOKS - 1) + [True]


def test_a_beat_in_the_last_moment_saves() -> None:
    pulse = Pulse()
    pulse.silent(1)
    assert not any(pulse.silent(1) for _ in range(SILENT_LOOKS - 1))
    assert not pulse.silent(2)


def test_a_start_may_take_longer_than_a_silence() -> None:
    pulse = Pulse()
    assert not any(pulse.silent(0) for _ in range(STARTING_LOOKS - 1))
    assert pulse.silent(0)


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        child = Child(order(tmp_path, WAITS_FOR_SIGTERM), SystemClock())
        keeping = asyncio.create_task(child.keep())
        first = await until(lambda: child.pid)
        assert await child.is_ready()
        os.kill(first, signal.SIGKILL)
        second = await until(lambda: child.pid if child.pid != first else None)
        assert second != first
        assert child.restarts == 1
        await child.stop(5.0)
        await keeping

    run(scenario())


def test_a_child_that_never_comes_to_life_is_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(GaveUp, match=r"test child failed 3 times in a row \(exit code 7\)") as failure:
            await Child(order(tmp_path, "raise SystemExit(7)"), SystemClock()).keep()
        assert failure.value.exit_code == 1

    run(scenario())


@pytest.mark.parametrize("code", [2, 3])
def test_a_child_for_which_trying_again_is_useless_is_given_up_at_once(code: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(GaveUp) as failure:
            await Child(order(tmp_path, f"raise SystemExit({code})"), SystemClock()).keep()
        assert failure.value.exit_code == code

    run(scenario())


def test_a_child_that_ignores_sigterm_is_killed_when_patience_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        child = Child(order(tmp_path, IGNORES_SIGTERM), SystemClock())
        keeping = asyncio.create_task(child.keep())
        await until((tmp_path / "test_child.py.up").exists)
        await child.stop(0.1)
        await keeping
        assert child.pid is None

    run(scenario())


def test_haste_cuts_patience_short(tmp_path: Path) -> None:
    async def scenario() -> None:
        child = Child(order(tmp_path, IGNORES_SIGTERM), SystemClock())
        keeping = asyncio.create_task(child.keep())
        await until((tmp_path / "test_child.py.up").exists)
        stopping = asyncio.create_task(child.stop(60.0))
        await asyncio.sleep(0)
        child.hasten()
        began = time.monotonic()
        await stopping
        await keeping
        assert time.monotonic() - began < 10.0

    run(scenario())


def test_a_child_is_stopped_while_it_waits_to_be_started_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        child = Child(order(tmp_path, "raise SystemExit(1)"), SystemClock())
        keeping = asyncio.create_task(child.keep())
        await until(lambda: child.pid)
        await until(lambda: child.pid is None)
        await child.stop(5.0)
        await keeping
        assert child.restarts == 0

    run(scenario())


def test_a_module_of_the_current_folder_does_not_stand_in_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "test_child.py").write_text("raise SystemExit(99)")
    monkeypatch.chdir(tmp_path / "mine")

    async def scenario() -> None:
        with pytest.raises(GaveUp) as failure:
            await Child(order(tmp_path, "raise SystemExit(3)"), SystemClock()).keep()
        assert failure.value.exit_code == 3

    run(scenario())


def order(folder: Path, program: str) -> Order:
    """What to run: a real process, from a module made for the test."""
    (folder / "test_child.py").write_text(program)

    async def is_ready(_pid: int) -> bool:
        return True

    return Order(
        name="test child",
        role=Role("test", "test_child", stop_seconds=1.0),
        environ={"PYTHONPATH": str(folder), "PATH": str(Path(sys.executable).parent)},
        descriptors=[],
        heartbeat=None,
        is_ready=is_ready,
        ended=lambda _pid: None,
    )


async def until(value: Callable[[], T | None]) -> T:
    """Wait for real processes, ten seconds at most."""
    async with asyncio.timeout(10):
        while True:
            if found := value():
                return found
            await asyncio.sleep(0.005)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)
