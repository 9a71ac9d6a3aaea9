"""A real node for acceptance tests: `edge302 up` in a folder of its own, on free ports."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

START_SECONDS = 30.0
STOP_SECONDS = 20.0


class Node:
    """`edge302 up` as a user starts it; what it printed is in `output`."""

    def __init__(
        self, data: Path, *flags: str, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()
    ) -> None:
        self.data = data
        self._flags = flags
        self._env = {key: value for key, value in os.environ.items() if not key.startswith("EDGE302_")} | dict(
            env or {}
        )
        self._prefix = prefix
        self._log = data.with_suffix(".log")
        self.output = ""

    def start(self) -> Self:
        """Start it and wait until it says that it is ready."""
        command = [*self._prefix, sys.executable, "-m", "edge302", "up", "--data", str(self.data)]
        command += ["--port", "0", "--api-port", "0", "--metrics-port", "0", *self._flags]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, env=self._env, stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._said_curl, START_SECONDS, lambda: f"the node did not start:\n{self._log.read_text()}")
        return self

    def _said_curl(self) -> bool:
        self.output = self._log.read_text()
        if self.process.poll() is not None:
            raise AssertionError(f"the node exited with {self.process.returncode}:\n{self.output}")
        return any(line.strip().startswith("curl ") for line in self.output.splitlines())

    @property
    def curl(self) -> str:
        """The line that the node offers for pasting."""
        return next(line.strip() for line in self.output.splitlines() if line.strip().startswith("curl "))

    @property
    def api_port(self) -> int:
        """The control plane's port, read from the curl line."""
        match = re.search(r"https?://[^/\s]+:(\d+)/api/shorten", self.curl)
        assert match, self.curl
        return int(match[1])

    @property
    def edge_port(self) -> int:
        """The edge's port: the other address that was printed."""
        ports = {int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", self.output)}
        (port,) = ports - {self.api_port}
        return port

    @property
    def key(self) -> str:
        """The admin key, from the file that the node made."""
        return (self.data / "admin.key").read_text().strip()

    def api(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """One request to the control plane: status and decoded body (None when empty)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api_port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                text = reply.read()
                return reply.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def shorten(self, url: str, **fields: object) -> str:
        """Add a link; its code."""
        status, link = self.api("POST", "/api/shorten", {"url": url, **fields})
        assert status == 201, link
        code: str = link["code"]
        return code

    def total(self, code: str) -> int:
        """Clicks of a link, as the stats tell."""
        status, stats = self.api("GET", f"/api/stats/{code}")
        assert status == 200, stats
        total: int = stats["total"]
        return total

    def pids(self, module: str) -> list[int]:
        """Children that run `python -m module`."""
        return [pid for pid, command in children(self.process.pid) if f"-m\0{module}\0" in command + "\0"]

    def stop(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)

    def kill_everything(self) -> None:
        """kill -9 of the supervisor and of all its children at once."""
        pids = [self.process.pid, *(pid for pid, _ in children(self.process.pid))]
        self.process.send_signal(signal.SIGSTOP)  # so that it replaces nobody meanwhile
        for pid in reversed(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        for pid in pids[1:]:
            wait_until(lambda pid=pid: not Path(f"/proc/{pid}").exists() or _is_zombie(pid), 5.0)  # type: ignore[misc]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill_everything()


def children(parent: int) -> list[tuple[int, str]]:
    """Process ids and command lines (NUL between words) of a process's children."""
    found = []
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError):
            found.append((int(pid), Path(f"/proc/{pid}/cmdline").read_text()))
    return found


def wait_until(
    true: Callable[[], bool], seconds: float, complaint: Callable[[], str] = lambda: "it did not happen"
) -> None:
    """Poll a condition of real processes, for so long at most."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.01)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def lines_of(file: Path) -> Iterator[str]:
    """The lines of a text file that is being written."""
    yield from file.read_text(errors="replace").splitlines()
