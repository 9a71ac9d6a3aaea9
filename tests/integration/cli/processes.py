"""Real processes for the command's tests: `edge302 …` as users call it, and a node on free ports."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge302.locks import is_held
from shortlink.datadir import DataFolder

START_SECONDS = 30.0
STOP_SECONDS = 20.0


Running = subprocess.Popen[str]


class Command:
    """`edge302` on one data folder."""

    def __init__(self, data: Path, **env: str) -> None:
        self.folder = DataFolder(data)
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("EDGE302_")}
        self._env |= {"EDGE302_DATA": str(data), **env}

    def __call__(self, *words: str | Path, code: int = 0) -> str:
        """Run it to its end; its standard output. Fails unless it exits with `code`."""
        done = subprocess.run(self._command(words), env=self._env, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def complaint(self, *words: str | Path, code: int) -> str:
        """Run it to its end; its standard error. Fails unless it exits with `code`."""
        done = subprocess.run(self._command(words), env=self._env, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr

    def is_running(self, role: str) -> bool:
        """Whether somebody runs a role on the folder."""
        return is_held(self.folder, role)

    def start(self, *words: str | Path) -> Running:
        """Start it; what it prints is in the pipes."""
        return subprocess.Popen(
            self._command(words), env=self._env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @staticmethod
    def _command(words: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "edge302", *map(str, words)]


class Node(Command):
    """A running node."""

    def __enter__(self) -> "Node":
        log = self.folder.root.with_suffix(".log")
        flags = ("--port", "0", "--api-port", "0", "--metrics-port", "0", "--workers", "1")
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                self._command(("up", *flags)), env=self._env, stdout=output, stderr=subprocess.STDOUT
            )
        wait_until(lambda: self._is_up(log), START_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ctrl-C, and wait for its end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(STOP_SECONDS)

    @property
    def api_url(self) -> str:
        """Where the control plane listens, as the node printed it."""
        found = re.search(r"(http://127\.0\.0\.1:\d+)/api/shorten", self.output)
        assert found, self.output
        return found[1]

    def _is_up(self, log: Path) -> bool:
        assert self.process.poll() is None, log.read_text()
        self.output = log.read_text()
        return "curl " in self.output


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Poll a condition of real processes, for so long at most."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)
