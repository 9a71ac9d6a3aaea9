"""A control plane for one command's duration, where no node runs on the data folder: nothing else writes the store."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from edge302.cli.exits import ALREADY_RUNNING
from edge302.locks import is_held
from edge302.ownership import require_ours
from shortlink.datadir import DataFolder
from shortlink.errors import StoreUnavailable

if TYPE_CHECKING:
    from shortlink.settings import Settings

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 20.0
_RESTART_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02
_LAST_LINES: Final = 10


class PrivatePlane:
    """Starts `edge302 api` on free ports when it must, and stops it at the end.

    The child ends when its standard input does, so it does not outlive this process, not even after kill -9.
    """

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._folder = DataFolder(settings.data)
        self._child: subprocess.Popen[bytes] | None = None
        self._patience_seconds = 0.0
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (stop() closes it)

    def ensure(self, answers: Callable[[], bool]) -> None:
        """Return when a control plane of the folder answers; start one if none runs. StoreUnavailable: it won't."""
        begin = time.monotonic()
        if self._child is not None and self._child.poll() is not None:
            self._child = None  # it ran, and somebody ended it
        while not answers():
            if self._child is not None and (code := self._child.poll()) is not None:
                self._child = None
                if code != ALREADY_RUNNING:  # else another command was quicker, and its control plane serves us too
                    raise StoreUnavailable(f"the control plane could not start: {self._last_words()}")
            waited = time.monotonic() - begin
            # A held lock: a node that starts or stops. Then wait, and take its place if it goes.
            if self._child is None and waited >= self._patience_seconds and not is_held(self._folder, "api"):
                self._start()
            if waited > _START_SECONDS:
                raise StoreUnavailable(f"the control plane of {self._folder.root} does not answer; see edge302 doctor")
            time.sleep(_POLL_SECONDS)
        # A node that served us and went away may be restarted, and must find its place free then.
        self._patience_seconds = _RESTART_SECONDS if self._child is None else 0.0

    def stop(self) -> None:
        """Stop the child, if there is one, and wait for it. May be called twice."""
        if self._child is not None:
            assert self._child.stdin is not None
            self._child.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_STOP_SECONDS)
            self._child = None
        self._complaints.close()

    def _start(self) -> None:
        require_ours(self._folder)
        command = [sys.executable, "-m", "edge302", "api", "--stop-with-stdin"]
        command += ["--data", str(self._folder.root), "--api-port", "0", "--metrics-port", "0"]
        self._child = subprocess.Popen(  # noqa: S603 (our own program, no shell)
            command,
            env=os.environ | {"EDGE302_LOG_LEVEL": "error"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            # Ctrl-C is for this command alone, which stops the child when it has finished.
            start_new_session=True,
        )

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
        return "\n".join(line.removeprefix("edge302: ") for line in lines) or "it said nothing"
