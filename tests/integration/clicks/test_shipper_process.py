"""`python -m clicks` as the supervisor runs it: how soon it counts, when it ends, and what it leaves."""

import os
import time
from collections.abc import Callable, Iterator

import pytest

from redirect_core import SpoolWriter, Visitor
from shortlink.datadir import DataFolder
from tests.integration.clicks.figures import Figures
from tests.integration.clicks.processes import ShipperProcess, wait_until

FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SOMEBODY = Visitor(b"\xc0\x00\x02\x01", b"", FIREFOX, b"en")
Start = Callable[..., ShipperProcess]


@pytest.fixture
def writer(folder: DataFolder) -> Iterator[SpoolWriter]:
    writer = SpoolWriter(str(folder.spool), 0, segment_bytes=1 << 20)
    yield writer
    writer.close()


def click(writer: SpoolWriter, times: int = 1, code: bytes = b"abcdefg") -> None:
    for _ in range(times):
        assert writer.record(time.time_ns() // 1_000_000, b"", code, 0, 0, SOMEBODY)


def test_a_click_shows_within_a_second(figures: Figures, writer: SpoolWriter, start_shipper: Start) -> None:
    shipper = start_shipper()
    click(writer)
    wait_until(lambda: figures.total() == 1, what="the first count")
    for clicks in range(2, 6):
        clicked = time.monotonic()
        click(writer)
        wait_until(lambda: figures.total() == clicks, what="the next count")  # noqa: B023
        assert time.monotonic() - clicked < 1.0
    assert figures.service().today == 5
    assert figures.service().last_24h[-1].clicks + figures.service().last_24h[-2].clicks == 5
    assert shipper.stop() == (0, "")


def test_sigterm_ships_all_that_is_spooled_first(figures: Figures, writer: SpoolWriter, start_shipper: Start) -> None:
    shipper = start_shipper()
    click(writer)
    wait_until(lambda: figures.total() == 1, what="the first count")
    for n in range(120_000):  # more than one round takes
        click(writer, code=b"%07d" % n)
    assert shipper.stop() == (0, "")
    assert figures.total() == 120_001


def test_a_shipper_whose_supervisor_is_gone_finishes_too(
    figures: Figures, writer: SpoolWriter, start_shipper: Start
) -> None:
    reading, writing = os.pipe()
    shipper = start_shipper({"EDGE302_SUPERVISOR_FD": str(reading)}, (reading,))
    os.close(reading)
    click(writer)
    wait_until(lambda: figures.total() == 1, what="the first count")
    click(writer, 10)
    os.close(writing)
    assert shipper.end() == (0, "")
    assert figures.total() == 11


def test_a_second_shipper_says_so_and_leaves(
    folder: DataFolder, figures: Figures, writer: SpoolWriter, start_shipper: Start
) -> None:
    first = start_shipper()
    click(writer)
    wait_until(lambda: figures.total() == 1, what="the first count")
    code, errors = start_shipper().end()
    assert code == 3
    assert "another shipper already reads" in errors
    assert str(folder.spool) in errors
    assert first.stop() == (0, "")


def test_a_bad_setting_is_named(start_shipper: Start) -> None:
    code, errors = start_shipper({"EDGE302_DRAIN_SECONDS": "soon"}).end()
    assert code == 2
    assert errors.startswith("EDGE302_DRAIN_SECONDS: ")


def test_a_damaged_store_is_named_and_the_spool_kept(
    folder: DataFolder, writer: SpoolWriter, start_shipper: Start
) -> None:
    folder.clicks_db.write_bytes(b"no database" * 1_000)
    click(writer)
    code, errors = start_shipper().end()
    assert code == 1
    assert "clicks.db" in errors
    assert "Traceback" not in errors
    assert list(folder.spool.glob("*.seg"))


def test_a_full_spool_costs_no_click(folder: DataFolder, figures: Figures, start_shipper: Start) -> None:
    """Past its limit clicks are counted in memory, and go to the spool when the shipper has freed some of it."""
    writer = SpoolWriter(str(folder.spool), 0, segment_bytes=256 << 10, limit_bytes=1 << 20)
    clicks = 0
    while writer.volatile < 1_000:
        writer.record(time.time_ns() // 1_000_000, b"", b"%07d" % (clicks % 5_000), 0, 0, SOMEBODY)
        clicks += 1
    assert writer.error is not None
    shipper = start_shipper()
    wait_until(lambda: writer.volatile == 0, what="a spool with room")
    wait_until(lambda: figures.total() == clicks, what="the count of all clicks")
    assert writer.dropped == 0
    writer.close()
    assert shipper.stop() == (0, "")
    assert figures.total() == clicks
