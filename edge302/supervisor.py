"""Runs roles on this machine: keeps their processes alive, says when they are ready, stops them in order."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

import msgspec
from prometheus_client import multiprocess

from edge302.child import Child, GaveUp, Order
from edge302.holdings import Holdings, metrics_folder
from edge302.listen import PortTaken
from edge302.locks import AlreadyRunning
from edge302.metrics.node import NodeCollector, Staff
from edge302.metrics.serve import serve_metrics
from edge302.roles import API, GATEWAY, ROLES, STOP_ORDER, Role
from edge302.welcome import edge_url, welcome
from gateway.counters import read_page
from shortlink import logs
from shortlink.clock import SystemClock
from shortlink.errors import Edge302Error
from shortlink.settings import BadSetting, Settings, to_environ

STOPPED: Final = 0
FAILED: Final = 1
BAD_SETTING: Final = 2
ALREADY_RUNNING: Final = 3  # or a port is taken
READY_LOOK_SECONDS: Final = 0.05
STILL_WAITING_SECONDS: Final = 10.0
HEALTH_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


def run(roles: Sequence[str], settings: Settings, environ: Mapping[str, str] = os.environ) -> int:
    """Run roles by name ("gateway", "shipper", "api") until a signal; returns the exit code.

    0: stopped in order. 1: a process can't be kept running. 2: a setting can't be used. 3: a role already runs
    on this data folder, or a port is taken. What went wrong is printed to stderr as one line.
    """
    logs.setup("supervisor", settings.log_level)
    try:
        with ExitStack() as held:
            holdings = Holdings.take([ROLES[role] for role in roles], settings, held)
            asyncio.run(_supervise(holdings, environ, held))
    except Edge302Error as exc:
        print(f"edge302: {exc}", file=sys.stderr)
        return _exit_code(exc)
    return STOPPED


def _exit_code(error: Edge302Error) -> int:
    if isinstance(error, GaveUp):
        return error.exit_code
    if isinstance(error, BadSetting):
        return BAD_SETTING
    return ALREADY_RUNNING if isinstance(error, AlreadyRunning | PortTaken) else FAILED


async def _supervise(holdings: Holdings, environ: Mapping[str, str], held: ExitStack) -> None:
    node = Supervisor(holdings, environ)
    port = serve_metrics(holdings.settings.metrics_port, NodeCollector(holdings, node.staff), held)
    await node.run(port)


class Supervisor:
    """The processes of some roles, on the running loop."""

    def __init__(self, holdings: Holdings, environ: Mapping[str, str]) -> None:
        self._holdings = holdings
        self._settings = holdings.settings
        self._environ = environ
        self._had_key = holdings.folder.admin_key.exists()
        self._stopping = asyncio.Event()
        self._children = {
            role: [Child(self._order(role, slot), SystemClock()) for slot in range(self._count(role))]
            for role in holdings.locks
        }

    def staff(self) -> list[Staff]:
        """What is known of each role's processes, for metrics; called from another thread."""
        return [
            Staff(
                role.name,
                running=sum(child.pid is not None for child in children),
                restarts=sum(child.restarts for child in children),
            )
            for role, children in self._children.items()
        ]

    async def run(self, metrics_port: int) -> None:
        """Start everything, say when it is ready, stop everything at a signal. GaveUp: something can't start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)
        tasks = [loop.create_task(child.keep()) for child in self._all()]
        tasks.append(loop.create_task(self._say_when_ready(metrics_port)))
        stopping = loop.create_task(self._stopping.wait())
        try:
            await _first_failure(tasks, stopping)
        finally:
            await self._stop()
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)

    def _all(self) -> list[Child]:
        return [child for children in self._children.values() for child in children]

    def _count(self, role: Role) -> int:
        return self._settings.workers if role is GATEWAY else 1

    def _order(self, role: Role, slot: int) -> Order:
        """What one process of a role is started with."""
        listeners = self._holdings.listeners(role, slot)
        page = self._holdings.folder.counters_page(slot)

        def heartbeat(pid: int) -> int:
            words = read_page(page)
            return words.get("heartbeat_ms", 0) if words.get("pid") == pid else 0

        async def is_ready(pid: int) -> bool:
            if role is API:
                return await _answers_ready(str(self._holdings.folder.control_socket))
            return role is not GATEWAY or heartbeat(pid) > 0

        files = metrics_folder(self._holdings.folder, role)
        own = {
            "EDGE302_SLOT": str(slot),
            "EDGE302_LISTEN_FDS": ",".join(map(str, listeners)),  # empty counts as unset
            "EDGE302_SUPERVISOR_FD": str(self._holdings.alive),
            "PROMETHEUS_MULTIPROC_DIR": str(files),
        }
        inherited = {name: value for name, value in self._environ.items() if not name.startswith("EDGE302_")}
        return Order(
            name=f"gateway worker {slot}" if role is GATEWAY else role.name,
            role=role,
            environ=inherited | to_environ(self._settings) | own,
            # The lock goes with them: a role counts as running until the last of its processes is gone.
            descriptors=[*listeners, self._holdings.alive, self._holdings.locks[role]],
            heartbeat=heartbeat if role is GATEWAY else None,
            is_ready=is_ready,
            ended=partial(multiprocess.mark_process_dead, path=str(files)),
        )

    async def _say_when_ready(self, metrics_port: int) -> None:
        """Print where everything is, once all of it works."""
        looks = 0
        while waiting := [child.order.name for child in self._all() if not await child.is_ready()]:
            looks += 1
            if looks % round(STILL_WAITING_SECONDS / READY_LOOK_SECONDS) == 0:
                _log.warning("still waiting for %s", ", ".join(waiting))
            await asyncio.sleep(READY_LOOK_SECONDS)
        settings = msgspec.structs.replace(self._settings, metrics_port=metrics_port)
        with_edge = GATEWAY in self._children
        if API not in self._children:
            where = f" at {edge_url(settings)}" if with_edge else ""
            print(f"edge302: {', '.join(role.name for role in self._children)} ready{where}", flush=True)
            return
        print(welcome(settings, self._holdings.folder, self._new_key(), with_edge=with_edge), flush=True)

    def _new_key(self) -> str | None:
        """The admin key, if it was made since we started."""
        if self._had_key:
            return None
        with contextlib.suppress(FileNotFoundError):
            return self._holdings.folder.admin_key.read_text().strip()
        return None

    def _signalled(self) -> None:
        """The first signal stops in order; the next ones hurry."""
        if self._stopping.is_set():
            for child in self._all():
                child.hasten()
        self._stopping.set()

    async def _stop(self) -> None:
        """Role by role: each finds what it depends on still there while it finishes."""
        self._stopping.set()
        for role in STOP_ORDER:
            self._holdings.stop_listening(role)
            patience = self._settings.drain_seconds + role.stop_seconds
            await asyncio.gather(*(child.stop(patience) for child in self._children.get(role, ())))


async def _first_failure(tasks: Sequence["asyncio.Task[None]"], stopping: "asyncio.Task[object]") -> None:
    """Return when it is time to stop; raises what ended a task before."""
    pending: set[asyncio.Task[None]] = set(tasks)
    while not stopping.done():
        await asyncio.wait({*pending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in pending if task.done()]:
            task.result()
            pending.discard(task)


async def _answers_ready(control_socket: str) -> bool:
    """Whether the control plane says that it is ready."""
    try:
        async with asyncio.timeout(HEALTH_SECONDS):
            reader, writer = await asyncio.open_unix_connection(control_socket)
            with contextlib.closing(writer):
                writer.write(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
    except (OSError, TimeoutError):
        return False
