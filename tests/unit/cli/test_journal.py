"""The journal and the rejects file: what they say after a stop at any point."""

import io
import json
from contextlib import closing
from pathlib import Path

import pytest

from edge302.imports.journal import Fingerprint, Journal, Progress
from edge302.imports.lines import BadLine
from edge302.imports.rejects import Rejects
from edge302.locks import AlreadyRunning


def test_a_new_journal_knows_of_no_progress(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "j")) as journal:
        assert journal.progress == Progress()


def test_the_last_progress_written_is_read_back(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "j")) as journal:
        journal.write(Progress(line=1))
        journal.write(Progress(line=2, rejected=1, rejects_bytes=9))
    with closing(Journal(tmp_path / "j")) as journal:
        assert journal.progress == Progress(line=2, rejected=1, rejects_bytes=9)


def test_a_torn_write_leaves_the_progress_before_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with closing(Journal(path)) as journal:
        journal.write(Progress(line=1))
        whole = path.read_bytes()
        journal.write(Progress(line=2))
    torn = path.read_bytes()
    for length in range(len(whole), len(torn) - 1):
        path.write_bytes(torn[:length])
        with closing(Journal(path)) as journal:
            assert journal.progress == Progress(line=1)
            journal.write(Progress(line=3))
        with closing(Journal(path)) as journal:
            assert journal.progress == Progress(line=3)


def test_a_second_import_of_the_same_file_is_refused_while_one_runs(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "j")), pytest.raises(AlreadyRunning):
        Journal(tmp_path / "j")


@pytest.mark.parametrize(("content", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2)])
def test_a_fingerprint_counts_lines_with_or_without_a_last_line_end(content: bytes, lines: int) -> None:
    assert Fingerprint.of(io.BytesIO(content)).lines == lines


def test_the_rejects_file_appears_with_the_first_reject(tmp_path: Path) -> None:
    path = tmp_path / "r"
    with closing(Rejects(path, 0)) as rejects:
        assert rejects.add([]) == 0
        assert not path.exists()
        length = rejects.add([BadLine(3, "bad", "url", "x")])
        rejects.sync()
        assert path.stat().st_size == length
    assert json.loads(path.read_text()) == {"line": 3, "reason": "bad", "field": "url", "input": "x"}


def test_rejects_that_the_journal_does_not_vouch_for_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "r"
    with closing(Rejects(path, 0)) as rejects:
        vouched = rejects.add([BadLine(1, "bad", None, "x")])
        rejects.add([BadLine(2, "bad", None, "y")])
    with closing(Rejects(path, vouched)) as rejects:
        assert rejects.add([]) == vouched
        rejects.add([BadLine(2, "bad", None, "y")])
    assert [json.loads(line)["line"] for line in path.read_text().splitlines()] == [1, 2]


def test_the_rejects_of_an_earlier_import_go(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_text("old\n")
    Rejects(path, 0).close()
    assert not path.exists()


def test_a_rejects_file_that_was_taken_away_is_begun_again(tmp_path: Path) -> None:
    with closing(Rejects(tmp_path / "r", 500)) as rejects:
        assert rejects.add([]) == 0
