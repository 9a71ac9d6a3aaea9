"""`edge302 links import` with real processes: every line once, however it is stopped."""

import hashlib
import json
import signal
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from edge302.imports.journal import Journal, Progress
from tests.integration.cli.folders import links
from tests.integration.cli.processes import Command, Node, wait_until

LINES = 12_000


def bad(number: int) -> bool:
    return number % 50 == 0


def write_mixed(file: Path, lines: int, mark: str) -> None:
    """A file whose lines are with alias and without, and every fiftieth is bad in one of five ways."""
    faults = [
        b"not json",
        b'{"url":"\xff"}',
        b'{"alias":"x1"}',
        b'{"url":"ftp://example.com/"}',
        b'{"url":"x","colour":1}',
    ]
    with file.open("wb") as out:
        for number in range(1, lines + 1):
            if bad(number):
                out.write(faults[number // 50 % len(faults)])
            elif number % 2:
                out.write(
                    b'{"alias":"%b%d","url":"https://example.com/%b/%d"}'
                    % (mark.encode(), number, mark.encode(), number)
                )
            else:
                out.write(b'{"url":"https://example.com/%b/%d"}' % (mark.encode(), number))
            out.write(b"\n")


def assert_all_in_once(command: Command, file: Path, lines: int, mark: str) -> None:
    prefix = f"https://example.com/{mark}/"
    targets = [link["target"] for link in links(command.folder).values()]
    ours = sorted(int(target.removeprefix(prefix)) for target in targets if target.startswith(prefix))
    assert ours == [number for number in range(1, lines + 1) if not bad(number)]
    rejects = [json.loads(line) for line in file.with_name(file.name + ".rejects.ndjson").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [number for number in range(1, lines + 1) if bad(number)]
    assert all(reject["reason"] and reject["input"] for reject in rejects)


def journal_of(command: Command, file: Path) -> Path:
    return command.folder.imports / f"{hashlib.sha256(file.read_bytes()).hexdigest()}.journal"


def settled(command: Command, file: Path) -> Progress:
    """How far the import of a file is, by its journal."""
    journal = journal_of(command, file)
    lines = [line for line in journal.read_bytes().split(b"\n") if line.endswith(b"}")] if journal.exists() else []
    return msgspec.json.decode(lines[-1], type=Progress) if lines else Progress()


def stop_at(command: Command, file: Path, line: int, number: int) -> tuple[int, str]:
    """Start an import and send it a signal once `line` is settled; its exit code, and what it said."""
    process = command.start("links", "import", file)
    wait_until(lambda: settled(command, file).line >= line or process.poll() is not None, 30.0)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    return process.returncode, said


def test_an_import_killed_again_and_again_loads_each_line_once(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "links.ndjson"
    write_mixed(file, LINES, "killed")
    codes = [stop_at(node, file, line, signal.SIGKILL)[0] for line in (1, 3_000, 6_000, 9_000)]
    assert codes.count(-signal.SIGKILL) >= 2  # the machine may be quicker than we are with the others
    node("links", "import", file, code=4)
    assert settled(node, file).complete
    assert_all_in_once(node, file, LINES, "killed")


def test_an_import_outlives_a_restart_of_the_node(tmp_path: Path) -> None:
    file = tmp_path / "links.ndjson"
    write_mixed(file, LINES, "restart")
    with Node(tmp_path / "data") as node:
        process = node.start("links", "import", file)
        wait_until(lambda: settled(node, file).line >= 1, 30.0)
    with Node(tmp_path / "data") as node:
        process.communicate(timeout=60)
        assert process.returncode == 4
        assert_all_in_once(node, file, LINES, "restart")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_without_a_node_an_import_that_is_stopped_goes_on_too(command: Command, tmp_path: Path, number: int) -> None:
    file = tmp_path / "links.ndjson"
    write_mixed(file, LINES, "alone")
    code, said = stop_at(command, file, 1, number)
    if number == signal.SIGINT:
        assert code == 130
        assert "run the same command to go on" in said
    else:
        assert code == -number
    assert not settled(command, file).complete
    command("links", "import", file, code=4)
    assert_all_in_once(command, file, LINES, "alone")


def test_a_finished_import_is_not_done_twice_unless_asked_for(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "again.csv"
    file.write_text("url,tags\nhttps://example.com/again,again\n")
    for words, count in (((), 1), ((), 1), (("--again",), 2)):
        node("links", "import", file, *words)
        assert len(node("links", "list", "--tag", "again", "--json").splitlines()) == count


def test_the_summary_counts(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "sum.csv"
    file.write_text("alias,url\nsum1,https://example.com/1\nsum1,https://example.com/2\n,nowhere\n")
    outcome = json.loads(node("links", "import", file, "--json", code=4))
    assert (outcome["imported"], outcome["replayed"], outcome["rejected"], outcome["line"]) == (1, 0, 2, 4)
    rejects = [json.loads(line) for line in Path(outcome["rejects_file"]).read_text().splitlines()]
    assert [(reject["line"], reject["field"]) for reject in rejects] == [(3, "alias"), (4, "url")]


def test_a_file_that_is_being_imported_is_not_imported_beside_it(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "busy.csv"
    file.write_text("url\nhttps://example.com/busy\n")
    with closing(Journal(journal_of(node, file))):
        assert "another process imports this file" in node.complaint("links", "import", file, code=3)


def test_an_import_taken_up_after_a_day_wants_to_be_told_so(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "late.csv"
    file.write_text("url\nhttps://example.com/late\n")
    with closing(Journal(journal_of(node, file))) as journal:
        journal.write(Progress(line=1, at_ms=1))
    assert "--late" in node.complaint("links", "import", file, code=1)
    node("links", "import", file, "--late")
