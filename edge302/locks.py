"""The locks that keep each role of a data folder to one owner."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error


class AlreadyRunning(Edge302Error):
    """Another process holds a role of this data folder."""


@dataclass(frozen=True, slots=True)
class RoleLock:
    """One role's lock, held as long as any process has `descriptor` open.

    The kernel keeps it (flock) and gives it back at death, so a kill -9 leaves nothing to clean up. The
    role's children inherit the descriptor: while one of them lingers, nobody else can start the role.
    """

    role: str
    descriptor: int

    @classmethod
    def take(cls, folder: DataFolder, role: str) -> Self:
        """Take the lock of `role` (the folder exists). AlreadyRunning: another process has it."""
        path = folder.role_lock(role)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(descriptor)
            raise AlreadyRunning(_explain(folder, role)) from exc
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return cls(role, descriptor)

    def release(self) -> None:
        """Close our copy; the lock goes with the last one."""
        os.close(self.descriptor)


def is_held(folder: DataFolder, role: str) -> bool:
    """Whether some process runs `role` on this folder now."""
    try:
        descriptor = os.open(folder.role_lock(role), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(path: Path) -> int | None:
    """The process that wrote itself into a lock file; None: nobody can be named. It may be gone by now."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _explain(folder: DataFolder, role: str) -> str:
    """Which process seems to hold the role, and what to do about it."""
    pid = holder(folder.role_lock(role))
    where = f"{role} already runs on {folder.root}"
    if pid is None:
        return f"{where}; stop it first, or choose another folder with --data or EDGE302_DATA"
    if not Path(f"/proc/{pid}").exists():
        return f"{where}: process {pid} is gone, but what it started is still finishing; try again in some seconds"
    return f"{where} (process {pid}); stop it with `kill {pid}`, or choose another folder with --data or EDGE302_DATA"
