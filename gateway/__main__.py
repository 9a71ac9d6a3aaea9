"""`python -m gateway`: one worker of the edge, as the supervisor starts it."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Final

import uvloop

from gateway.worker import Inherited, raise_descriptor_limit, serve
from shortlink import logs, settings
from shortlink.clock import SystemClock
from shortlink.settings import BadSetting

FAILED: Final = 1
BAD_SETTING: Final = 2


def main(environ: Mapping[str, str]) -> int:
    """Run a worker; returns its exit code."""
    try:
        loaded = settings.load(environ)
        inherited = _inherited(environ)
    except BadSetting as exc:
        print(exc, file=sys.stderr)
        return BAD_SETTING
    logs.setup("gateway", loaded.log_level)
    raise_descriptor_limit(loaded.max_connections)
    try:
        uvloop.run(serve(loaded, inherited, SystemClock()))
    except BadSetting as exc:
        print(exc, file=sys.stderr)
        return BAD_SETTING
    except OSError as exc:
        logging.getLogger("gateway").error("can't start: %s", exc)
        return FAILED
    return 0


def _inherited(environ: Mapping[str, str]) -> Inherited:
    if not environ.get("EDGE302_LISTEN_FDS"):
        raise BadSetting("EDGE302_LISTEN_FDS: a worker gets its sockets from a supervisor; start `edge302 gateway`")
    try:
        supervisor = environ.get("EDGE302_SUPERVISOR_FD")
        return Inherited(
            slot=int(environ.get("EDGE302_SLOT", "0")),
            listeners=[int(descriptor) for descriptor in environ["EDGE302_LISTEN_FDS"].split(",")],
            supervisor=int(supervisor) if supervisor else None,
        )
    except ValueError as exc:
        raise BadSetting(f"EDGE302_SLOT, EDGE302_LISTEN_FDS and EDGE302_SUPERVISOR_FD are numbers: {exc}") from exc


if __name__ == "__main__":
    sys.exit(main(os.environ))
