"""Visits to codes that no link has, on their way from the edge to the shipper: small files, each read once."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

# While the shipper is away workers go on counting in memory, which is bounded too: what they hold is one file's counts.
MAX_FILES: Final = 64


class Visits(NamedTuple):
    """Visits to one code. `domain`: empty: the default one."""

    domain: str
    code: str
    clicks: int


class OrphanFile(msgspec.Struct, frozen=True):
    """What a worker counted since its last file. `at_ms`: when it wrote this one, in ms since the Unix epoch."""

    at_ms: int
    visits: Sequence[Visits]


def has_room(folder: Path) -> bool:
    """True if another file may be written. OSError: the folder can't be read."""
    return len(files(folder)) < MAX_FILES


def write(folder: Path, worker: int, content: OrphanFile) -> None:
    """Put a file there at once and whole. OSError: it can't be written.

    It is not synced: a power cut may take it, or leave one that can't be read.
    """
    draft = folder / f".{worker}"  # one a worker, so that none pile up
    draft.write_bytes(msgspec.json.encode(content))
    draft.rename(folder / f"{uuid.uuid4().hex}.json")


def files(folder: Path) -> Sequence[Path]:
    """All files there. OSError: the folder can't be read."""
    return sorted(folder.glob("*.json"))


def read(path: Path) -> OrphanFile:
    """A file's content. ValueError: it is none that `write` wrote. OSError: it can't be read."""
    return msgspec.json.decode(path.read_bytes(), type=OrphanFile)
