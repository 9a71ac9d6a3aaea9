"""How much of the spool each worker may hold, and what is told of clicks that never got there."""

from pathlib import Path

from gateway.counters import CountersPage
from gateway.worker import segment_bytes
from redirect_core import SpoolWriter, Visitor
from shortlink.settings import Settings

WORKERS = 12


def test_a_small_spool_has_room_for_every_worker(tmp_path: Path) -> None:
    settings = Settings(workers=WORKERS, spool_mb=64)
    writers = [
        SpoolWriter(str(tmp_path), slot, segment_bytes=segment_bytes(settings), limit_bytes=settings.spool_mb << 20)
        for slot in range(WORKERS)
    ]
    visitor = Visitor(b"", b"", b"", b"")
    assert all(writer.record(1, b"", b"abcdefg", 0, 0, visitor) for writer in writers)
    for writer in writers:
        writer.close()


def test_a_large_spool_has_segments_of_16_mib() -> None:
    assert segment_bytes(Settings(workers=4)) == segment_bytes(Settings(workers=0)) == 16 << 20


def test_clicks_that_a_killed_worker_had_in_memory_are_told_as_dropped(tmp_path: Path) -> None:
    page = CountersPage(tmp_path / "counters")
    page["clicks_volatile"] = 7
    page.close()
    for _ in range(2):
        page = CountersPage(tmp_path / "counters")
        assert (page["clicks_volatile"], page["clicks_dropped_memory"]) == (0, 7)
        page.close()
