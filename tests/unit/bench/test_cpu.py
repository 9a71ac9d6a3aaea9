"""CPU time of a server is that of all its processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench import cpu

STAT = "42 (a) b (c) S 7 42 42 0 -1 4194560 100 0 0 0 150 50 20 30 20 0 1 0 1000 1 1 1"
BURN = """
import subprocess, sys, time
start = time.process_time()
while time.process_time() < start + 0.2: pass
print("done", flush=True)
sys.stdin.read()
"""

PARENT = """
import subprocess, sys, time
children = [subprocess.Popen(["sleep", "60"]) for _ in range(int(sys.argv[1]))]
print(*(child.pid for child in children), flush=True)
while True:
    time.sleep(0.02)
    for child in children: child.poll()
"""


def test_a_command_name_with_brackets_and_spaces_is_no_trap() -> None:
    process = cpu.parse_stat(STAT)
    assert (process.parent, process.seconds) == (7, 250 / cpu.TICKS_A_SECOND)


def test_children_are_part_of_the_server() -> None:
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}], check=True)"
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdout.readline()
        by_role = cpu.cpu_seconds(server.pid)
        server.stdin.close()
    assert set(by_role) == {"main", "child"}
    assert by_role["child"] >= 0.15


def test_further_processes_of_a_server_are_called_after_their_command() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            roles = cpu.cpu_seconds(os.getpid(), other.pid)
            while "sleep" not in roles:  # until the child has become the command
                roles = cpu.cpu_seconds(os.getpid(), other.pid)
        finally:
            other.kill()


def test_a_process_that_runs_a_module_is_called_after_it() -> None:
    assert "main" in cpu.cpu_seconds(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-m", "timeit", "-n", "1", "-r", "1", "-s", "import sys", "sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as child:
        assert child.stdin is not None
        roles = cpu.cpu_seconds(os.getpid())
        while "timeit" not in roles:  # until the child has become the interpreter
            roles = cpu.cpu_seconds(os.getpid())
        child.stdin.close()


def test_processes_of_a_held_role_stand_still_until_they_are_let_go() -> None:
    with server_with_children(2) as (server, (first, second)):
        with cpu.held("child", server):
            assert (state(first), state(second)) == ("T", "T")
            assert state(server) != "T"
        assert "T" not in (state(first), state(second))


def test_a_process_that_ends_while_it_is_held_leaves_no_other_one_held() -> None:
    with server_with_children(3) as (server, (first, second, third)):
        with cpu.held("child", server):
            os.kill(second, signal.SIGKILL)
            while Path(f"/proc/{second}").exists():
                time.sleep(0.01)
        assert "T" not in (state(first), state(third))


def test_the_time_of_one_process_is_told_without_its_children() -> None:
    before, started = time.process_time(), cpu.process_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    sum(range(200_000))
    assert 0 < cpu.process_seconds(os.getpid()) - started <= time.process_time() - before


@contextmanager
def server_with_children(count: int) -> Iterator[tuple[int, list[int]]]:
    """The number of a process that reaps its children as they end, and theirs. Not this one: it has servers as
    children that other tests need."""
    with subprocess.Popen([sys.executable, "-c", PARENT, str(count)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        children = [int(number) for number in server.stdout.readline().split()]
        try:
            yield server.pid, children
        finally:
            server.terminate()
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


def state(pid: int) -> str:
    """As /proc/PID/stat tells it; T is stopped. A signal takes a moment to arrive."""
    before = None
    while (now := Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) != before:
        before = now
        time.sleep(0.05)
    return now
