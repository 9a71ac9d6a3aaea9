"""How far an import came: what makes the same command go on where it stopped, after Ctrl-C, kill -9 or a power cut."""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from edge302.locks import AlreadyRunning

_BLOCK_BYTES: Final = 1 << 20


class Fingerprint(msgspec.Struct, frozen=True):
    """What names a file's content: one and the same file is one import, wherever it lies."""

    sha256: str
    lines: int

    @classmethod
    def of(cls, file: IO[bytes]) -> Self:
        """Read the whole file."""
        digest, lines, last = hashlib.sha256(), 0, b"\n"
        file.seek(0)
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            lines += block.count(b"\n")
            last = block
        return cls(digest.hexdigest(), lines + (not last.endswith(b"\n")))


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where an import is: all up to line `line` is settled.

    Attributes:
        run: what tells this import from an earlier one of the same file (`--again`).
        rejects_bytes: length of the rejects file; what is beyond belongs to lines not settled.
        at_ms: when this was written, ms since the Unix epoch.
        complete: the whole file is settled.
    """

    run: str = ""
    line: int = 0
    imported: int = 0
    replayed: int = 0
    rejected: int = 0
    rejects_bytes: int = 0
    at_ms: int = 0
    complete: bool = False


class Journal:
    """One import's progress in a file of its own, one JSON object a line; the last whole one counts."""

    def __init__(self, path: Path) -> None:
        """Open it, and make it ours until closed. AlreadyRunning: another process imports this file."""
        self._file: IO[bytes] = path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise AlreadyRunning("another process imports this file now; let it finish, or stop it first") from None
        os.fchmod(self._file.fileno(), 0o600)
        self.progress = _last(self._file)

    def write(self, progress: Progress) -> None:
        """Record durably how far we are. What it builds on (the rejects) must be on the disk before."""
        # The line end comes first: it ends a line that a power cut tore.
        self._file.write(b"\n" + msgspec.json.encode(progress))
        os.fdatasync(self._file.fileno())
        self.progress = progress

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _last(file: IO[bytes]) -> Progress:
    file.seek(0)
    for line in reversed(file.read().splitlines()):
        try:
            return msgspec.json.decode(line, type=Progress)
        except msgspec.DecodeError:
            continue
    return Progress()
