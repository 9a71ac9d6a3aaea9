"""Backup and restore of folders on which nothing runs: what is refused, and that a refusal changes nothing."""

import io
import json
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edge302.backup import BackupFailed, save
from edge302.locks import AlreadyRunning, RoleLock
from edge302.ownership import NotOurs
from edge302.restore import RestoreRefused, restore
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from tests.integration.cli.folders import add, codes, generation

CLOCK = SystemClock()


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder with the link `saved`."""
    folder = DataFolder(tmp_path / "data")
    add(folder, "saved")
    return folder


@pytest.fixture
def saved(folder: DataFolder, tmp_path: Path) -> Path:
    """A backup of it."""
    save(folder, tmp_path / "saved.tar", CLOCK, "1")
    return tmp_path / "saved.tar"


def test_a_backup_begins_with_its_manifest_and_holds_no_key_in_clear(folder: DataFolder, tmp_path: Path) -> None:
    folder.admin_key.write_text("secret")
    file = tmp_path / "saved.tar"
    save(folder, file, CLOCK, "1.2.3")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as tar:
        assert tar.getnames() == ["manifest.json", "links.db"]
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)["version"] == "1.2.3"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_segments_come_back_with_the_zeros_at_their_end(folder: DataFolder, tmp_path: Path) -> None:
    content = b"clicks" + bytes(1 << 20)
    segment = folder.spool / "0-abc-00000001.seg"
    segment.write_bytes(content)
    file = tmp_path / "saved.tar"
    save(folder, file, CLOCK, "1")
    assert file.stat().st_size < 1 << 20
    other = DataFolder(tmp_path / "other")
    restore(file, other, CLOCK, replace=False)
    assert (other.spool / segment.name).read_bytes() == content


def test_a_restore_into_an_empty_folder_makes_it_private(saved: Path, tmp_path: Path) -> None:
    other = DataFolder(tmp_path / "other")
    manifest, aside = restore(saved, other, CLOCK, replace=False)
    assert aside is None
    assert [member.name for member in manifest.members] == ["links.db"]
    assert codes(other) == {"saved"}
    assert stat.S_IMODE(other.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(other.links_db.stat().st_mode) == 0o600


def test_a_restore_begins_a_new_generation_of_caches(folder: DataFolder, saved: Path, tmp_path: Path) -> None:
    other = DataFolder(tmp_path / "other")
    restore(saved, other, CLOCK, replace=False)
    assert generation(other) != generation(folder)


def test_a_folder_with_links_is_left_alone_unless_they_may_be_moved_aside(folder: DataFolder, saved: Path) -> None:
    add(folder, "newer")
    with pytest.raises(RestoreRefused, match="--replace"):
        restore(saved, folder, CLOCK, replace=False)
    assert codes(folder) == {"saved", "newer"}
    _, aside = restore(saved, folder, CLOCK, replace=True)
    assert codes(folder) == {"saved"}
    assert aside is not None
    assert codes(DataFolder(aside)) == {"saved", "newer"}


def test_a_second_restore_moves_the_first_aside_too(folder: DataFolder, saved: Path) -> None:
    asides = {restore(saved, folder, CLOCK, replace=True)[1] for _ in range(2)}
    assert len(asides) == 2
    assert codes(folder) == {"saved"}


def test_an_admin_key_that_the_restored_store_does_not_know_goes_aside(folder: DataFolder, saved: Path) -> None:
    folder.admin_key.write_text("e302_" + "x" * 8 + "_" + "y" * 43)
    _, aside = restore(saved, folder, CLOCK, replace=True)
    assert not folder.admin_key.exists()
    assert aside is not None
    assert (aside / "admin.key").exists()


def test_a_folder_of_another_user_is_left_alone(
    folder: DataFolder, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: folder.root.stat().st_uid + 1)
    with pytest.raises(NotOurs):
        restore(saved, folder, CLOCK, replace=True)
    assert codes(folder) == {"saved"}


@pytest.mark.parametrize("role", ["gateway", "shipper", "api"])
def test_a_folder_on_which_a_role_runs_is_left_alone(folder: DataFolder, saved: Path, role: str) -> None:
    add(folder, "newer")
    lock = RoleLock.take(folder, role)
    try:
        with pytest.raises(AlreadyRunning):
            restore(saved, folder, CLOCK, replace=True)
    finally:
        lock.release()
    assert codes(folder) == {"saved", "newer"}


def repacked(content: bytes, name: str, as_name: str) -> bytes:
    """A tar file in which a member has another name, in the manifest too."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for entry in old:
            file = old.extractfile(entry)
            assert file is not None
            text = file.read()
            if entry.name == "manifest.json":
                text = text.replace(name.encode(), as_name.encode())
            entry.name = as_name if entry.name == name else entry.name
            entry.size = len(text)
            new.addfile(entry, io.BytesIO(text))
    return out.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"not a tar file",
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"SQLite format 3", b"SQLite format 4"),
        lambda content: content.replace(b"links.db", b"links.xx"),
        lambda content: content.replace(b'"format": 1', b'"format": 2'),
        lambda content: repacked(content, "links.db", "../links.db"),
        lambda content: repacked(content, "links.db", "clicks.db"),
    ],
    ids=["other", "cut", "changed", "renamed", "newer", "outside", "without links"],
)
def test_a_damaged_backup_changes_nothing(
    folder: DataFolder, saved: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    add(folder, "newer")
    saved.write_bytes(damage(saved.read_bytes()))
    before = sorted(path.name for path in folder.root.iterdir())
    with pytest.raises(RestoreRefused):
        restore(saved, folder, CLOCK, replace=True)
    assert sorted(path.name for path in folder.root.iterdir()) == before
    assert codes(folder) == {"saved", "newer"}
    assert not (tmp_path / "links.db").exists()


def test_a_folder_without_links_has_nothing_to_save(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    with pytest.raises(BackupFailed):
        save(folder, tmp_path / "saved.tar", CLOCK, "1")
    assert not (tmp_path / "saved.tar").exists()
