"""What the contract suites of all stores share: a clock moved by hand."""

import pytest


class ManualClock:
    """A Clock that stands still until it is moved."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1_000

    def advance(self, seconds: float) -> None:
        self.ms += round(seconds * 1_000)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
