"""Is the data folder private, ours to write, and is there room?"""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge302.doctor.findings import Finding, fail, ok, warn
from edge302.ownership import NotOurs, require_ours
from shortlink.datadir import DataFolder
from shortlink.settings import Settings

_SCARCE_BYTES: Final = 1 << 30
_NO_ROOM_BYTES: Final = 100 << 20


def check(settings: Settings) -> Iterator[Finding]:
    """The data folder's findings."""
    folder = DataFolder(settings.data)
    if not folder.root.exists():
        yield warn("folder", f"{folder.root} does not exist yet", "`edge302 up` makes it")
        return
    if not folder.root.is_dir():
        yield fail("folder", f"{folder.root} is no folder", "name another with --data or EDGE302_DATA")
        return
    yield _owned(folder)
    yield _private("folder", folder.root, 0o700)
    if folder.admin_key.exists():
        yield _private("admin key", folder.admin_key, 0o600)
    for part in (folder.root, folder.spool, folder.orphans, folder.imports, folder.run):
        if part.exists() and not os.access(part, os.W_OK | os.X_OK):
            yield fail("folder", f"this user may not write in {part}", f"chown -R $(id -u) {folder.root}")
    yield _room(folder.root)


def _owned(folder: DataFolder) -> Finding:
    try:
        require_ours(folder)
    except NotOurs as exc:
        return warn("folder", str(exc), "run doctor, and the node, as its owner")
    return ok("folder", f"{folder.root} is this user's")


def _private(check: str, path: Path, most: int) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~most:
        return fail(check, f"{path} has mode {mode:04o}: others may get at it", f"chmod {most:o} {path}")
    return ok(check, f"{path} is private ({mode:04o})")


def _room(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    text = f"{free >> 20:,} MiB free"
    if free < _NO_ROOM_BYTES:
        return fail("disk", text, "make room: links can't be stored, and clicks are kept in memory, when it is full")
    if free < _SCARCE_BYTES:
        return warn("disk", text, "make room before it is full")
    return ok("disk", text)
