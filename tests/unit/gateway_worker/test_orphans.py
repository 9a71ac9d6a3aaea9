"""A worker hands its visits to unknown codes over in small files, and holds on to them while too many wait."""

import asyncio
from pathlib import Path

import pytest

from gateway.orphans import OrphanFiles
from shortlink import orphans
from shortlink.orphans import MAX_FILES, OrphanFile, Visits
from tests.unit.gateway_worker.parts import HandClock, NotingEngine

LOST = Visits("go.example", "lost001", 3)
TYPO = Visits("", "typ0", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "orphans"


@pytest.fixture
def handing_over(engine: NotingEngine, folder: Path, clock: HandClock) -> OrphanFiles:
    folder.mkdir()
    return OrphanFiles(engine, folder, 3, clock)


def content(folder: Path) -> list[OrphanFile]:
    return [orphans.read(path) for path in orphans.files(folder)]


def test_visits_are_written_whole_and_once(
    handing_over: OrphanFiles, engine: NotingEngine, folder: Path, clock: HandClock
) -> None:
    engine.orphans = [LOST, TYPO]
    asyncio.run(handing_over.write())
    asyncio.run(handing_over.write())
    assert content(folder) == [OrphanFile(clock.now_ms(), [LOST, TYPO])]
    assert [path.suffix for path in folder.iterdir()] == [".json"]


def test_no_file_is_written_of_no_visits(handing_over: OrphanFiles, folder: Path) -> None:
    asyncio.run(handing_over.write())
    assert list(folder.iterdir()) == []


def test_while_too_many_files_wait_the_engine_keeps_its_counts(
    handing_over: OrphanFiles, engine: NotingEngine, folder: Path
) -> None:
    for _ in range(MAX_FILES):
        engine.orphans = [LOST]
        asyncio.run(handing_over.write())
    engine.orphans = [TYPO]
    asyncio.run(handing_over.write())
    assert len(orphans.files(folder)) == MAX_FILES
    assert engine.orphans == [TYPO]
    orphans.files(folder)[0].unlink()
    asyncio.run(handing_over.write())
    assert [TYPO] in [one.visits for one in content(folder)]


def test_a_folder_that_is_missing_costs_counts_and_one_warning(
    handing_over: OrphanFiles, engine: NotingEngine, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.rmdir()
    for _ in range(2):
        engine.orphans = [LOST]
        asyncio.run(handing_over.write())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    folder.mkdir()
    engine.orphans = [LOST]
    asyncio.run(handing_over.write())
    assert len(content(folder)) == 1
