"""Ctrl-C in a terminal reaches the command alone, and its exit code is what counts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]
SERVER = """
import signal, sys, time
def stop(number, frame):
    print("drained", flush=True)
    sys.exit(0)
signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
time.sleep(30)
"""
CTRL_C = b"\x03"


@contextmanager
def in_terminal(program: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run Python code as the foreground job of a new terminal; yields the process and our end of the terminal."""
    ours, theirs = os.openpty()
    command = ("setsid", "--ctty", sys.executable, "-m", "devstack.foreground", sys.executable, "-c", program)
    try:
        with subprocess.Popen(command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            yield process, ours
    finally:
        os.close(theirs)
        os.close(ours)


def read_until(terminal: int, word: bytes) -> None:
    seen = b""
    while word not in seen:
        seen += os.read(terminal, 4096)


def test_ctrl_c_drains_the_command_and_the_exit_code_is_its_own() -> None:
    with in_terminal(SERVER) as (process, terminal):
        read_until(terminal, b"ready")
        os.write(terminal, CTRL_C)
        read_until(terminal, b"drained")
        assert process.wait(10) == 0


def test_a_command_killed_by_a_signal_is_told_as_shells_do() -> None:
    with in_terminal("import os; os.kill(os.getpid(), 9)") as (process, _):
        assert process.wait(10) == 128 + 9
