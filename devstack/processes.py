"""Real server processes on loopback: a free port, waiting until it answers, pausing, stopping by id."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

LOOPBACK = "127.0.0.1"
# Below those that Linux gives to clients: while a server is down, no connection of anybody takes its port.
_PORTS: Final = range(15_000, 32_768)


class NotReady(RuntimeError):
    """A server ended, or was silent for too long; the text says which and shows what it last wrote."""


class Server:
    """A server process that can be stopped, killed, paused and started again on its port.

    `port`: on loopback. `log`: where it writes what it has to say.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        port: int,
        *,
        log: Path,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.port = port
        self.log = log
        self._command = command
        self._user = user
        self._environment = environment
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None, "not started yet"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """False: not started, stopped, killed, or ended by itself."""
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        """True when it answers."""
        return listens(self.port)

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers. NotReady: it does not."""
        assert not self.runs, "it runs already"
        with self.log.open("ab") as output:
            # A session of its own: Ctrl-C is for the one who started it, and who ends it when it is its turn.
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
            )
        try:
            wait_until(self.ready, self._process, log=self.log)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> int:
        """Ask it to end, insist after a while; returns its exit code. Not running: its last exit code."""
        assert self._process is not None, "not started yet"
        if self.runs:
            self.resume()
        return stop(self._process, number=self._stop_signal)

    def kill(self) -> None:
        """End it and all of its children at once, as the out-of-memory killer or a power cut would."""
        self._signal_all(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def pause(self) -> None:
        """Stop it where it is: connections stay open, new ones are accepted by the kernel, nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        """The parent first: once it is stopped, it starts no further child."""
        if self.runs:
            os.kill(self.pid, number)
            for child in descendants(self.pid):
                with suppress(ProcessLookupError):
                    os.kill(child, number)


def free_port() -> int:
    """A TCP port on loopback that nobody listened on a moment ago."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port


def listens(port: int) -> bool:
    """True when something accepts connections on this port of loopback."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def descendants(pid: int) -> list[int]:
    """Ids of a process's children and of theirs, parents first; whatever group or session they are in."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                # "pid (name) state parent …": a name may contain spaces and brackets.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found[1:]


def running(pid: int, module: str) -> list[int]:
    """Ids of those among a process's descendants that run `python -m module`."""
    return [child for child in descendants(pid) if _runs(child, module)]


def _runs(pid: int, module: str) -> bool:
    try:
        return f"-m\0{module}\0" in Path(f"/proc/{pid}/cmdline").read_text() + "\0"
    except FileNotFoundError:
        return False


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


def stop(process: "subprocess.Popen[bytes]", seconds: float = 20, *, number: signal.Signals = signal.SIGTERM) -> int:
    """Ask the process to end, insist after a while, and return its exit code."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
