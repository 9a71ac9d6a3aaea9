"""What workers leave of visits to unknown codes gets into the store, file by file."""

import asyncio
from pathlib import Path

import pytest

from clicks.counts import Orphan
from clicks.orphans import collect
from clicks.stores.memory import MemoryClickStore
from clicks.stores.sqlite import SqliteClickStore
from shortlink import orphans
from shortlink.clock import SystemClock
from shortlink.errors import StoreUnavailable
from shortlink.orphans import OrphanFile, Visits


@pytest.fixture
def store() -> MemoryClickStore:
    return MemoryClickStore(SystemClock())


def test_files_are_added_and_deleted(store: MemoryClickStore, tmp_path: Path) -> None:
    orphans.write(tmp_path, 0, OrphanFile(5, [Visits("", "lost001", 2), Visits("go.example", "typ0", 1)]))
    orphans.write(tmp_path, 1, OrphanFile(7, [Visits("", "lost001", 3)]))
    asyncio.run(collect(tmp_path, store))
    asyncio.run(collect(tmp_path, store))
    assert asyncio.run(store.orphans(10)) == [Orphan("", "lost001", 5, 7), Orphan("go.example", "typ0", 1, 5)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"[]", b'{"at_ms":1,"visits":[["","a"]]}', b'{"at_ms":1,"visits'])
def test_a_file_that_a_power_cut_left_is_deleted_and_others_are_read(
    store: MemoryClickStore, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "0.json").write_bytes(content)
    orphans.write(tmp_path, 0, OrphanFile(5, [Visits("", "lost001", 2)]))
    asyncio.run(collect(tmp_path, store))
    assert asyncio.run(store.orphans(10)) == [Orphan("", "lost001", 2, 5)]
    assert list(tmp_path.iterdir()) == []
    assert "0.json can't be read and is deleted" in caplog.text


def test_what_the_store_does_not_take_stays(tmp_path: Path) -> None:
    orphans.write(tmp_path, 0, OrphanFile(5, [Visits("", "lost001", 2)]))
    closed = SqliteClickStore(tmp_path / "clicks.db", SystemClock())
    with pytest.raises(StoreUnavailable):
        asyncio.run(collect(tmp_path, closed))
    assert len(orphans.files(tmp_path)) == 1


def test_a_draft_is_left_to_its_worker(store: MemoryClickStore, tmp_path: Path) -> None:
    (tmp_path / ".0").write_bytes(b'{"at_ms"')
    asyncio.run(collect(tmp_path, store))
    assert [path.name for path in tmp_path.iterdir()] == [".0"]


def test_a_folder_that_was_never_made_holds_nothing(store: MemoryClickStore, tmp_path: Path) -> None:
    asyncio.run(collect(tmp_path / "nowhere", store))
    assert asyncio.run(store.orphans(10)) == []
