"""`python -m control_api`: the control plane's process, as the supervisor starts it."""

import asyncio
import contextlib
import gc
import logging
import os
import socket
import sys
from collections.abc import Mapping
from typing import Final

import uvloop

from control_api.app import served
from control_api.opening import opened
from control_api.plane import ControlPlane
from control_api.request_log import RequestLog
from control_api.serving import serve, stop_on_signals
from shortlink import logs, settings
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error
from shortlink.settings import BadSetting, Settings
from shortlink.waiting import as_soon_as_it_answers

FAILED: Final = 1
BAD_SETTING: Final = 2
GC_THRESHOLDS: Final = (20_000, 50, 50)  # requests leave few cycles behind

_log: Final = logging.getLogger("control_api")


def main(environ: Mapping[str, str]) -> int:
    """Run the control plane; returns its exit code."""
    try:
        loaded = settings.load(environ)
        listener, supervisor = _inherited(environ)
    except BadSetting as exc:
        print(exc, file=sys.stderr)
        return BAD_SETTING
    logs.setup("api", loaded.log_level)
    try:
        uvloop.run(_run(loaded, listener, supervisor))
    except Edge302Error as exc:
        _log.error("can't start: %s", exc)
        return FAILED
    return 0


def _inherited(environ: Mapping[str, str]) -> tuple[socket.socket, int | None]:
    """The listening socket and the pipe that the supervisor passed on."""
    if not environ.get("EDGE302_LISTEN_FDS"):
        raise BadSetting("EDGE302_LISTEN_FDS: this process gets its socket from a supervisor; start `edge302 api`")
    try:
        supervisor = environ.get("EDGE302_SUPERVISOR_FD")
        listener = socket.socket(fileno=int(environ["EDGE302_LISTEN_FDS"]))
        return listener, int(supervisor) if supervisor else None
    except (ValueError, OSError) as exc:
        raise BadSetting(f"EDGE302_LISTEN_FDS, EDGE302_SUPERVISOR_FD: not open descriptors: {exc}") from exc


async def _run(loaded: Settings, listener: socket.socket, supervisor: int | None) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop, supervisor)
    folder = DataFolder(loaded.data)
    folder.create()
    log = RequestLog(sys.stderr.buffer if logging.getLogger().isEnabledFor(logging.INFO) else None)
    async with contextlib.AsyncExitStack() as closing:

        async def open_plane() -> ControlPlane:
            return await closing.enter_async_context(opened(loaded, folder, SystemClock(), log))

        if loaded.database_url is None:  # a file of ours that can't be opened won't open later
            plane: ControlPlane | None = await open_plane()
        else:
            plane = await as_soon_as_it_answers(open_plane, stop, _log, "waiting for the store")
        if plane is None:
            return
        await closing.enter_async_context(plane.kept_in_order())
        gc.freeze()  # what was imported stays: looking through it for garbage again and again cost 10 us a request
        gc.set_threshold(*GC_THRESHOLDS)
        await serve(
            served(plane), listener, folder.control_socket, loaded.drain_seconds, stop, plane.clicks.end_live_feeds
        )


if __name__ == "__main__":
    sys.exit(main(os.environ))
