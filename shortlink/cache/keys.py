"""Names in Redis: every key says which format, generation and run it belongs to."""

import hashlib
from collections.abc import Iterable
from typing import Final

from shortlink.links import LinkKey

FORMAT: Final = 1  # of keys, entries and announcements: another one shares nothing with it
_RUN_DIGITS: Final = 16


def run_of(run_ids: Iterable[str]) -> str:
    """One name for the Redis processes in use. A restart or a failover makes another: its copies may be old."""
    return hashlib.sha256(",".join(sorted(run_ids)).encode()).hexdigest()[:_RUN_DIGITS]


def link_key(prefix: str, generation: str, run: str, key: LinkKey) -> str:
    """Where the copy of a link lies. Domains and codes hold no colon."""
    return f"{prefix}:{FORMAT}:{generation}:{run}:l:{key.domain}:{key.code}"


def cursor_key(prefix: str, generation: str, run: str) -> str:
    """Where the relays remember how far they came in this run."""
    return f"{prefix}:{FORMAT}:{generation}:{run}:cursor"


def feed_channel(prefix: str, generation: str) -> str:
    """Where relays announce; of all runs, so that whoever listens learns of another one."""
    return f"{prefix}:{FORMAT}:{generation}:feed"
