"""Loads a file of links exactly once: chunks in flight, every answer settled in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge302.imports.journal import Journal
from edge302.imports.lines import BadLine, Line
from edge302.imports.rejects import Rejects
from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable

CHUNK_LINES: Final = 1_000
# The control plane answers while it reads, and we read only when all is sent. What it takes in without being read
# from (uvicorn buffers 64 KiB) must hold a chunk; else both sides would wait for each other.
CHUNK_BYTES: Final = 60 << 10
# So that it parses, stores and answers at once, and commits together what waits: aliases in no order touch a page of
# the store each, which is then written once a commit. More would make others wait for their turn to write.
IN_FLIGHT: Final = 12
JOURNAL_LINES: Final = 4_000  # settled between two writes of the journal, each of which waits for the disk
UNSETTLED_LINES: Final = JOURNAL_LINES + IN_FLIGHT * CHUNK_LINES  # that a kill -9 may leave behind, at most
_KEY_BYTES: Final = 90  # room for an idempotency key and its name


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    field: str | None = None


class _Result(msgspec.Struct):
    """What the control plane answers to one line."""

    status: int
    replayed: bool = False
    problem: _Problem | None = None


_decode_results: Final = msgspec.json.Decoder(_Result).decode_lines


@dataclass(slots=True)
class _Chunk:
    """Lines that travel together.

    Attributes:
        last: the number of the last line.
        aliases: those of its lines. Two chunks with one in common are never in flight together, so that the
            first of two equal aliases wins, as it would line by line.
    """

    lines: list[Line] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    last: int = 0
    size: int = 0
    aliases: set[str] = field(default_factory=set)

    def add(self, line: Line | BadLine) -> None:
        self.last = line.number
        if isinstance(line, BadLine):
            self.bad.append(line)
            return
        self.lines.append(line)
        self.size += len(line.link) + _KEY_BYTES
        if line.alias is not None:
            self.aliases.add(line.alias)

    def has_room_for(self, line: Line | BadLine) -> bool:
        """Whether it may grow; a line that is too long for any chunk travels alone."""
        if len(self.lines) + len(self.bad) >= CHUNK_LINES:
            return False
        return isinstance(line, BadLine) or not self.size or self.size + len(line.link) + _KEY_BYTES <= CHUNK_BYTES


class Importer:
    """One run of one import. The journal says what it has done; lines after that are sent again, and not made twice.

    Attributes:
        progress: how far it is; the journal follows.
    """

    def __init__(
        self, send: Callable[[bytes], bytes], journal: Journal, rejects: Rejects, clock: Clock, name: str
    ) -> None:
        """`send`: NDJSON to the control plane, its results back; `name`: makes the lines' idempotency keys."""
        self._send = send
        self._journal = journal
        self._rejects = rejects
        self._clock = clock
        self._name = name
        self.progress = journal.progress

    def run(self, lines: Iterable[Line | BadLine], stopping: Callable[[], bool], settled: Callable[[], None]) -> bool:
        """Send all lines that are not settled yet; returns whether the end was reached.

        Args:
            lines: the whole file, from its first line on.
            stopping: asked before each chunk; True: send no more, settle what is in flight.
            settled: called after each chunk, when `progress` has changed.

        Raises:
            StoreUnavailable, ApiProblem: the control plane can't go on; the journal says from where to.
        """
        in_flight: deque[tuple[_Chunk, Future[list[_Result]]]] = deque()

        def settle_first() -> None:
            chunk, answer = in_flight.popleft()
            self._settle(chunk, answer.result())
            settled()

        complete = False
        try:
            with ThreadPoolExecutor(IN_FLIGHT) as pool:
                for chunk in _chunks(lines, self.progress.line):
                    if stopping():
                        break
                    while len(in_flight) >= IN_FLIGHT or _meet(chunk, in_flight):
                        settle_first()
                    in_flight.append((chunk, pool.submit(self._ask, chunk)))
                else:
                    complete = True
                while in_flight:
                    settle_first()
            self._advance(complete=complete)
        finally:
            self._write()
        return complete

    def _ask(self, chunk: _Chunk) -> list[_Result]:
        if not chunk.lines:
            return []
        name = self._name
        body = b"\n".join([_with_key(line, f"{name}:{line.number}") for line in chunk.lines])
        results = _decode_results(self._send(body))
        if len(results) != len(chunk.lines):
            raise StoreUnavailable(
                f"{len(results)} answers came to {len(chunk.lines)} lines; run the same command to go on"
            )
        return results

    def _settle(self, chunk: _Chunk, results: list[_Result]) -> None:
        rejected = list(chunk.bad)
        replayed = 0
        for line, result in zip(chunk.lines, results, strict=True):
            if result.status < 300:
                replayed += result.replayed
            else:
                rejected.append(_refusal(line, result))
        rejected.sort()
        before = self.progress
        self._advance(
            line=chunk.last,
            imported=before.imported + len(chunk.lines) + len(chunk.bad) - len(rejected) - replayed,
            replayed=before.replayed + replayed,
            rejected=before.rejected + len(rejected),
            rejects_bytes=self._rejects.add(rejected),
        )
        if self.progress.line - self._journal.progress.line >= JOURNAL_LINES:
            self._write()

    def _advance(self, **changes: int) -> None:
        self.progress = msgspec.structs.replace(self.progress, at_ms=self._clock.now_ms(), **changes)

    def _write(self) -> None:
        # First the rejects: the journal vouches for them.
        self._rejects.sync()
        self._journal.write(self.progress)


def _chunks(lines: Iterable[Line | BadLine], after: int) -> Iterator[_Chunk]:
    chunk = _Chunk()
    for line in lines:
        if line.number <= after:
            continue
        if not chunk.has_room_for(line):
            yield chunk
            chunk = _Chunk()
        chunk.add(line)
    if chunk.last:
        yield chunk


def _meet(chunk: _Chunk, in_flight: Iterable[tuple[_Chunk, object]]) -> bool:
    return any(not chunk.aliases.isdisjoint(other.aliases) for other, _ in in_flight)


def _with_key(line: Line, key: str) -> bytes:
    """The line's JSON object with an idempotency key as its first field, without encoding it anew."""
    rest = line.link[1:].lstrip()
    return b'{"idempotency_key":"%b"%b%b' % (key.encode(), b"" if rest.startswith(b"}") else b",", rest)


def _refusal(line: Line, result: _Result) -> BadLine:
    """Why a line was refused. StoreUnavailable: it was not, the control plane is in trouble."""
    problem = result.problem or _Problem(title=f"refused with {result.status}")
    reason = problem.detail or problem.title
    if result.status >= 500 or result.status == 429:
        raise StoreUnavailable(f"line {line.number}: {reason}; run the same command to go on")
    return BadLine(line.number, reason, problem.field, line.text)
