"""What the kernel and its counters page tell of the one worker of a node."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.counters import read_page
from shortlink.datadir import DataFolder

PATIENCE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Worker:
    """The worker in slot 0 of the node on a data folder."""

    data: DataFolder

    @property
    def pid(self) -> int:
        """Its process, and the id of its loop's thread."""
        return self.counters()["pid"]

    @property
    def anonymous_bytes(self) -> int:
        """RssAnon: memory that is its own alone, not a file's, in bytes."""
        return parse_anonymous(Path(f"/proc/{self.pid}/status").read_text())

    def counters(self) -> dict[str, int]:
        """Its page as it is now; gauges are up to a second old."""
        return read_page(self.data.counters_page(0))

    def fresh_counters(self) -> dict[str, int]:
        """Its page with gauges of now. TimeoutError: the worker is silent."""
        for _ in range(2):  # a tick writes the heartbeat first and gauges then: at the second the first is done
            last, deadline = self.counters()["heartbeat_ms"], time.monotonic() + PATIENCE_SECONDS
            while self.counters()["heartbeat_ms"] == last:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the worker has been silent for {PATIENCE_SECONDS} s")
                time.sleep(0.01)
        return self.counters()


def parse_anonymous(status: str) -> int:
    """RssAnon of /proc/PID/status, in bytes."""
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "Linux tells of RssAnon since 4.5"
    return int(found[1]) * 1024
