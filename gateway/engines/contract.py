"""What an engine must do; tests/engine_contract holds each one to it, byte for byte.

An engine is sans-I/O: bytes in, bytes out. The protocol owns the transport, deadlines and limits; the
resolver finds what the engine lacks. Neither knows which engine it has.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from shortlink.links import Change, Link, LinkKey
from shortlink.orphans import Visits

MAX_REQUEST_LINE_BYTES: Final = 2 * 1024
MAX_HEAD_BYTES: Final = 8 * 1024  # nginx in front refuses longer heads already
MAX_FIELDS: Final = 64
REQUESTS_A_TURN: Final = 128  # then other connections get their turn
OUTPUT_A_TURN_BYTES: Final = 64 * 1024
MAX_PENDING_REPLIES: Final = 128  # a connection: past it the engine parses no further until some are answered
LIFETIME_SECONDS: Final = 30.0  # ±10 % jitter, from the moment the link was read; hits do not extend it
REFRESH_AT: Final = 0.8  # of the lifetime: asked for anew in the background
STALE_SECONDS: Final = 3_600.0  # served past its lifetime only while no store answers
ABSENT_SECONDS: Final = 2.0
MAX_ABSENT: Final = 100_000  # codes remembered as absent
MAX_ORPHANS: Final = 1_000  # codes without a link whose visits are counted


class Attention(enum.IntFlag):
    """What the protocol must do after a feed or resume; 0 on the plain path."""

    CLOSE = 1  # after this write: half-close, discard what comes, close
    RESUME = 2  # complete requests are left of this read: call resume() in a later loop turn, before more bytes
    MISSED = 4  # take_misses() has something new
    PARTIAL = 8  # bytes of an unfinished head are held


class Unavailable(enum.Enum):
    """The answer for a key when no store could be asked."""

    UNAVAILABLE = "unavailable"


class Tier(enum.IntEnum):
    """Where a link was found, for counters and histograms."""

    CACHE = 0
    REDIS = 1
    STORE = 2


class Connection(Protocol):
    """One client's bytes, and the replies it is owed, in order."""

    @property
    def attention(self) -> int:
        """An Attention; the protocol reads it after each call and need not reset it."""

    @property
    def requests(self) -> int:
        """Heads completed so far, for deadlines and the keep-alive limit."""

    @property
    def partial(self) -> bool:
        """True while bytes of an unfinished head are held."""

    @property
    def pending(self) -> int:
        """Replies owed but not ready (misses in flight, and what waits behind them)."""

    def send_on(self, descriptor: int | None) -> None:
        """From now on `feed` may send its replies itself on this non-blocking socket; None: no longer.

        To be called with a socket only while nothing else waits to be written on it. An engine need not make use of it.
        """
        ...

    def feed(self, data: bytes) -> bytes | None:
        """Take what was read; return all replies that are ready, to be written at once (may be empty).

        None: it has sent all replies itself, and `attention` is 0. When the socket did not take all it returns the
        rest, and sends nothing itself until it is told to again.
        """
        ...

    def resume(self) -> bytes:
        """Go on with the held rest of a read, and return the replies that became ready since."""
        ...

    def pause(self) -> None:
        """The transport's buffer is full: parse nothing more until the next resume()."""
        ...

    def eof(self) -> bytes:
        """The client half-closed: every complete request still gets its answer, then CLOSE is set."""
        ...

    def drain(self) -> None:
        """Say `Connection: close` on the next reply, and CLOSE after it."""
        ...

    def timeout(self) -> bytes:
        """The head took too long: a 408 in its place behind the replies owed, then CLOSE; empty if no byte came."""
        ...

    def lost(self) -> None:
        """The transport is gone: give up the replies owed, release what was held."""
        ...


class Engine(Protocol):
    """One worker's requests: cache, replies and click records."""

    def connection(self, peer: str | None, wake: Callable[[], None]) -> Connection:
        """A new client. `peer`: its IP address, None for a unix socket; `wake` is what put() returns for it."""
        ...

    def take_misses(self) -> Sequence[LinkKey]:
        """Keys to be found, each once however many wait: misses of this turn; after a tick, links due for a refresh."""
        ...

    def put(
        self, answers: Mapping[LinkKey, Link | Unavailable | None], *, asked_at: float, tier: Tier
    ) -> Iterable[Callable[[], None]]:
        """What was found, read no earlier than `asked_at` (clock.monotonic()).

        An answer older than a change announced since is not kept: its key comes again from take_misses().
        A link asked for longer ago than its lifetime is a stale copy, which is all there is while no store answers:
        it is kept and served as a stale link of the engine's own would be, if it is no older than that. It never
        makes a link fresh, nor moves the time back at which that version was asked for last.
        Returns `wake` of each connection that has replies ready now; it should lead to resume().
        """
        ...

    def announce(self, changes: Sequence[Change]) -> None:
        """Links changed: older copies are dropped, and never come back."""
        ...

    def forget_all(self) -> None:
        """Every copy is suspect (the change feed has a gap): ask again before serving, but keep them as stale."""
        ...

    def tick(self) -> None:
        """Called about once a second, and take_misses() after it: what need not be done on the hot path is done here,
        such as gauges, and asking for links that are due for a refresh.
        """
        ...

    def take_orphans(self) -> Sequence[Visits]:
        """Visits (GET, answered 404) to codes that no link has since the last call, most visited first.

        At most MAX_ORPHANS codes are counted, by Space-Saving: all counts add up to all visits, no code with more than
        a MAX_ORPHANSth of them is missed, and none is counted too high by more than that.
        """
        ...

    def set_salts(self, salts: Mapping[int, bytes]) -> None:
        """Salts for visitor hashes, by UTC day number."""
        ...

    def drain(self) -> None:
        """Every reply from now on says `Connection: close`."""
        ...

    def close(self) -> None:
        """Close the spool cleanly. Afterwards only `lost` of its connections may be called."""
        ...
