"""How a supervised process learns that it is to stop."""

import asyncio
import signal
from collections.abc import Mapping


def told_to_stop(environ: Mapping[str, str]) -> asyncio.Event:
    """Set by SIGTERM or SIGINT, or when the supervisor is gone. A second signal ends the process at once."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def on_signal() -> None:
        stopping.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    def on_supervisor_gone() -> None:
        stopping.set()
        loop.remove_reader(supervisor)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if (supervisor := int(environ.get("EDGE302_SUPERVISOR_FD") or -1)) >= 0:
        # A pipe into which nobody writes: it becomes readable when the supervisor's end is closed.
        loop.add_reader(supervisor, on_supervisor_gone)
    return stopping
