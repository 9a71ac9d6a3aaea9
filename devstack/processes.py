"""Real server processes on loopback: a free port, waiting until it answers, stopping by id."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"


class NotReady(RuntimeError):
    """A server ended, or was silent for too long; the text says which and shows what it last wrote."""


def free_port() -> int:
    """A TCP port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """True when something accepts connections on this port of loopback."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(
    ready: Callable[[], bool], process: "subprocess.Popen[bytes]", *, log: Path | None = None, seconds: float = 20
) -> None:
    """Poll until `ready`. NotReady: the process ended, or the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            written = log.read_text(errors="replace")[-2_000:] if log and log.exists() else ""
            raise NotReady(f"{process.args!r} is not ready (exit code {process.poll()}): {written}")
        time.sleep(0.02)


@contextmanager
def listening(
    command: Sequence[str | Path], port: int, *, environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server that will listen on `port` until the block is left. NotReady: it did not come up."""
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), process)
        yield process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]", seconds: float = 20) -> int:
    """Ask the process to end, insist after a while, and return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
