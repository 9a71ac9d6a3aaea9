"""The contract of the compiled module: what Python may rely on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, final

__version__: Final[str]

HEAD: Final[int]  # flag of a record: a HEAD request
PREFETCH: Final[int]  # flag of a record: Sec-Purpose or one of its forerunners said prefetch or preview
UNTRACKED: Final[int]  # flag of a record: DNT or Sec-GPC was 1; its user agent is to be forgotten once it has a class

def pack_code(code: bytes) -> int | None:
    """A 7-character code of [0-9A-Za-z] as a number below 62**7; None: it is no such code."""

def unpack_code(number: int) -> bytes:
    """The code that `pack_code` made `number` of. ValueError: not below 62**7."""

def is_alias(text: bytes) -> bool:
    """True for 1-64 bytes of [A-Za-z0-9_-]."""

class SpoolLocked(OSError):
    """Another reader holds the spool."""

@final
class Visitor:
    """Who clicks, as far as the request says; anonymised when it is recorded, never before it is needed.

    Made once per client and header set, and reused for its requests.
    """

    def __new__(
        cls, address: bytes, referrer: bytes, user_agent: bytes, language: bytes, *, ip_privacy: str = "truncate"
    ) -> Visitor:
        """`address`: 4 or 16 bytes, or empty if unknown; the texts are cut to 512, 512 and 64 bytes.

        `ip_privacy`: what is recorded of the address: its network ("truncate"), nothing ("drop") or all ("full").
        ValueError: `address` has another length, or `ip_privacy` is another word.
        """

    @staticmethod
    def untracked(user_agent: bytes) -> Visitor:
        """One of whom only the user agent is recorded, without a hash that would know him again."""

@final
class SpoolWriter:
    """One worker's spool: the only writer of its epoch. Any thread may call it; one waits for the other."""

    def __new__(
        cls,
        folder: str,
        worker: int,
        *,
        segment_bytes: int = 16 << 20,
        limit_bytes: int = 4 << 30,
        sync_every_ms: int = 200,
    ) -> SpoolWriter:
        """Start an epoch in `folder` (which exists): its first segment is preallocated, mapped and locked.

        `segment_bytes`: 4 KiB to 1 GiB, rounded up to whole pages. `limit_bytes`: of all segments in `folder`
        together. When the disk is full, or the limit reached, the writer starts all the same and counts in memory.
        OSError: anything else. ValueError: a size or time out of range.
        """

    @property
    def epoch(self) -> bytes:
        """128 random bits that name this start of this worker."""

    @property
    def spooled(self) -> int:
        """Records written so far; also the last seq."""

    @property
    def clicks(self) -> int:
        """Clicks in the records written so far: more than `spooled` once counts from memory were written."""

    @property
    def volatile(self) -> int:
        """Clicks counted in memory alone, because no segment could be had; they are written when one can."""

    @property
    def dropped(self) -> int:
        """Clicks lost because even the counts in memory were full, or it was closed while there was no room."""

    @property
    def error(self) -> str | None:
        """Why no segment could be had, or nothing be synced, the last time that was tried; None: all is well."""

    def set_salts(self, salts: Mapping[int, bytes]) -> None:
        """Salts (16 bytes) of visitor hashes by UTC day number, in place of those set before.

        Without the day's own a random one serves. ValueError: a salt of another length.
        """

    def record(self, now_ms: int, domain: bytes, code: bytes, variant: int, flags: int, visitor: Visitor) -> bool:
        """Record one click; it survives kill -9 when this returns. False: counted in memory alone.

        ValueError: `domain` over 255 bytes, `code` not 1-64 bytes, or the spool is closed.
        """

    def sync(self) -> None:
        """fdatasync now what was recorded (releases the GIL). OSError: what of it is on disk is unknown."""

    def close(self) -> None:
        """Write what is volatile if possible, mark the segment complete, sync and unlock it. Idempotent.

        Clicks that could not be written are `dropped`. OSError: the last ones may not be on disk.
        """

@final
class CountBatch:
    """Clicks of one epoch, aggregated."""

    @property
    def epoch(self) -> bytes: ...
    @property
    def after_seq(self) -> int: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def records(self) -> int:
        """Records read."""

    @property
    def lost(self) -> int:
        """Seqs in (after_seq, last_seq] that no record has: lost to a power cut."""

    @property
    def oldest_ms(self) -> int:
        """Time of the oldest record, in ms since the Unix epoch; 0: there are only lost ones."""

    @property
    def user_agents(self) -> Sequence[bytes]:
        """The distinct user agents of this batch."""

    @property
    def counts(self) -> Sequence[tuple[bytes, bytes, int, int, int, int]]:
        """(domain, code, hour_ms, flags, index into user_agents, clicks), in that order; each combination once."""

@final
class EventBatch:
    """Clicks of one epoch, one by one, as the spool has them."""

    @property
    def epoch(self) -> bytes: ...
    @property
    def worker(self) -> int: ...
    @property
    def after_seq(self) -> int: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def records(self) -> int:
        """Records read; 0: all seqs in (after_seq, last_seq] were lost."""

    @property
    def oldest_ms(self) -> int:
        """As CountBatch's."""

    @property
    def agents(self) -> Sequence[tuple[bytes, int]]:
        """The distinct user agents, each with a click's flags."""

    @property
    def networks(self) -> Sequence[bytes]:
        """The distinct addresses as far as they were kept: b"203.0.113.0/24", b"2001:db8:1::/48", whole ones where the
        setting says so; empty: unknown."""

    @property
    def referrers(self) -> Sequence[bytes]:
        """The distinct referrers."""

    @property
    def languages(self) -> Sequence[bytes]:
        """The distinct values of Accept-Language."""

    @property
    def links(self) -> Sequence[tuple[bytes, bytes]]:
        """The distinct (domain, code)."""

    def encode(
        self,
        node: str,
        agents: Sequence[bytes],
        networks: Sequence[bytes],
        referrers: Sequence[bytes],
        languages: Sequence[bytes],
        links: Sequence[bytes],
        *,
        partitions: int = 1,
    ) -> Sequence[Sequence[tuple[bytes, bytes, int]]]:
        """The clicks as JSON (clicks/events/event.py), by Kafka partition: (code, JSON, time_ms), in order of seq.

        Each sequence has, for each value of this batch's sequence of that name, JSON members without braces that take
        its place. A partition is what Kafka's own default partitioner chooses for the code: murmur2 (positive) modulo
        `partitions`. Releases the GIL. ValueError: a sequence of another length than this batch's.
        """

@final
class SpoolReader:
    """The one reader of a spool folder; holds its lock until closed. Afterwards its methods raise ValueError."""

    def __new__(cls, folder: str) -> SpoolReader:
        """Take the folder's lock. SpoolLocked: another reader has it."""

    def epochs(self) -> Sequence[bytes]:
        """Epochs that have segments now."""

    @property
    def damaged(self) -> Sequence[str]:
        """File names of segments set aside (`.bad`) because their header can't be believed; they stay for people."""

    @property
    def errors(self) -> Sequence[tuple[str, str]]:
        """File names of segments that could not be read when that was tried last, each with what the system said.

        Such a segment holds up its own epoch alone, which is read as far as the segment. It leaves this list when it
        is read, or when someone takes it away: its clicks are lost then, and those behind it are read.
        """

    def read(self, watermarks: Mapping[bytes, int], max_records: int = 200_000) -> Sequence[CountBatch]:
        """The clicks after each epoch's watermark (absent: 0), at most one batch an epoch (releases the GIL).

        Reads a running writer's segments up to its last commit. Past the end of a writer that is gone it
        looks further for records behind a torn one. `max_records` bounds each batch. OSError: the folder can't be
        read; a single segment that can't be is told by `errors`.
        """

    def read_events(self, watermarks: Mapping[bytes, int], max_records: int = 20_000) -> Sequence[EventBatch]:
        """As `read`, click by click; its place in the spool is kept apart from that of `read`.

        Seqs that no record has any more, because they were lost or freed, are passed over: `records` is less than
        `last_seq - after_seq` then.
        """

    def free(self, watermarks: Mapping[bytes, int], bytes_wanted: int | None = None) -> int:
        """Delete segments, oldest first, that are complete (or whose writer is gone) and wholly below their epoch's
        watermark; returns bytes freed.

        `bytes_wanted`: stop when so many are freed; None: delete all. So a full spool is relieved by the watermarks of
        the counts and no more bytes than it lacks: who has not read these events will pass over them. An epoch whose
        last segment is freed so is no longer read at all; what its watermark lacks is the caller's to tell.
        OSError: a segment can't be deleted.
        """

    def size(self) -> tuple[int, int, int]:
        """Bytes on disk, segments, and ms since the epoch of the oldest segment's creation (0: none)."""

    def close(self) -> None:
        """Give the lock back. Idempotent."""

# version, status, target, Cache-Control, whether its bytes may stand in a reply, and what few links have:
# (enabled, not_before, expires_at, expired_target, forward_query), times in ms since the Unix epoch.
LinkFields = tuple[int, int, str, str, bool, tuple[bool, int | None, int | None, str | None, bool] | None]

@final
class Engine:
    """One worker's engine, as gateway/engines/contract.py describes it. It belongs to the thread that made it.

    A fault within is a RuntimeError, a Rust panic included; so is any use after `close`.
    """

    def __new__(
        cls,
        words: memoryview,
        layout: Mapping[str, int],
        latency_bounds_us: Sequence[int],
        spool: SpoolWriter,
        *,
        cache_bytes: int,
        domains: Sequence[str],
        honour_do_not_track: bool,
        ip_privacy: str,
        keepalive_requests: int,
        max_misses: int,
        referrer_policy: str,
        trusted_proxies: Sequence[str],
        unknown_per_minute: int,
        read_clock: Callable[[], tuple[float, int]] | None = None,
    ) -> Engine:
        """`words`, `layout`: a counters page's numbers (unsigned, 64 bits, writable) and where each lies, by name.

        `keepalive_requests`, `unknown_per_minute`: 0 for no limit. `read_clock`: seconds of the monotonic clock and
        ms since the Unix epoch; None: the system's. ValueError: a page that lacks a number, a network that is none, or
        an `ip_privacy` that Visitor does not know.
        """

    def connection(self, peer: str | None, wake: Callable[[], None]) -> Connection: ...
    def take_misses(self) -> Sequence[tuple[str, str]]:
        """Domain and code of each."""

    def take_orphans(self) -> Sequence[tuple[str, str, int]]: ...
    def put(
        self, answers: Sequence[tuple[tuple[str, str], LinkFields | bool | None]], asked_at: float, tier: int
    ) -> Sequence[Callable[[], None]]:
        """What was found by domain and code. None: there is no such link; False: no store could be asked."""

    def announce(self, changes: Sequence[tuple[tuple[str, str], int]]) -> None: ...
    def forget_all(self) -> None: ...
    def tick(self) -> None: ...
    def drain(self) -> None: ...
    def close(self) -> None:
        """Close the spool cleanly, and let go of the page. Idempotent. OSError: the last clicks may not be on disk."""

@final
class Connection:
    """One client's bytes, as gateway/engines/contract.py describes it."""

    @property
    def attention(self) -> int: ...
    @property
    def requests(self) -> int: ...
    @property
    def partial(self) -> bool: ...
    @property
    def pending(self) -> int: ...
    def send_on(self, descriptor: int | None) -> None: ...
    def feed(self, data: bytes) -> bytes | None: ...
    def resume(self) -> bytes: ...
    def pause(self) -> None: ...
    def eof(self) -> bytes: ...
    def drain(self) -> None: ...
    def timeout(self) -> bytes: ...
    def lost(self) -> None: ...
