"""One process that is kept running: started, watched, started again, stopped."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge302.roles import Role
from shortlink.clock import Clock
from shortlink.errors import Edge302Error

LOOK_SECONDS: Final = 0.5
SILENT_LOOKS: Final = 10  # 5 s
STARTING_LOOKS: Final = 60  # 30 s until the first heartbeat
BACKOFF_FIRST_SECONDS: Final = 0.1
BACKOFF_MOST_SECONDS: Final = 5.0
HEALTHY_SECONDS: Final = 60.0
TRIES_AT_START: Final = 3
# A bad setting, and a lock or port that somebody else holds: trying again changes nothing.
HOPELESS_EXITS: Final = (2, 3)
_HASTY_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


class GaveUp(Edge302Error):
    """A child never came to life.

    Attributes:
        exit_code: what the supervisor should exit with.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(slots=True)
class Pulse:
    """Whether a heartbeat has stopped.

    Silence is counted in looks, not in time: when the whole machine was frozen, nobody looked either.
    """

    looks: int = 0
    heartbeat: int = 0

    def silent(self, heartbeat: int) -> bool:
        """Look once. `heartbeat`: any number that changes while the process lives; 0 before the first beat."""
        self.looks = 0 if heartbeat != self.heartbeat else self.looks + 1
        self.heartbeat = heartbeat
        return self.looks >= (SILENT_LOOKS if heartbeat else STARTING_LOOKS)


@dataclass(slots=True)
class Backoff:
    """How long to wait before a process is started again."""

    seconds: float = BACKOFF_FIRST_SECONDS

    def after(self, lived_seconds: float) -> float:
        """Seconds to wait now that it has lived for so long."""
        if lived_seconds >= HEALTHY_SECONDS:
            self.seconds = BACKOFF_FIRST_SECONDS
        wait, self.seconds = self.seconds, min(self.seconds * 2, BACKOFF_MOST_SECONDS)
        return wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run, and how to tell that it lives.

    Attributes:
        name: as log lines and messages call it, such as "gateway worker 0".
        environ: all of its variables.
        descriptors: files it inherits, under the same numbers.
        heartbeat: reads the beat of the process with that id; 0: none yet. None: it has no heartbeat.
        is_ready: whether the process with that id does its work.
        ended: called with its id when it is gone.
    """

    name: str
    role: Role
    environ: Mapping[str, str]
    descriptors: Sequence[int]
    heartbeat: Callable[[int], int] | None
    is_ready: Callable[[int], Awaitable[bool]]
    ended: Callable[[int], None]


@dataclass(slots=True)
class Child:
    """Keeps one process running on the running loop."""

    order: Order
    clock: Clock
    restarts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _was_ready: bool = False
    _failures: int = 0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _hastened: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """The process that runs now; None: there is none at this moment."""
        return self._process.pid if self._process else None

    async def is_ready(self) -> bool:
        """Whether it does its work; remembered for the judgement of later failures."""
        ready = self._process is not None and await self.order.is_ready(self._process.pid)
        self._was_ready |= ready
        return ready

    async def keep(self) -> None:
        """Run it again and again until `stop`. GaveUp: it failed for good before it was ever ready."""
        backoff = Backoff()
        while True:
            started = self.clock.monotonic()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self._judge(code)
            wait = backoff.after(self.clock.monotonic() - started)
            _log.warning("%s ended (%s); starting it again in %.1f s", self.order.name, _spell(code), wait)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
            if self._stopping.is_set():
                return
            self.restarts += 1

    async def stop(self, patience_seconds: float) -> None:
        """End it for good: SIGTERM, and SIGKILL when `patience_seconds` were not enough."""
        self._stopping.set()
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        if self._hastened.is_set():
            patience_seconds = _HASTY_SECONDS
        gone = asyncio.ensure_future(self._process.wait())
        haste = asyncio.ensure_future(self._hastened.wait())
        await asyncio.wait({gone, haste}, timeout=patience_seconds, return_when=asyncio.FIRST_COMPLETED)
        if haste.done() and not gone.done():
            await asyncio.wait({gone}, timeout=_HASTY_SECONDS)
        haste.cancel()
        if not gone.done():
            _log.error("%s does not end; killing it", self.order.name)
            self._signal(signal.SIGKILL)
        await gone

    def hasten(self) -> None:
        """Whoever stops is to be done in a moment."""
        self._hastened.set()
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without asking; `keep` starts it again unless it is being stopped."""
        self._signal(signal.SIGKILL)

    async def _run_once(self) -> int:
        """Start the process and watch it until its end; returns its exit code, -N for signal N."""
        # -P: a file of the current folder must not stand in for one of our modules. A session of its own: Ctrl-C in
        # a terminal goes to all processes of a group, and the stop order is ours to keep.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", self.order.role.module,
            env=self.order.environ, pass_fds=self.order.descriptors, start_new_session=True,
        )  # fmt: skip
        self._process = process
        _log.debug("%s started as process %d", self.order.name, process.pid)
        try:
            return await self._watch(process)
        finally:
            self._process = None
            self.order.ended(process.pid)

    async def _watch(self, process: asyncio.subprocess.Process) -> int:
        pulse = Pulse()
        exited = asyncio.ensure_future(process.wait())
        while not (await asyncio.wait({exited}, timeout=LOOK_SECONDS))[0]:
            if self.order.heartbeat and pulse.silent(self.order.heartbeat(process.pid)):
                _log.error("%s (process %d) gives no sign of life; killing it", self.order.name, process.pid)
                pulse = Pulse()
                self.kill()
        return exited.result()

    def _judge(self, code: int) -> None:
        """Give up on a process that never did its work; one that did once is worth any number of tries."""
        if self._was_ready:
            return
        self._failures += 1
        if code in HOPELESS_EXITS:
            raise GaveUp(f"{self.order.name} can't run; what it said is above", code)
        if self._failures >= TRIES_AT_START:
            raise GaveUp(f"{self.order.name} failed {self._failures} times in a row ({_spell(code)}); see above", 1)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def _spell(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.strsignal(-code)}"
