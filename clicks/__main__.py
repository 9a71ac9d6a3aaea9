"""`python -m clicks`: the shipper process of a node."""

import asyncio
import contextlib
import logging
import os
import sys
from typing import Final

from clicks.events.describing import describer
from clicks.shipper import MAX_RECORDS, Shipper
from clicks.shipping.links import links_to_describe
from clicks.shipping.unknown_codes import keep_collecting
from clicks.sinks.opening import event_sinks
from clicks.stores.contract import ClickStore
from clicks.stores.opening import click_store
from redirect_core import SpoolLocked, SpoolReader
from shortlink import logs, settings
from shortlink.clock import Clock, SystemClock
from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error
from shortlink.settings import Settings
from shortlink.stopping import told_to_stop
from shortlink.waiting import as_soon_as_it_answers

FAILED: Final = 1
BAD_SETTING: Final = 2
ALREADY_RUNNING: Final = 3
# Where a core is short, redirects go first: counting then has a tenth of it, and what waits is counted in larger and
# so cheaper rounds. A click is late in the statistics rather than a visitor on the way.
NICENESS: Final = 10
# A transaction well within EDGE302_DATABASE_TIMEOUT_MS, whose rows other nodes wait for.
MAX_RECORDS_SHARED: Final = 10_000

_log: Final = logging.getLogger(__name__)


def main() -> int:
    """Ship until told to stop; returns the exit code."""
    try:
        chosen = settings.load(os.environ)
    except settings.BadSetting as exc:
        sys.stderr.write(f"{exc}\n")
        return BAD_SETTING
    logs.setup("shipper", chosen.log_level)
    os.nice(NICENESS)
    folder = DataFolder(chosen.data)
    folder.create()
    try:
        reader = SpoolReader(str(folder.spool))
    except SpoolLocked:
        _log.error("another shipper already reads %s; stop it first, or choose another EDGE302_DATA", folder.spool)
        return ALREADY_RUNNING
    with contextlib.closing(reader):
        return asyncio.run(_serve(folder, reader, chosen))


async def _serve(folder: DataFolder, reader: SpoolReader, chosen: Settings) -> int:
    clock = SystemClock()
    stopping = told_to_stop(os.environ)
    try:
        async with contextlib.AsyncExitStack() as closing:
            store = click_store(chosen, folder, clock)
            closing.push_async_callback(store.close)
            shipper = _shipper(reader, store, clock, folder, chosen, closing)
            await as_soon_as_it_answers(store.open, stopping, _log, "clicks wait in the spool")
            collecting = asyncio.create_task(keep_collecting(folder.orphans, store, stopping))
            closing.push_async_callback(_ended, collecting)
            await shipper.run(stopping)
            if not await shipper.drain(chosen.drain_seconds):
                _log.error("not all clicks could be counted in %s s; the spool keeps them", chosen.drain_seconds)
                return FAILED
    except Edge302Error as exc:
        _log.error("%s", exc)
        return FAILED
    return 0


def _shipper(
    reader: SpoolReader,
    store: ClickStore,
    clock: Clock,
    folder: DataFolder,
    chosen: Settings,
    closing: contextlib.AsyncExitStack,
) -> Shipper:
    """The shipper with its sinks; `closing` closes all but the store, sinks after the shipper has let go of them."""
    links = links_to_describe(chosen, folder, clock)
    closing.push_async_callback(links.close)
    sinks = event_sinks(chosen, folder, clock)
    for sink in sinks:
        closing.push_async_callback(sink.close)
    shipper = Shipper(
        reader,
        store,
        clock,
        MAX_RECORDS if chosen.database_url is None else MAX_RECORDS_SHARED,
        sinks=sinks,
        describer=describer(chosen, folder.node_id(), links, clock),
        spool_bytes=chosen.spool_mb << 20,
    )
    closing.push_async_callback(shipper.close)
    return shipper


async def _ended(task: asyncio.Task[None]) -> None:
    """Wait until it is; what it still waits for is not worth more than a moment."""
    await asyncio.wait([task], timeout=1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    sys.exit(main())
