"""What only the store of clicks in SQLite promises: one file between processes, and speed."""

import asyncio
import time
from pathlib import Path

import pytest

from clicks.counts import TrafficClass
from clicks.stores.sqlite import SqliteClickStore
from shortlink.errors import StoreCorrupt, StoreUnavailable
from tests.store_contract.clicks.running import Running
from tests.store_contract.clicks.samples import ManualClock, batch, count_key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clicks.db"


def test_a_reader_finds_nothing_before_the_file_is_there_and_everything_after(path: Path, clock: ManualClock) -> None:
    with Running(SqliteClickStore(path, clock, read_only=True)) as reader:
        assert reader.totals("abcdefg") == {}
        assert reader.service_totals() == {}
        assert not path.exists()
        with Running(SqliteClickStore(path, clock)) as writer:
            assert writer.add(batch(1, 0, 3))
            assert reader.totals("abcdefg") == {"abcdefg": {TrafficClass.HUMAN: 3}}
            assert writer.add(batch(1, 3, 4))
            assert reader.totals("abcdefg") == {"abcdefg": {TrafficClass.HUMAN: 4}}


def test_a_file_half_made_when_the_power_went_is_made_anew(path: Path, clock: ManualClock) -> None:
    path.with_suffix(".new").touch()
    with Running(SqliteClickStore(path, clock)) as store:
        assert store.add(batch(1, 0, 3))
    assert [file.name for file in path.parent.iterdir()] == ["clicks.db"]


def test_what_was_counted_is_there_after_a_restart(path: Path, clock: ManualClock) -> None:
    with Running(SqliteClickStore(path, clock)) as store:
        assert store.add(batch(1, 0, 3))
    with Running(SqliteClickStore(path, clock)) as store:
        assert not store.add(batch(1, 0, 3))
        assert store.service_totals() == {TrafficClass.HUMAN: 3}


def test_a_file_that_is_no_database_is_corrupt(path: Path, clock: ManualClock) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreCorrupt, match=r"clicks\.db"):
        asyncio.run(SqliteClickStore(path, clock).open())


def test_a_folder_that_is_missing_is_unavailable(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(StoreUnavailable):
        asyncio.run(SqliteClickStore(tmp_path / "nowhere" / "clicks.db", clock).open())


def test_fifty_thousand_links_cost_less_than_a_second(path: Path, clock: ManualClock) -> None:
    """The shipper's largest batch is one transaction, and none may last longer."""
    many = 50_000
    counts = {count_key(f"{n * 7_919 % many:07}"): 1 for n in range(many)}
    with Running(SqliteClickStore(path, clock)) as store:
        started = time.process_time()  # of all threads; the clock on the wall counts other processes too
        assert store.add(batch(1, 0, many, counts))
        assert time.process_time() - started < 1.0
        assert store.service_totals() == {TrafficClass.HUMAN: many}
