"""The time, passed in wherever it matters so that tests can move it by hand."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings of time."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch (UTC), for what is stored or shown."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for deadlines and lifetimes."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()
