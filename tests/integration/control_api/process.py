"""The control plane as the process that a supervisor starts."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx

from shortlink.datadir import DataFolder
from shortlink.settings import Settings, to_environ

READY_SECONDS = 15.0


class Process:
    """One `python -m control_api` on a data folder, with the socket and the pipe that its supervisor holds."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = DataFolder(folder)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.address: str = f"http://127.0.0.1:{listener.getsockname()[1]}"
            read_end, self._write_end = os.pipe()
            environ = os.environ | to_environ(Settings(data=folder, public_url="https://go.example.com"))
            environ |= {
                "EDGE302_LISTEN_FDS": str(listener.fileno()),
                "EDGE302_SUPERVISOR_FD": str(read_end),
            }
            with log.open("ab") as stderr:
                self.child = subprocess.Popen(
                    [sys.executable, "-m", "control_api"],
                    env=environ,
                    pass_fds=(listener.fileno(), read_end),
                    stderr=stderr,
                )
            os.close(read_end)
        self._log = log

    def wait_until_ready(self) -> Self:
        """Return when requests are answered. AssertionError: the process ended, or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self.child.poll() is None, self._log.read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.address + "/health/ready").status_code == 200:
                    return self
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())

    @property
    def admin_key(self) -> str:
        return self.folder.admin_key.read_text().strip()

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.admin_key}"}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.child.send_signal(number)
        return self.child.wait(20)

    def leave_alone(self) -> None:
        """Close the supervisor's end of the pipe, as its death would."""
        if self._write_end >= 0:
            os.close(self._write_end)
            self._write_end = -1


@contextlib.contextmanager
def started(tmp_path: Path) -> Iterator[Process]:
    """A ready process, killed when this context is left if it still runs."""
    process = Process(tmp_path / "data", tmp_path / "log")
    try:
        yield process.wait_until_ready()
    finally:
        process.leave_alone()
        if process.child.poll() is None:
            process.child.kill()
        process.child.wait()
