"""The first admin key: made once, when there is no key at all."""

import os
from pathlib import Path
from typing import Final

from control_api.access import keys
from control_api.access.keys import Scope
from control_api.access.ring import KeyRing

NAME: Final = "first admin key"


async def ensure(ring: KeyRing, file: Path) -> None:
    """Make an admin key if there are no keys, in clear in `file` (0600).

    The file comes first: a crash between the two leaves a key that the next start adopts, never a valid
    key that nobody knows.
    """
    if len(ring):
        return
    text = _kept(file)
    if text is None:
        text = keys.draw()
        _keep(file, text)
    await ring.adopt(text, NAME, {Scope.ADMIN})


def _kept(file: Path) -> str | None:
    """The key that an interrupted start left behind; None: there is none, or something else."""
    try:
        text = file.read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return text if keys.prefix_of(text) else None


def _keep(file: Path, text: str) -> None:
    """Write the key durably, all or nothing, readable by its owner alone from its first byte on."""
    draft = file.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, text.encode("ascii") + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
