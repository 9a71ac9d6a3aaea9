"""One client's bytes: requests parsed in order, replies given in order."""

import re
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gateway.engines.contract import MAX_PENDING_REPLIES, OUTPUT_A_TURN_BYTES, REQUESTS_A_TURN, Attention, Tier
from gateway.engines.python.clients import NOBODY
from gateway.engines.python.entries import Entry, Name
from gateway.engines.python.owed import Click, Owed
from gateway.engines.python.tallies import CLICKS_SPOOLED, REDIRECT_INDEX
from gateway.http.answers import FIXED, NOT_FOUND, OPTIONS, REQUEST_TIMEOUT
from gateway.http.framing import Head, HeadFinder
from gateway.http.head import Persistence, Refusal, Request, parse_head, refuse_early
from redirect_core import HEAD

if TYPE_CHECKING:
    from gateway.engines.python.engine import PythonEngine
    from gateway.http.fields import Fields


class PythonConnection:
    """Implements gateway.engines.contract.Connection.

    Most reads hold one GET of a cached code, followed by the same bytes as the request before: `feed` answers
    these itself. All others take a turn: first what is owed goes out, then what is held is parsed.
    """

    __slots__ = (
        "_client",
        "_draining",
        "_ended",
        "_engine",
        "_fields",
        "_finder",
        "_held",
        "_paused",
        "_peer",
        "_plain",
        "_queue",
        "_stopped",
        "_tail",
        "attention",
        "partial",
        "pending",
        "requests",
        "wake",
    )

    def __init__(self, engine: "PythonEngine", peer: str | None, wake: Callable[[], None]) -> None:
        # Of the connection.
        self._engine = engine
        self._peer = peer
        self.wake = wake
        self.attention = 0
        self.requests = 0
        self._stopped = False  # the last reply is owed or given: nothing more is parsed
        self._paused = False  # the transport takes no more
        self._ended = False  # the client has half-closed
        self._draining = False
        # Of the requests under way.
        self._held = b""
        self._finder = HeadFinder()
        self._queue: deque[Owed] = deque()
        self.partial = False
        self.pending = 0
        # Of the fields that came last, because clients repeat theirs.
        self._fields: Fields | None = None
        self._client = NOBODY
        self._tail = b""  # all that followed the target; empty: a request must not be known by it
        self._plain = False  # `feed` may look for a request that ends in `_tail`

    # The contract.

    def send_on(self, descriptor: int | None) -> None:
        """The transport writes well enough."""

    def feed(self, data: bytes) -> bytes:
        engine = self._engine
        began = engine.read_clock()
        if self._plain and data.startswith(b"GET /") and (data.endswith(self._tail) or self._recall(data)):
            # Whatever stands between is the code if it is one in the cache; if it is not, it may be anything.
            code = data[5 : -len(self._tail)]
            entry = self._plain_entry(code)
            if entry is not None:
                self.attention = 0
                reply = self._hit(code, entry)
                engine.tallies.hit(engine.monotonic() - began)
                return reply
        self._hold(data)
        return self._turn()

    def resume(self) -> bytes:
        self._engine.read_clock()
        self._paused = False
        return self._turn()

    def pause(self) -> None:
        self._paused = True
        self._plain = False

    def eof(self) -> bytes:
        self._engine.read_clock()
        self._ended = True
        return self._turn()

    def drain(self) -> None:
        self._draining = True
        self._plain = False

    def timeout(self) -> bytes:
        self._engine.read_clock()
        turn = _Turn()
        if self.partial and not self._stopped:
            self._refuse(refuse_early(REQUEST_TIMEOUT, self._finder.line), turn)
        self._stop()
        return self._turn(turn)

    def lost(self) -> None:
        for owed in self._queue:
            owed.connection = None
            if owed.flight is not None:
                owed.flight.waiters.pop(owed, None)
        self._queue.clear()
        self._stop()
        self.wake = _nobody_listens
        self.pending = 0

    # For its engine.

    @property
    def is_ready(self) -> bool:
        """True when the oldest reply owed can be sent."""
        return bool(self._queue) and self._queue[0].outcome is not None

    # A hit behind known fields.

    def _recall(self, data: bytes) -> bool:
        """Whether this is a GET whose rest another request has had, as when a proxy sends several clients' requests."""
        target_end = data.find(b" ", 5, _LONGEST_PLAIN)
        client = self._engine.clients.get((self._peer, data[target_end:]))
        if client is None:
            return False
        self._client, self._tail, self._fields = client, data[target_end:], None
        return True

    def _plain_entry(self, code: bytes) -> Entry | None:
        """The entry of a code, if it may be sent as it is and the connection stays open after it."""
        engine = self._engine
        entry = engine.cache.plain[self._client.domain].get(code)
        if (
            entry is None
            or engine.now >= entry.refresh_at
            or self.requests + 1 >= engine.keepalive_requests
            or engine.draining
        ):
            return None
        return entry

    def _hit(self, code: bytes, entry: Entry) -> bytes:
        """Count the request, record its click; the reply."""
        engine = self._engine
        client = self._client
        words = engine.words
        self.requests += 1
        words[REDIRECT_INDEX[entry.status]] += 1
        if engine.record(engine.now_ms, client.domain, code, 0, client.flags, client.visitor):
            words[CLICKS_SPOOLED] += 1
        else:
            engine.tallies.unspooled_click()
        return engine.open_redirects[entry.status] + entry.target + entry.ending

    # A turn.

    def _hold(self, data: bytes) -> None:
        if not self._stopped:
            self._held = self._held + data if self._held else data

    def _turn(self, turn: "_Turn | None" = None) -> bytes:
        turn = turn or _Turn()
        if not self._paused:
            self._flush(turn)
            self._parse(turn)
        self._note_state()
        if turn.hits:
            self._engine.tallies.hit(self._engine.elapsed(), turn.hits)
        if turn.prompt:
            self._engine.tallies.latency(Tier.CACHE, self._engine.elapsed(), turn.prompt)
        return b"".join(turn.replies)

    def _flush(self, turn: "_Turn") -> None:
        """Send what is owed and ready, in order."""
        engine = self._engine
        queue = self._queue
        while self.is_ready and not turn.is_over:
            owed = queue.popleft()
            if not queue and not self._stopped and (self._draining or engine.draining):
                owed.persistence = Persistence.CLOSE
                self._stop()
            turn.add(engine.reply(owed))
            engine.tallies.latency(owed.tier, engine.now - owed.arrived_at)

    def _parse(self, turn: "_Turn") -> None:
        """Take the requests that are held, one after another."""
        data, at = self._held, 0
        begun = self._finder.line is not None  # it has seen the line of the first head already
        self.partial = False
        while at < len(data) and not self._stopped and not turn.is_over and len(self._queue) < MAX_PENDING_REPLIES:
            end = 0 if begun else self._take_known(data, at, turn)
            if not end:
                found = self._finder.find(data, at)
                if found is None:
                    self.partial = True
                    break
                self.requests += 1
                if not isinstance(found, Head):
                    self._refuse(refuse_early(*found), turn)
                    return
                self._take(found, data, at, turn)
                end = found.end
            begun = False
            at = end
        self._held = b"" if self._stopped else data[at:]

    def _take_known(self, data: bytes, at: int, turn: "_Turn") -> int:
        """Take a plain GET that ends as the last request did; the index after it, 0: it is something else."""
        tail = self._tail
        match = _PLAIN(data, at) if tail else None
        if match is None or not data.startswith(tail, match.end()) or self._is_last_but(1):
            return 0
        code, query = match.groups()
        if code in _FIXED_CODES:
            return 0
        entry = self._plain_entry(code) if not self._queue else None
        if entry is not None:
            turn.add(self._hit(code, entry))
            turn.hits += 1
        else:
            self.requests += 1
            owed = Owed("redirect", Persistence.OPEN, False, self._engine.now, query=query or b"")
            self._find(code, owed)
            self._owe(owed, turn)
        return match.end() + len(tail)

    def _take(self, head: Head, data: bytes, at: int, turn: "_Turn") -> None:
        request = parse_head(head.line, head.fields)
        if isinstance(request, Refusal):
            self._refuse(request, turn)
            return
        tail_at = at + len(head.line.method) + 1 + len(head.line.target)
        repeatable = request.persistence is Persistence.OPEN and head.end - tail_at <= _MAX_TAIL_BYTES
        self._tail = data[tail_at : head.end] if repeatable else b""
        self._know(request.fields)
        self._serve(request, turn)

    def _serve(self, request: Request, turn: "_Turn") -> None:
        persistence = Persistence.CLOSE if self._is_last_but(0) else request.persistence
        owed = Owed("fixed", persistence, request.is_head, self._engine.now, query=request.query)
        if request.method == b"OPTIONS":
            owed.outcome = OPTIONS
        elif fixed := FIXED.get(request.path):
            owed.outcome = fixed
        elif match := _CODE(request.path):
            owed.route = "redirect"
            self._find(match[1], owed)
        else:
            owed.route = "refused"
            owed.outcome = NOT_FOUND
        self._owe(owed, turn)

    def _find(self, code: bytes, owed: Owed) -> None:
        client = self._client
        name: Name = (client.domain, code) if client.domain else code
        owed.connection = self
        owed.click = Click(client.domain, code, client.flags | (HEAD if owed.is_head else 0), client.visitor)
        self._engine.find(name, owed, client.network)

    def _refuse(self, refusal: Refusal, turn: "_Turn") -> None:
        owed = Owed("refused", Persistence.CLOSE, refusal.head, self._engine.now, outcome=refusal.answer)
        self._owe(owed, turn)

    def _owe(self, owed: Owed, turn: "_Turn") -> None:
        """Give the reply its place: in the output if nothing is before it, else in the queue."""
        if owed.persistence is Persistence.CLOSE:
            self._stop()
        if self._queue or owed.outcome is None:
            self._queue.append(owed)
        else:
            turn.add(self._engine.reply(owed))
            turn.prompt += 1

    def _stop(self) -> None:
        self._stopped = True
        self._held = b""
        self.partial = False
        self._plain = False

    def _is_last_but(self, more: int) -> bool:
        """Whether `more` requests from now on one must be the last of this connection."""
        engine = self._engine
        return self._draining or engine.draining or self.requests + more >= engine.keepalive_requests

    def _know(self, fields: "Fields") -> None:
        """Remember who sends these fields."""
        if fields is not self._fields:
            self._fields = fields
            self._client = self._engine.clients.of(self._peer, fields)
        if self._tail:
            self._engine.clients.remember((self._peer, self._tail), self._client)

    def _note_state(self) -> None:
        """Say what the protocol must know, and whether the next read may be a plain one."""
        queue = self._queue
        more = bool(self._held) and (self._paused or not self.partial)
        if self._ended and not queue and not more:
            self._stop()
        self.pending = len(queue)
        attention = 0
        if self._stopped and not queue:
            attention = Attention.CLOSE
        elif not self._paused and (self.is_ready or (more and len(queue) < MAX_PENDING_REPLIES)):
            attention = Attention.RESUME
        if self._engine.flights.wanted:
            attention |= Attention.MISSED
        if self.partial:
            attention |= Attention.PARTIAL
        self.attention = attention
        idle = not (self._held or queue or self._stopped or self._paused or self._draining)
        self._plain = idle and bool(self._tail)


class _Turn:
    """What goes out in one turn of one connection."""

    __slots__ = ("_bytes", "hits", "prompt", "replies")

    def __init__(self) -> None:
        self.replies: list[bytes] = []
        self.hits = 0  # how many of them are plain hits
        self.prompt = 0  # how many others answer a request of this turn
        self._bytes = 0

    def add(self, reply: bytes) -> None:
        self.replies.append(reply)
        self._bytes += len(reply)

    @property
    def is_over(self) -> bool:
        """True when other connections are to have their turn."""
        return len(self.replies) >= REQUESTS_A_TURN or self._bytes >= OUTPUT_A_TURN_BYTES


def _nobody_listens() -> None:
    """What a connection wakes that is gone."""


# With the code and the query below a head stays well inside MAX_REQUEST_LINE_BYTES and MAX_HEAD_BYTES.
_MAX_TAIL_BYTES: Final = 6 * 1024
_LONGEST_PLAIN: Final = len(b"GET /") + 64 + 1  # the longest alias, and the space behind it
_PLAIN: Final = re.compile(rb"GET /([0-9A-Za-z_-]{1,64})(?:\?([!\"$-\[\]-~]{0,1024}))?").match
_FIXED_CODES: Final = frozenset(path[1:] for path in FIXED)  # they look like codes; no link can have them
_CODE: Final = re.compile(rb"/([0-9A-Za-z_-]{1,64})").fullmatch
