"""The whole examination: every check, in the order in which trouble is best understood."""

from collections.abc import Iterable, Iterator, Sequence

from edge302.doctor import clickhouse, clock, extension, files, folder, kafka, places, ports, spool, sqlite, stores
from edge302.doctor.findings import Finding, fail
from shortlink.clock import Clock
from shortlink.errors import Edge302Error
from shortlink.settings import Settings

CHECKS = (
    ("extension", lambda settings, now: extension.check()),
    ("sqlite", lambda settings, now: sqlite.check()),
    ("folder", lambda settings, now: folder.check(settings)),
    ("ports", lambda settings, now: ports.check(settings)),
    ("open files", lambda settings, now: files.check(settings)),
    ("store", lambda settings, now: stores.check(settings)),
    ("kafka", lambda settings, now: kafka.check(settings)),
    ("clickhouse", lambda settings, now: clickhouse.check(settings)),
    ("clock", clock.check),
    ("spool", lambda settings, now: spool.check(settings, now)),
    ("places", places.check),
)


def examine(settings: Settings, clock: Clock) -> Sequence[Finding]:
    """Everything that is found. Nothing is changed, and nothing that runs is disturbed."""
    return [finding for name, check in CHECKS for finding in _guarded(name, check(settings, clock))]


def _guarded(name: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """What a check finds; one that can't be made is a finding, and not the end of the examination."""
    try:
        yield from findings
    except (Edge302Error, OSError) as exc:
        yield fail(name, str(exc), "mend this first, then run doctor again")
