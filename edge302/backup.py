"""Saves a data folder to one tar file, consistent though everything goes on writing."""

import asyncio
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

import msgspec

from edge302.store_files import store_files
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error
from shortlink.settings import Settings

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SEGMENTS: Final = "*.seg"
_BLOCK_BYTES: Final = 1 << 20


class BackupFailed(Edge302Error):
    """There is nothing to save, or no place to save it to."""


class Member(msgspec.Struct, frozen=True):
    """One file of a backup.

    Attributes:
        name: its path in the data folder.
        bytes: its length in the tar file.
        sha256: of what stands in the tar file.
        full_bytes: its length in the data folder; what is missing at its end is zeros (preallocated segments).
    """

    name: str
    bytes: int
    sha256: str
    full_bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds, and of when and of which version it is."""

    format: int
    version: str
    made_at_ms: int
    members: tuple[Member, ...]


def require_sqlite(settings: Settings) -> None:
    """BackupFailed: links and clicks are in PostgreSQL, which has better tools of its own."""
    if settings.database_url is not None:
        raise BackupFailed(
            "links and clicks are in PostgreSQL: save them with pg_dump or a base backup; after putting one back,"
            " `edge302 restore --database` makes every cached copy void"
        )


def save(folder: DataFolder, target: Path, clock: Clock, version: str) -> Manifest:
    """Write a backup of `folder` to `target`, which appears whole or not at all; readable by its owner alone.

    API keys are in it as their SHA-256 only: `admin.key`, which holds one in clear, stays out, and so do import
    journals, which would be wrong about the store that they come back to.

    Raises:
        BackupFailed: the folder holds no store. StoreCorrupt, StoreUnavailable: it can't be read.
    """
    if not folder.links_db.exists():
        raise BackupFailed(f"there is nothing to save: {folder.links_db} does not exist")
    made_at_ms = clock.now_ms()
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
        stage = DataFolder(Path(name))
        # The spool first: a click that is counted meanwhile is in clicks.db together with its watermark, and is not
        # counted again when the saved segment comes back. The other way round, a segment freed in between is lost.
        lengths = _copy_spool(folder.spool, stage.spool)
        asyncio.run(_copy_stores(folder, stage))
        members = tuple(_described(stage.root, path, lengths) for path in _files(stage.root))
        manifest = Manifest(FORMAT, version, made_at_ms, members)
        packed = stage.root / "packed"
        with packed.open("xb") as file:
            _pack(file, stage.root, manifest)
            file.flush()
            os.fsync(file.fileno())
        packed.chmod(0o600)
        packed.replace(target)
    sync_folder(target.parent)
    return manifest


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _copy_stores(folder: DataFolder, stage: DataFolder) -> None:
    for store in store_files(folder):
        if store.path.exists():  # without a shipper, nothing was counted yet
            await store.backup_to(stage.root / store.path.name)


def _copy_spool(spool: Path, stage: Path) -> dict[str, int]:
    """Copy segments as they are now, and return their lengths by name.

    A record that is half written is copied too: who reads it knows it by its CRC. Zeros at the end stay out, as
    segments are preallocated.
    """
    stage.mkdir(mode=0o700)
    lengths = {}
    for segment in spool.glob(SEGMENTS):
        try:
            content = segment.read_bytes()
        except FileNotFoundError:
            continue  # freed since the folder was listed: it is counted
        (stage / segment.name).write_bytes(content.rstrip(b"\0"))
        lengths[segment.name] = len(content)
    return lengths


def _files(stage: Path) -> Iterator[Path]:
    yield from sorted(path for path in stage.rglob("*") if path.is_file())


def _described(stage: Path, path: Path, lengths: Mapping[str, int]) -> Member:
    name = path.relative_to(stage).as_posix()
    with path.open("rb") as file:
        sha256 = sha256_of(file)
    length = path.stat().st_size
    return Member(name, length, sha256, lengths.get(path.name, length))


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of the rest of a file, in hex."""
    digest = hashlib.sha256()
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()


def _pack(file: IO[bytes], stage: Path, manifest: Manifest) -> None:
    """The manifest comes first, so that a reader can check what follows as it comes."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        text = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
        _add(tar, MANIFEST, len(text), io.BytesIO(text), manifest.made_at_ms)
        for member in manifest.members:
            with (stage / member.name).open("rb") as content:
                _add(tar, member.name, member.bytes, content, manifest.made_at_ms)


def _add(tar: tarfile.TarFile, name: str, length: int, content: IO[bytes], at_ms: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = length
    entry.mode = 0o600
    entry.mtime = at_ms // 1000
    tar.addfile(entry, content)
