"""One `edge302 links import`: finds its journal, shows progress, stops in order at Ctrl-C."""

import hashlib
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec

from edge302.cli import options
from edge302.cli.progress import progress
from edge302.imports.importer import UNSETTLED_LINES, Importer
from edge302.imports.journal import Fingerprint, Journal, Progress
from edge302.imports.lines import format_of, read_lines
from edge302.imports.rejects import Rejects
from shortlink.clock import SystemClock
from shortlink.errors import Edge302Error

# The store remembers idempotency keys for a day; an hour is left for the rest of the import.
REMEMBERED_MS: Final = 23 * 3_600_000


class TooLate(Edge302Error):
    """The store may no longer know which of the last lines it has taken."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file's lines, those of earlier runs of the same import included.

    Attributes:
        imported: links made.
        replayed: links that a run which was cut off had made already.
        rejected: lines in the rejects file.
        line: the last line that is settled.
        complete: False: interrupted.
        already_complete: an earlier run had finished the import; nothing was done.
        seconds: what this run took.
        per_second: lines settled a second in this run.
    """

    imported: int
    replayed: int
    rejected: int
    rejects_file: str | None
    line: int
    complete: bool
    already_complete: bool
    seconds: float
    per_second: float


def import_file(
    control: options.Control, file: Path, *, file_format: str | None, rejects: Path | None, again: bool, late: bool
) -> Outcome:
    """Import a file, or what is left of it. Raises Edge302Error when it can't go on; the journal says where it is."""
    started = time.monotonic()
    file_format = file_format or format_of(file)
    rejects = rejects or file.with_name(file.name + ".rejects.ndjson")
    clock = SystemClock()
    with ExitStack() as held:
        # One open file for all: what is imported is what was fingerprinted, though another takes its name meanwhile.
        content = held.enter_context(file.open("rb"))
        fingerprint = Fingerprint.of(content)
        journal = held.enter_context(closing(Journal(_journal_path(control, fingerprint))))
        begin = _begin(journal.progress, clock.now_ms(), again=again, late=late)
        if begin.complete:
            return _outcome(begin, rejects, already_complete=True, seconds=0.0, lines=0)
        if begin != journal.progress:
            journal.write(begin)
        plane = held.enter_context(control.open(create=True))
        rejects_file = held.enter_context(closing(Rejects(rejects, begin.rejects_bytes)))
        interrupted = held.enter_context(_stopping_at_interrupt())
        update = held.enter_context(progress(_label(begin, file), fingerprint.lines - begin.line, "lines"))
        send = partial(plane.send_lines, "/api/links/bulk")
        # Half of the SHA-256 is plenty: the keys are compared within one client's imports, and each goes a long way.
        importer = Importer(send, journal, rejects_file, clock, f"{fingerprint.sha256[:32]}{begin.run}")
        importer.run(
            read_lines(content, file_format),
            stopping=interrupted,
            settled=lambda: update(importer.progress.line - begin.line),
        )
        end = importer.progress
    seconds = time.monotonic() - started
    return _outcome(end, rejects, already_complete=False, seconds=seconds, lines=end.line - begin.line)


def summary(outcome: Outcome) -> str:
    """The outcome as sentences."""
    if outcome.already_complete:
        what = "This file was imported before; --again imports it anew. Of that import"
    elif outcome.complete:
        what = f"Done in {outcome.seconds:.1f} s, {outcome.per_second:,.0f} lines/s"
    else:
        what = f"Interrupted after line {outcome.line:,}; run the same command to go on. So far"
    counts = f"{outcome.imported:,} imported, {outcome.replayed:,} already there, {outcome.rejected:,} rejected"
    where = f" (see {outcome.rejects_file})" if outcome.rejected else ""
    return f"{what}: {counts}{where}."


def _begin(known: Progress, now_ms: int, *, again: bool, late: bool) -> Progress:
    """From where to go on. TooLate: nobody can tell any more, and the user has not accepted it."""
    if again and (known.complete or not known.at_ms):
        return Progress(run=f":{secrets.token_hex(8)}", at_ms=now_ms)
    if known.at_ms and not known.complete and now_ms - known.at_ms > REMEMBERED_MS and not late:
        raise TooLate(
            f"this import stopped after line {known.line:,} over {REMEMBERED_MS // 3_600_000} hours ago. Up to "
            f"{UNSETTLED_LINES:,} lines behind it may be imported already, and those without an alias would "
            "be doubled; --late goes on all the same"
        )
    return known if known.at_ms else Progress(at_ms=now_ms)


def _journal_path(control: options.Control, fingerprint: Fingerprint) -> Path:
    """One journal for each content and each control plane that it goes to."""
    folder = control.folder
    for private in (folder.root, folder.imports):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    elsewhere = f"-{hashlib.sha256(control.api_url.encode()).hexdigest()[:16]}" if control.api_url else ""
    return folder.imports / f"{fingerprint.sha256}{elsewhere}.journal"


def _label(begin: Progress, file: Path) -> str:
    return f"Importing {file.name}" + (f" from line {begin.line + 1:,}" if begin.line else "")


def _outcome(end: Progress, rejects: Path, *, already_complete: bool, seconds: float, lines: int) -> Outcome:
    return Outcome(
        imported=end.imported,
        replayed=end.replayed,
        rejected=end.rejected,
        rejects_file=str(rejects) if end.rejected else None,
        line=end.line,
        complete=end.complete,
        already_complete=already_complete,
        seconds=seconds,
        per_second=lines / seconds if seconds else 0.0,
    )


@contextmanager
def _stopping_at_interrupt() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C came; what is in flight is settled then. A second one does not wait for that."""
    came = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)
