"""May a worker open as many files as it takes connections?"""

import resource
from collections.abc import Iterator
from typing import Final

from edge302.doctor.findings import Finding, ok, warn
from shortlink.settings import Settings

_OWN_FILES: Final = 100  # stores, spool, sockets and pipes of a worker, generously


def check(settings: Settings) -> Iterator[Finding]:
    """The open-file limit's findings."""
    needed = settings.max_connections + _OWN_FILES
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)  # workers raise theirs to the hard limit
    if limit == resource.RLIM_INFINITY or limit >= needed:
        yield ok("open files", f"{limit:,} allowed, {needed:,} needed at most")
        return
    # Not a failure: it shows only when that many visitors come at once.
    yield warn(
        "open files",
        f"{limit:,} allowed, but {settings.max_connections:,} connections a worker need {needed:,}",
        f"`ulimit -Hn {needed}` or LimitNOFILE={needed} in the systemd unit; or lower EDGE302_MAX_CONNECTIONS",
    )
