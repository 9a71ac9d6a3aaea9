"""The lines of a file that were not imported: one JSON object each, with number and reason."""

import os
from pathlib import Path
from typing import IO

import msgspec

from edge302.imports.lines import BadLine


class Rejects:
    """The rejects file; it comes into being with the first rejected line."""

    def __init__(self, path: Path, keep_bytes: int) -> None:
        """Cut it to what the journal vouches for; 0: an earlier import's file goes."""
        self.path = path
        self._file: IO[bytes] | None = None
        if keep_bytes:
            self._open()
            self._cut(keep_bytes)
        else:
            path.unlink(missing_ok=True)

    def add(self, lines: list[BadLine]) -> int:
        """Append them; returns the file's length in bytes."""
        if not lines:
            return self._file.tell() if self._file else 0
        file = self._file or self._open()
        file.write(b"".join(map(_as_json, lines)))
        return file.tell()

    def sync(self) -> None:
        """Make what was added durable."""
        if self._file:
            self._file.flush()
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()

    def _open(self) -> IO[bytes]:
        self._file = self.path.open("ab")
        return self._file

    def _cut(self, keep_bytes: int) -> None:
        assert self._file is not None
        # The user may have moved it away or emptied it meanwhile: then it goes on from there.
        self._file.truncate(min(keep_bytes, self._file.tell()))
        self._file.seek(0, os.SEEK_END)


def _as_json(line: BadLine) -> bytes:
    return (
        msgspec.json.encode({"line": line.number, "reason": line.reason, "field": line.field, "input": line.text})
        + b"\n"
    )
