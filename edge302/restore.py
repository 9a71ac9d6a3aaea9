"""Puts a backup into a data folder that nothing runs on: checked first, switched at the end."""

import asyncio
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import msgspec

from clicks.stores.sqlite import SqliteClickStore
from clicks.stores.sqlite_events import SqliteEvents
from control_api.access.keys import ApiKey
from control_api.access.ring import KeyRing
from control_api.access.store import SqliteKeyStore
from edge302.backup import FORMAT, MANIFEST, Manifest, Member, sha256_of, sync_folder
from edge302.locks import RoleLock
from edge302.ownership import require_ours
from edge302.roles import ROLES
from edge302.store_files import store_files
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error
from shortlink.stores.sqlite import SqliteLinkStore

ASIDE: Final = "replaced-"
_STAGE: Final = ".restoring"
_KEEP_ALL: Final = 1 << 40  # nothing is given up here
_MAX_MANIFEST_BYTES: Final = 16 << 20
_MEMBER: Final = re.compile(r"links\.db|clicks\.db|events\.db|spool/[0-9A-Za-z][0-9A-Za-z.-]{0,200}\.seg")


class RestoreRefused(Edge302Error):
    """The backup can't be trusted, or the folder is in use by other data; nothing was changed."""


def restore(source: Path, folder: DataFolder, clock: Clock, *, replace: bool) -> tuple[Manifest, Path | None]:
    """Make `folder` what it was when the backup was made.

    Args:
        replace: move what is in the folder aside first; it is never deleted.

    Returns:
        What the backup holds, and where the former content of the folder is now (None: it was empty).

    Raises:
        AlreadyRunning: a role runs on the folder. NotOurs: it belongs to another user.
        RestoreRefused: the folder is not empty and `replace` is False, or the backup is damaged.
    """
    require_ours(folder)
    folder.create()
    with _alone(folder):
        former = [path for path in folder.root.iterdir() if _is_content(path)]
        if former and not replace:
            raise RestoreRefused(f"{folder.root} is not empty; --replace moves what is there aside")
        stage = DataFolder(folder.root / _STAGE)
        shutil.rmtree(stage.root, ignore_errors=True)  # of a restore that was cut off
        try:
            stage.create()
            manifest = _unpack(source, stage)
            asyncio.run(_check(stage, clock))
            if folder.admin_key in former and asyncio.run(_opens(_key_in(folder.admin_key), stage, clock)):
                former.remove(folder.admin_key)
            aside = _move_aside(folder, former, clock) if former else None
            _switch(stage, folder)
        finally:
            shutil.rmtree(stage.root, ignore_errors=True)
    return manifest, aside


@contextmanager
def _alone(folder: DataFolder) -> Iterator[None]:
    """Hold every role of the folder, so that none starts meanwhile. AlreadyRunning: one runs."""
    with ExitStack() as held:
        for role in ROLES:
            held.callback(RoleLock.take(folder, role).release)
        yield


def _is_content(path: Path) -> bool:
    """Whether it is data; the folders that every start makes are not, while they are empty."""
    if path.name in ("run", _STAGE) or path.name.startswith(ASIDE):
        return False
    return not path.is_dir() or any(path.iterdir())


def _unpack(source: Path, stage: DataFolder) -> Manifest:
    try:
        with tarfile.open(source, "r:") as tar:
            manifest = _manifest(tar)
            for member in manifest.members:
                _unpack_member(tar, member, stage.root / member.name)
    except (tarfile.TarError, KeyError, EOFError, msgspec.DecodeError) as exc:
        raise RestoreRefused(f"{source} is no backup of edge302, or damaged: {exc}") from exc
    return manifest


def _manifest(tar: tarfile.TarFile) -> Manifest:
    entry = tar.next()
    if entry is None or entry.name != MANIFEST or entry.size > _MAX_MANIFEST_BYTES:
        raise RestoreRefused(f"it does not begin with {MANIFEST}: it is no backup of edge302")
    text = _content(tar, entry).read()
    made_with = msgspec.json.decode(text, type=dict[str, object])
    if made_with.get("format") != FORMAT:
        raise RestoreRefused(f"the backup was made by edge302 {made_with.get('version')}, which this one can't read")
    manifest = msgspec.json.decode(text, type=Manifest)
    names = [member.name for member in manifest.members]
    for name in names:
        if not _MEMBER.fullmatch(name):
            raise RestoreRefused(f"the backup names {name!r}, which is no file of a data folder")
    if "links.db" not in names:
        raise RestoreRefused("the backup holds no links.db")
    return manifest


def _unpack_member(tar: tarfile.TarFile, member: Member, path: Path) -> None:
    entry = tar.getmember(member.name)
    with path.open("x+b") as file:
        path.chmod(0o600)
        shutil.copyfileobj(_content(tar, entry), file)
        file.seek(0)
        if sha256_of(file) != member.sha256:
            raise RestoreRefused(f"{member.name} in the backup is damaged: its SHA-256 is not the manifest's")
        file.truncate(member.full_bytes)


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(entry)
    if content is None:
        raise RestoreRefused(f"{entry.name} in the backup is no plain file")
    return content


async def _check(stage: DataFolder, clock: Clock) -> None:
    """Bring the stores to this version's schema, and make sure that they are whole.

    Copies of links that caches still hold, newer than the restored ones, are cut off by a new cache generation.
    """
    if stage.clicks_db.exists():
        clicks = SqliteClickStore(stage.clicks_db, clock)
        await clicks.open()
        await clicks.close()
    if stage.events_db.exists():
        events = SqliteEvents(stage.events_db, clock, kept_days=_KEEP_ALL, kept_rows=_KEEP_ALL)
        await events.open()
        await events.close()
    links = SqliteLinkStore(stage.links_db, clock)
    await links.open()
    await links.new_generation()
    await links.close()
    for store in store_files(stage):
        if store.path.exists() and (found := await store.integrity_check()):
            raise RestoreRefused(f"{store.path.name} in the backup is damaged: {found[0]}")


async def _opens(key: str, stage: DataFolder, clock: Clock) -> bool:
    """Whether an API key is one of the restored store."""
    links = SqliteLinkStore(stage.links_db, clock, read_only=True)
    await links.open()
    try:
        ring = KeyRing(SqliteKeyStore(links.file), clock)
        await ring.load()
        return isinstance(ring.check(key), ApiKey)
    finally:
        await links.close()


def _key_in(file: Path) -> str:
    return file.read_text("ascii", "replace").strip()


def _move_aside(folder: DataFolder, former: list[Path], clock: Clock) -> Path:
    """Move the former content into a folder inside; a data folder is often a mount point, which can't be renamed."""
    now_ms = clock.now_ms()
    second = datetime.fromtimestamp(now_ms // 1000, UTC)
    aside = folder.root / f"{ASIDE}{second:%Y%m%dT%H%M%S}.{now_ms % 1000:03}Z"
    aside.mkdir(mode=0o700)
    for path in former:
        path.rename(aside / path.name)
    sync_folder(aside)
    return aside


def _switch(stage: DataFolder, folder: DataFolder) -> None:
    folder.create()
    # links.db comes last: with it the folder is a data folder again.
    for path in (*stage.spool.iterdir(), stage.events_db, stage.clicks_db, stage.links_db):
        if path.exists():
            path.rename(folder.root / path.relative_to(stage.root))
    for changed in (folder.spool, folder.root):
        sync_folder(changed)
