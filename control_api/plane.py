"""What the control plane stands on: its stores, keys and rules, opened together and kept in order."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Self

from starlette.types import Scope as Asgi

from clicks.stats import ClickStats
from control_api.access.ring import KeyRing
from control_api.request_log import RequestLog
from control_api.short_urls import ShortUrls
from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable
from shortlink.rules import LinkRules
from shortlink.settings import Settings
from shortlink.stores.contract import LinkStore, SaltStore

FLUSH_LOG_SECONDS: Final = 0.25
FLUSH_KEYS_SECONDS: Final = 5.0
ROTATE_SALTS_SECONDS: Final = 3_600.0
PURGE_SECONDS: Final = 3_600.0

_log = logging.getLogger("control_api")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """Everything a request may need, each part once."""

    settings: Settings
    clock: Clock
    links: LinkStore
    salts: SaltStore
    clicks: ClickStats
    keys: KeyRing
    rules: LinkRules
    short_urls: ShortUrls
    log: RequestLog
    started_ms: int

    @property
    def max_body_bytes(self) -> int:
        return self.settings.max_body_kb * 1024

    @classmethod
    def of(cls, scope: Asgi) -> "ControlPlane":
        """The control plane that a request came to."""
        found: ControlPlane = scope["app"].state.plane
        return found

    @contextlib.asynccontextmanager
    async def kept_in_order(self) -> AsyncIterator[Self]:
        """Salts that exist and housekeeping that goes on, for as long as this context is open."""
        await self.salts.rotate_salts(self.clock.now_ms())
        chores = [
            asyncio.create_task(_every(seconds, chore))
            for seconds, chore in (
                (FLUSH_LOG_SECONDS, self._flush_log),
                (FLUSH_KEYS_SECONDS, self.keys.flush),
                (ROTATE_SALTS_SECONDS, self._rotate_salts),
                (PURGE_SECONDS, self._purge),
            )
        ]
        try:
            yield self
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            with contextlib.suppress(StoreUnavailable):  # a key's last use is not worth failing to stop
                await self.keys.flush()
            self.log.flush()

    async def _flush_log(self) -> None:
        self.log.flush()

    async def _rotate_salts(self) -> None:
        await self.salts.rotate_salts(self.clock.now_ms())

    async def _purge(self) -> None:
        rows = await self.links.purge(self.clock.now_ms())
        _log.info("purged the store", extra={"rows": rows})


async def _every(seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
    """Do a chore again and again; one that fails is told and tried again when its time comes."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await chore()
        except Exception:
            _log.exception("a chore failed, and will be tried again")
