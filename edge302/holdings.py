"""What a supervisor holds for its roles while they run: the data folder's locks, the listening sockets, the pipe."""

import contextlib
import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from edge302 import listen
from edge302.locks import RoleLock
from edge302.roles import API, GATEWAY, Role
from gateway.engines import load_engine
from shortlink.datadir import DataFolder
from shortlink.settings import BadSetting, Settings


@dataclass(frozen=True, slots=True)
class Holdings:
    """Taken before the first process starts, so that whatever is wrong with the machine is said once and at once.

    Attributes:
        settings: with the real ports and the real number of workers where they were 0.
        locks: lock file descriptors by role; the role's children inherit them.
        alive: read end of a pipe that nobody writes to: children read its end of file when we are gone, even
            after kill -9.
    """

    settings: Settings
    folder: DataFolder
    locks: Mapping[Role, int]
    alive: int
    _sockets: Mapping[Role, Sequence[Sequence[socket.socket]]]  # by role, then by slot

    @classmethod
    def take(cls, roles: Sequence[Role], settings: Settings, held: ExitStack) -> Self:
        """Take everything, or nothing; `held` gives it back.

        Raises:
            BadSetting: the folder, an address or the engine can't be used.
            AlreadyRunning: a role runs on this folder.
            PortTaken: somebody listens there.
        """
        if GATEWAY in roles:
            load_engine(settings.engine)  # said once here, not by each worker
        folder = DataFolder(settings.data)
        _create(folder)
        locks = {role: _lock(folder, role, held) for role in roles}
        settings = msgspec.structs.replace(settings, workers=settings.workers or len(os.sched_getaffinity(0)))
        sockets: dict[Role, Sequence[Sequence[socket.socket]]] = {}
        if GATEWAY in roles:
            sockets[GATEWAY] = _edge(settings, held)
            settings = msgspec.structs.replace(settings, port=listen.port_of(sockets[GATEWAY][0][0]))
        if API in roles:
            control = listen.api_socket(settings.host, settings.api_port, held)
            sockets[API] = [[control]]
            settings = msgspec.structs.replace(settings, api_port=listen.port_of(control))
        for role in roles:
            _empty(metrics_folder(folder, role))
        return cls(settings, folder, locks, _alive(held), sockets)

    def listeners(self, role: Role, slot: int) -> list[int]:
        """File descriptors of the sockets that one process of a role accepts from."""
        slots = self._sockets.get(role, ())
        return [listener.fileno() for listener in slots[slot]] if slots else []

    def stop_listening(self, role: Role) -> None:
        """Give our copies away: from now on a socket lives as long as the process that accepts from it.

        Were they kept, connections would go on being queued for a process that no longer takes them.
        """
        for listener in (listener for slot in self._sockets.get(role, ()) for listener in slot):
            if listener.family == socket.AF_UNIX and listener.fileno() >= 0:
                Path(listener.getsockname()).unlink(missing_ok=True)
            listener.close()


def metrics_folder(folder: DataFolder, role: Role) -> Path:
    """Where a role's processes keep prometheus-client's files."""
    return folder.metrics / role.name


def _create(folder: DataFolder) -> None:
    try:
        folder.create()
    except OSError as exc:
        raise BadSetting(f"EDGE302_DATA: can't use the folder {folder.root}: {exc.strerror}") from exc


def _lock(folder: DataFolder, role: Role, held: ExitStack) -> int:
    try:
        lock = RoleLock.take(folder, role.name)
    except OSError as exc:
        raise BadSetting(f"EDGE302_DATA: can't lock {folder.role_lock(role.name)}: {exc.strerror}") from exc
    held.callback(lock.release)
    return lock.descriptor


def _edge(settings: Settings, held: ExitStack) -> list[list[socket.socket]]:
    """The sockets of each worker: TCP, and unix where that is asked for."""
    slots = [[listener] for listener in listen.edge_sockets(settings.host, settings.port, settings.workers, held)]
    if settings.uds is not None:
        for slot, listener in zip(slots, listen.unix_sockets(settings.uds, settings.workers, held), strict=True):
            slot.append(listener)
    return slots


def _alive(held: ExitStack) -> int:
    read, write = os.pipe()
    held.callback(os.close, read)
    held.callback(os.close, write)
    return read


def _empty(folder: Path) -> None:
    """Files of processes that are gone would be counted on for ever."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
