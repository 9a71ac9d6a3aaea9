"""Whatever order batches arrive in, however often, and across restarts: each click is counted once."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clicks.counts import HOUR_MS, ClickBatch, CountKey, TrafficClass
from clicks.stores.memory import MemoryClickStore
from clicks.stores.sqlite import SqliteClickStore
from tests.store_contract.clicks.running import Running
from tests.store_contract.clicks.samples import NOON_MS, ManualClock, count_key, epoch

CODES = ("abcdefg", "hijklmn", "an-alias")
EPOCHS = st.integers(0, 2)
CLICKS = st.builds(
    count_key, st.sampled_from(CODES), st.sampled_from([NOON_MS, NOON_MS + HOUR_MS]), st.sampled_from(TrafficClass)
)


class Shipping(RuleBasedStateMachine):
    """Spools that grow, and shippers that read them from anywhere and deliver late, twice or never."""

    def __init__(self) -> None:
        super().__init__()
        self.spools: list[list[CountKey]] = [[], [], []]
        self.reached = [0, 0, 0]
        self.waiting: list[ClickBatch] = []

    def start_store(self) -> Running:
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        self.store = self.start_store().__enter__()

    def teardown(self) -> None:
        self.store.__exit__(None, None, None)

    @rule(number=EPOCHS, clicks=st.lists(CLICKS, min_size=1, max_size=5))
    def click(self, number: int, clicks: list[CountKey]) -> None:
        self.spools[number] += clicks

    @rule(number=EPOCHS, span=st.tuples(st.integers(0, 20), st.integers(0, 20)))
    def read_anywhere(self, number: int, span: tuple[int, int]) -> None:
        after, last = (min(seq, len(self.spools[number])) for seq in sorted(span))
        self.waiting.append(self.batch(number, after, last))

    @rule(number=EPOCHS)
    def read_from_the_watermark(self, number: int) -> None:
        self.waiting.append(self.batch(number, self.reached[number], len(self.spools[number])))

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        if not self.waiting:
            return
        batch = data.draw(st.sampled_from(self.waiting))
        number = batch.epoch[0]
        follows = self.reached[number] == batch.after_seq
        assert self.store.add(batch) == follows
        if follows:
            self.reached[number] = batch.last_seq

    @rule()
    def restart(self) -> None:
        self.store.__exit__(None, None, None)
        self.store = self.start_store().__enter__()

    @invariant()
    def counted_is_what_the_watermarks_say(self) -> None:
        counted = [key for spool, seq in zip(self.spools, self.reached, strict=True) for key in spool[:seq]]
        assert self.totals() == Counter((key.code, key.traffic) for key in counted)
        assert self.store.service_totals() == Counter(key.traffic for key in counted)
        points = self.store.series(None, NOON_MS, NOON_MS + 2 * HOUR_MS)
        assert [point.clicks for point in points] == [
            Counter(key.traffic for key in counted if key.hour_ms == point.start_ms) for point in points
        ]

    def totals(self) -> dict[tuple[str, TrafficClass], int]:
        found = self.store.totals(*CODES)
        return {(code, traffic): clicks for code, by_class in found.items() for traffic, clicks in by_class.items()}

    def batch(self, number: int, after: int, last: int) -> ClickBatch:
        return ClickBatch(epoch(number), after, last, Counter(self.spools[number][after:last]))


class MemoryShipping(Shipping):
    def __init__(self) -> None:
        super().__init__()
        self.kept = MemoryClickStore(ManualClock())

    def start_store(self) -> Running:
        return Running(self.kept)


class SqliteShipping(Shipping):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    def start_store(self) -> Running:
        return Running(SqliteClickStore(Path(self.folder.name) / "clicks.db", ManualClock()))

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


MACHINE_SETTINGS: dict[str, Any] = {
    "stateful_step_count": 30,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
}
TestMemory = MemoryShipping.TestCase
TestMemory.settings = settings(max_examples=50, **MACHINE_SETTINGS)
TestSqlite = pytest.mark.slow(SqliteShipping.TestCase)
TestSqlite.settings = settings(max_examples=25, **MACHINE_SETTINGS)
