"""Is the spool whole, is there room in it, and are its clicks being counted?"""

import asyncio
import fcntl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from clicks.stores.opening import click_store
from edge302.doctor.findings import Finding, fail, ok, warn
from edge302.locks import is_held
from edge302.ownership import require_ours
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.settings import Settings

_BEHIND_MS: Final = 60_000
_FILLING: Final = 0.5  # of the limit
_FULL: Final = 0.9


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """The spool's findings."""
    folder = DataFolder(settings.data)
    if not folder.spool.exists():
        yield ok("spool", "not made yet")
        return
    segments = list(folder.spool.glob("*.seg"))
    yield _size(segments, settings.spool_mb << 20)
    damaged = sorted(path.name for path in folder.spool.glob("*.bad"))
    if damaged:
        yield warn(
            "spool",
            f"{len(damaged)} damaged segments were set aside, such as {damaged[0]}",
            "their clicks are lost; look for disk errors, then delete them",
        )
    if is_held(folder, "shipper"):
        yield _keeping_up(segments, clock)
    else:
        yield _waiting(settings, folder, clock)


def _size(segments: list[Path], limit: int) -> Finding:
    used = sum(_bytes(path) for path in segments)
    text = f"{len(segments)} segments, {used >> 20:,} of {limit >> 20:,} MiB"
    mend = "see that the shipper runs and the disk keeps up; EDGE302_SPOOL_MB is the limit"
    if used > _FULL * limit:
        return fail("spool", text, mend)
    return warn("spool", text, mend) if used > _FILLING * limit else ok("spool", text)


def _keeping_up(segments: list[Path], clock: Clock) -> Finding:
    """A segment that nobody writes any more is counted and freed within moments, unless the shipper is behind."""
    old = [path for path in segments if clock.now_ms() - _modified_ms(path) > _BEHIND_MS and _is_left(path)]
    if old:
        return warn(
            "shipper",
            f"it is behind: {len(old)} segments have waited for over {_BEHIND_MS // 1000} s",
            "see its output and edge302_ship_seconds in the metrics",
        )
    return ok("shipper", "it runs and keeps up")


def _waiting(settings: Settings, folder: DataFolder, clock: Clock) -> Finding:
    """What the shipper, which does not run, will count when it does."""
    from redirect_core import SpoolLocked, SpoolReader

    require_ours(folder)  # the reader leaves a lock file
    try:
        reader = SpoolReader(str(folder.spool))
    except SpoolLocked:
        return ok("shipper", "it runs elsewhere on this spool")
    try:
        clicks = sum(batch.records for batch in reader.read(asyncio.run(_watermarks(settings, folder, clock))))
    finally:
        reader.close()
    if clicks:
        return warn("shipper", f"it does not run; {clicks:,} clicks or more wait", "`edge302 up` or `edge302 shipper`")
    return ok("shipper", "it does not run, and no clicks wait")


async def _watermarks(settings: Settings, folder: DataFolder, clock: Clock) -> Mapping[bytes, int]:
    store = click_store(settings, folder, clock, read_only=True)
    await store.open()
    try:
        return await store.watermarks()
    finally:
        await store.close()


def _is_left(segment: Path) -> bool:
    """Whether its writer is gone. Only asked of old segments: a writer must never find its new one locked."""
    try:
        with segment.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return False  # freed this moment
    return True


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


def _modified_ms(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns // 1_000_000
    except FileNotFoundError:
        return 1 << 62  # freed this moment: as new as can be
