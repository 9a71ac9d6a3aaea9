"""Real processes around a data folder: shippers, and workers that only click."""

import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from shortlink.datadir import DataFolder

CLICKER: Final = Path(__file__).with_name("clicker.py")


class ShipperProcess:
    """`python -m clicks` on a data folder."""

    def __init__(
        self, folder: DataFolder, extra: Mapping[str, str] | None = None, descriptors: tuple[int, ...] = ()
    ) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("EDGE302_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "clicks"],
            env=environ | {"EDGE302_DATA": str(folder.root), "EDGE302_EVENTS": "false"} | dict(extra or {}),
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            text=True,
        )

    def kill(self) -> None:
        """SIGKILL, wherever it is; harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def end(self, seconds: float = 20) -> tuple[int, str]:
        """The exit code and what it wrote, once it has ended by itself."""
        _, errors = self._process.communicate(timeout=seconds)
        return self._process.returncode, errors

    def stop(self) -> tuple[int, str]:
        """SIGTERM, and then as `end`."""
        self._process.terminate()
        return self.end()


class Clicker:
    """A worker that clicks as fast as it may."""

    def __init__(self, folder: DataFolder, worker: int, tally: Path) -> None:
        tally.write_bytes(bytes(16))
        self._tally = tally
        self._process = subprocess.Popen([sys.executable, str(CLICKER), str(folder.spool), str(worker), str(tally)])

    @property
    def begun(self) -> int:
        return self._numbers()[0]

    @property
    def answered(self) -> int:
        return self._numbers()[1]

    def kill(self) -> None:
        """SIGKILL, wherever it is; harmless when it has ended."""
        self._process.kill()
        self._process.wait()

    def wait_for(self, clicks: int) -> None:
        """Return when so many clicks are answered."""
        wait_until(lambda: self.answered >= clicks, what=f"click {clicks}")

    def _numbers(self) -> tuple[int, int]:
        begun, answered = struct.unpack("=QQ", self._tally.read_bytes())
        return begun, answered


def wait_until(holds: Callable[[], bool], seconds: float = 10, what: str = "it") -> None:
    """Poll until something holds; fail loudly when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come about within {seconds} s"
        time.sleep(0.01)
