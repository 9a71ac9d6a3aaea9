"""The importer against a control plane in memory that keeps its promises and can be cut off at any chunk."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge302.imports.importer import CHUNK_BYTES, CHUNK_LINES, UNSETTLED_LINES, Importer
from edge302.imports.journal import Journal, Progress
from edge302.imports.lines import BadLine, Line
from edge302.imports.rejects import Rejects
from shortlink.clock import SystemClock
from shortlink.errors import StoreUnavailable


class Plane:
    """What the bulk route promises: one answer a line, and one link for one idempotency key."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}
        self.made: dict[str, str] = {}
        self._writing = threading.Lock()  # requests come at the same time

    def send(self, lines: bytes) -> bytes:
        with self._writing:
            return b"\n".join(json.dumps(self._answer(json.loads(line))).encode() for line in lines.splitlines())

    def _answer(self, link: dict[str, Any]) -> dict[str, Any]:
        key = link["idempotency_key"]
        if key in self.made:
            return {"status": 201, "replayed": True}
        if link.get("url") is None:
            return {"status": 400, "problem": {"title": "bad", "detail": "url is missing", "field": "url"}}
        code = link.get("alias", f"random{len(self.made)}")
        if code in self.targets:
            return {"status": 409, "problem": {"title": "taken", "detail": f"{code} is taken", "field": "alias"}}
        self.made[key] = code
        self.targets[code] = link["url"]
        return {"status": 201}


def line(number: int, **link: str) -> Line:
    return Line(number, link.get("alias"), json.dumps(link).encode(), json.dumps(link))


def mixed(count: int) -> Iterator[Line | BadLine]:
    """Lines with and without alias, unreadable ones, and one refused by the control plane, in turn."""
    for number in range(1, count + 1):
        kind = number % 4
        if kind == 0:
            yield BadLine(number, "not JSON", None, "x")
        elif kind == 1:
            yield line(number)
        elif kind == 2:
            yield line(number, alias=f"a{number}", url=f"u{number}")
        else:
            yield line(number, url=f"u{number}")


class Run:
    """One run of an import in a folder, as the command makes it."""

    def __init__(self, folder: Path, plane: Plane) -> None:
        self._folder = folder
        self._plane = plane

    def __call__(self, lines: Iterator[Line | BadLine], stop_after: int | None = None) -> Progress:
        with (
            closing(Journal(self._folder / "journal")) as journal,
            closing(Rejects(self._folder / "rejects", journal.progress.rejects_bytes)) as rejects,
        ):
            sent = itertools.count()
            importer = Importer(self._plane.send, journal, rejects, SystemClock(), "file")
            importer.run(lines, stopping=lambda: next(sent) == stop_after, settled=lambda: None)
            return journal.progress

    @property
    def rejected(self) -> list[int]:
        return [json.loads(text)["line"] for text in (self._folder / "rejects").read_text().splitlines()]


COUNT = CHUNK_LINES * 7 + 10
BAD = [number for number in range(1, COUNT + 1) if number % 4 in (0, 1)]


def test_good_lines_load_and_bad_ones_are_written_down_in_order(tmp_path: Path) -> None:
    plane = Plane()
    run = Run(tmp_path, plane)
    progress = run(mixed(COUNT))
    assert progress.complete
    assert (progress.imported, progress.replayed, progress.rejected) == (COUNT - len(BAD), 0, len(BAD))
    assert run.rejected == BAD
    assert len(plane.targets) == COUNT - len(BAD)


@pytest.mark.parametrize("stop_after", range(4))
def test_an_interrupted_import_goes_on_without_doubles(tmp_path: Path, stop_after: int) -> None:
    plane = Plane()
    run = Run(tmp_path, plane)
    progress = run(mixed(COUNT), stop_after)
    assert not progress.complete
    assert (progress.line > 0) == (stop_after > 0)
    progress = run(mixed(COUNT))
    assert (progress.imported, progress.replayed, progress.rejected) == (COUNT - len(BAD), 0, len(BAD))
    assert run.rejected == BAD
    assert len(plane.targets) == COUNT - len(BAD)


def test_chunks_whose_answers_were_lost_are_sent_again_and_make_nothing_twice(tmp_path: Path) -> None:
    plane = Plane()
    run = Run(tmp_path, plane)
    run(mixed(COUNT), stop_after=2)
    # As a kill -9 between the answers and the journal's write leaves it: the journal knows less than the store.
    with closing(Journal(tmp_path / "journal")) as journal:
        journal.write(msgspec.structs.replace(journal.progress, line=0, imported=0, rejected=0, rejects_bytes=0))
    progress = run(mixed(COUNT))
    assert progress.imported + progress.replayed == COUNT - len(BAD)
    assert progress.replayed > 0
    assert run.rejected == BAD
    assert len(plane.targets) == COUNT - len(BAD)


def test_the_first_of_two_equal_aliases_wins_across_chunks(tmp_path: Path) -> None:
    plane = Plane()
    lines = [
        line(number, alias=f"a{number % (CHUNK_LINES + 1)}", url=f"u{number}") for number in range(CHUNK_LINES * 3)
    ]
    Run(tmp_path, plane)(iter(lines[1:]))
    assert plane.targets == {f"a{number % (CHUNK_LINES + 1)}": f"u{number}" for number in range(1, CHUNK_LINES + 2)}


def test_no_request_is_longer_than_a_control_plane_takes_in_unread_but_for_a_single_line(tmp_path: Path) -> None:
    class Measured(Plane):
        longest = 0

        def send(self, lines: bytes) -> bytes:
            if b"\n" in lines:
                self.longest = max(self.longest, len(lines))
            return super().send(lines)

    plane = Measured()
    lines = [line(number, url="u" * (number * 37 % 5_000 if number % 100 else 100_000)) for number in range(1, 1_000)]
    Run(tmp_path, plane)(iter(lines))
    assert len(plane.targets) == len(lines)
    assert CHUNK_BYTES / 2 < plane.longest <= CHUNK_BYTES


def test_a_kill_9_leaves_no_more_lines_behind_than_promised(tmp_path: Path) -> None:
    plane = Plane()
    journalled = []

    def send(lines: bytes) -> bytes:
        with (tmp_path / "journal").open("rb") as journal:
            written = [msgspec.json.decode(text, type=Progress) for text in journal.read().split(b"\n") if text]
        journalled.append((written[-1].line if written else 0, json.loads(lines.splitlines()[-1])["url"]))
        return plane.send(lines)

    with (
        closing(Journal(tmp_path / "journal")) as journal,
        closing(Rejects(tmp_path / "rejects", 0)) as rejects,
    ):
        lines = (line(number, url=str(number)) for number in range(1, UNSETTLED_LINES * 2))
        Importer(send, journal, rejects, SystemClock(), "file").run(lines, lambda: False, lambda: None)
    assert max(int(sent) - settled for settled, sent in journalled) <= UNSETTLED_LINES


def test_trouble_of_the_store_stops_the_import_and_rejects_nothing(tmp_path: Path) -> None:
    class Troubled(Plane):
        def _answer(self, link: dict[str, Any]) -> dict[str, Any]:
            return {"status": 503, "problem": {"title": "store", "detail": "the disk is full"}}

    run = Run(tmp_path, Troubled())
    with pytest.raises(StoreUnavailable, match="line 1: the disk is full"):
        run(iter([line(1, url="u")]))
    assert not (tmp_path / "rejects").exists()


def test_an_answer_with_lines_missing_settles_nothing(tmp_path: Path) -> None:
    class CutOff(Plane):
        def send(self, lines: bytes) -> bytes:
            return super().send(lines).partition(b"\n")[0]

    with pytest.raises(StoreUnavailable, match="1 answers came to 2 lines"):
        Run(tmp_path, CutOff())(iter([line(1, url="u"), line(2, url="v")]))
    with closing(Journal(tmp_path / "journal")) as journal:
        assert journal.progress.line == 0


def test_an_empty_object_and_blanks_take_the_idempotency_key_too(tmp_path: Path) -> None:
    run = Run(tmp_path, Plane())
    run(iter([Line(1, None, b"{}", "{}"), Line(2, None, b'{ "url" : "u" }', "")]))
    assert run.rejected == [1]
