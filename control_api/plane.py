"""What the control plane stands on: its stores, keys and rules, opened together and kept in order."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
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
REFRESH_KEYS_SECONDS: Final = 1.0  # a key that another control plane revoked is refused here this late
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
        chores = [asyncio.create_task(_every(seconds, chore)) for seconds, chore in self._chores()]
        try:
            yield self
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            with contextlib.suppress(StoreUnavailable):  # a key's last use is not worth failing to stop
                await self.keys.flush()
            self.log.flush()

    def _chores(self) -> Iterator[tuple[float, Callable[[], Awaitable[object]]]]:
        yield FLUSH_LOG_SECONDS, self._flush_log
        yield FLUSH_KEYS_SECONDS, self.keys.flush
        yield ROTATE_SALTS_SECONDS, self._rotate_salts
        yield PURGE_SECONDS, self._purge
        if self.settings.database_url is not None:  # which other control planes write too
            yield REFRESH_KEYS_SECONDS, self.keys.load

    async def _flush_log(self) -> None:
        self.log.flush()

    async def _rotate_salts(self) -> None:
        await self.salts.rotate_salts(self.clock.now_ms())

    async def _purge(self) -> None:
        rows = await self.links.purge(self.clock.now_ms())
        _log.info("purged the store", extra={"rows": rows})


async def _every(seconds: float, chore: Callable[[], Awaitable[object]]) -> None:
    """Do a chore again and again; one that fails is told once and tried again when its time comes."""
    failing = False
    while True:
        await asyncio.sleep(seconds)
        try:
            await chore()
            failing = False
        except StoreUnavailable as exc:
            if not failing:
                _log.warning("a chore waits for the store: %s", exc)
            failing = True
        except Exception:
            _log.exception("a chore failed, and will be tried again")
