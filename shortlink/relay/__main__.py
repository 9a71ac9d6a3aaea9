"""`python -m shortlink.relay`: one relay, as the supervisor starts it."""

import asyncio
import logging
import os
import secrets
import socket
import sys
from typing import Final

from shortlink import logs, settings
from shortlink.cache.opening import shared_cache
from shortlink.clock import SystemClock
from shortlink.errors import Edge302Error
from shortlink.relay.relay import RETRY_SECONDS, Relay
from shortlink.settings import BadSetting, Settings
from shortlink.stopping import told_to_stop
from shortlink.stores.opening import postgres_links
from shortlink.waiting import as_soon_as_it_answers

FAILED: Final = 1
BAD_SETTING: Final = 2
CONNECTIONS: Final = 2  # the feed and the lease

_log: Final = logging.getLogger("relay")


def main() -> int:
    """Relay until told to stop; returns the exit code."""
    try:
        chosen = settings.load(os.environ)
        if chosen.redis_url is None:
            raise BadSetting("EDGE302_REDIS_URL: a relay carries changes into Redis; say where that is")
    except BadSetting as exc:
        sys.stderr.write(f"{exc}\n")
        return BAD_SETTING
    logs.setup("relay", chosen.log_level)
    try:
        asyncio.run(_serve(chosen))
    except Edge302Error as exc:
        _log.error("%s", exc)
        return FAILED
    return 0


async def _serve(chosen: Settings) -> None:
    clock, stopping = SystemClock(), told_to_stop(os.environ)
    store = postgres_links(chosen, clock, connections=CONNECTIONS)
    try:
        generation = await as_soon_as_it_answers(
            store.generation, stopping, _log, "waiting for the store", pause_seconds=RETRY_SECONDS
        )
        if generation is None:
            return
        cache = shared_cache(chosen, generation)
        await cache.open()
        try:
            holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
            await Relay(store, cache, clock, holder=holder, generation=generation).run(stopping)
        finally:
            await cache.close()
    finally:
        await store.close()


if __name__ == "__main__":
    sys.exit(main())
