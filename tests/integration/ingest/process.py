"""A real ingest process."""

import os
import subprocess
import sys
from pathlib import Path

from shortlink import settings as known
from shortlink.settings import Settings


class IngestProcess:
    """`python -m clicks.ingest`."""

    def __init__(self, settings: Settings) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("EDGE302_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clicks.ingest"],
            env=environ | known.to_environ(settings),
            stderr=(Path(settings.data).parent / "ingest.log").open("ab"),
        )

    def kill(self) -> None:
        """SIGKILL, wherever it is; harmless when it has ended."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)
