"""The compiled engine: what it is made of here, and links and keys in the words of the contract."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from gateway.counters import INDEX, LATENCY_BOUNDS_US, CountersPage
from gateway.engines.contract import Connection, Tier, Unavailable
from gateway.engines.fit import is_fit
from redirect_core import Engine as Core
from redirect_core import SpoolWriter
from shortlink.clock import Clock, SystemClock
from shortlink.links import Change, Link, LinkKey
from shortlink.orphans import Visits
from shortlink.settings import Settings

if TYPE_CHECKING:
    from redirect_core._core import LinkFields


class RustEngine:
    """Implements gateway.engines.contract.Engine; connections are the compiled module's own."""

    def __init__(self, settings: Settings, clock: Clock, page: CountersPage, spool: SpoolWriter) -> None:
        self._spool = spool
        self._core = Core(
            page.words,
            INDEX,
            LATENCY_BOUNDS_US,
            spool,
            cache_bytes=settings.cache_mb << 20,
            domains=settings.domains,
            honour_do_not_track=settings.honour_do_not_track,
            ip_privacy=settings.ip_privacy,
            keepalive_requests=settings.keepalive_requests,
            max_misses=settings.max_misses,
            referrer_policy=settings.referrer_policy,
            trusted_proxies=settings.trusted_proxies,
            unknown_per_minute=settings.unknown_per_minute,
            # It reads the system's clocks itself: asking Python for the time would cost as much as half a request.
            read_clock=None if isinstance(clock, SystemClock) else _reader(clock),
        )
        self.connection: Callable[[str | None, Callable[[], None]], Connection] = self._core.connection
        self.forget_all = self._core.forget_all
        self.tick = self._core.tick
        self.drain = self._core.drain
        self.close = self._core.close

    def take_misses(self) -> Sequence[LinkKey]:
        return [LinkKey(domain, code) for domain, code in self._core.take_misses()]

    def put(
        self, answers: Mapping[LinkKey, Link | Unavailable | None], *, asked_at: float, tier: Tier
    ) -> Iterable[Callable[[], None]]:
        return self._core.put([(key, _fields(answer)) for key, answer in answers.items()], asked_at, int(tier))

    def announce(self, changes: Sequence[Change]) -> None:
        self._core.announce([(change.key, change.version) for change in changes])

    def take_orphans(self) -> Sequence[Visits]:
        return [Visits(*orphan) for orphan in self._core.take_orphans()]

    def set_salts(self, salts: Mapping[int, bytes]) -> None:
        self._spool.set_salts(salts)


def _fields(answer: Link | Unavailable | None) -> "LinkFields | bool | None":
    """An answer as the compiled module takes it; False: no store could be asked."""
    if answer is None:
        return None
    if isinstance(answer, Unavailable):
        return False
    limits = None
    if not answer.enabled or answer.forward_query or (answer.not_before, answer.expires_at) != _ALWAYS:
        limits = (
            answer.enabled,
            answer.not_before,
            answer.expires_at,
            answer.expired_target,
            answer.forward_query,
        )
    return answer.version, answer.status, answer.target, answer.cache_control, is_fit(answer), limits


def _reader(clock: Clock) -> Callable[[], tuple[float, int]]:
    return lambda: (clock.monotonic(), clock.now_ms())


_ALWAYS: Final = (None, None)
