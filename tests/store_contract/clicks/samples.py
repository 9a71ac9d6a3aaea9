"""What tests of clicks count with: a clock moved by hand, keys and batches."""

from dataclasses import dataclass
from typing import Final

from clicks.counts import DAY_MS, HOUR_MS, ClickBatch, CountKey, TrafficClass

NOON_MS: Final = 19_675 * DAY_MS + 12 * HOUR_MS  # 2023-11-14


@dataclass
class ManualClock:
    """Time that moves when told to."""

    ms: int = NOON_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1_000

    def advance(self, ms: int) -> None:
        self.ms += ms


def epoch(number: int) -> bytes:
    return bytes([number]) * 16


def count_key(
    code: str, hour_ms: int = NOON_MS, traffic: TrafficClass = TrafficClass.HUMAN, domain: str = ""
) -> CountKey:
    return CountKey(domain, code, hour_ms, traffic)


def batch(number: int, after_seq: int, last_seq: int, counts: dict[CountKey, int] | None = None) -> ClickBatch:
    """Counts of the epoch with this number; by default one human's click on "abcdefg" for each seq."""
    if counts is None:
        counts = {count_key("abcdefg"): last_seq - after_seq}
    return ClickBatch(epoch(number), after_seq, last_seq, counts)
