"""`edge302 links import` with real processes: every line once, however it is stopped."""

import json
import signal
from pathlib import Path

import msgspec
import pytest

from edge302.imports.journal import Progress
from tests.integration.cli.processes import Command, Node, Running, wait_until

LINES = 16_000


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
    found = command("links", "export").splitlines()
    prefix = f"https://example.com/{mark}/"
    ours = sorted(
        int(url.removeprefix(prefix)) for url in (json.loads(x)["url"] for x in found) if url.startswith(prefix)
    )
    assert ours == [number for number in range(1, lines + 1) if not bad(number)]
    rejects = [json.loads(line) for line in file.with_name(file.name + ".rejects.ndjson").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [number for number in range(1, lines + 1) if bad(number)]
    assert all(reject["reason"] and reject["input"] for reject in rejects)


def settled(command: Command) -> Progress:
    """What the only journal of the folder says."""
    text = b"".join(path.read_bytes() for path in command.folder.imports.glob("*.journal"))
    lines = [line for line in text.split(b"\n") if line.endswith(b"}")]
    return msgspec.json.decode(lines[-1], type=Progress) if lines else Progress()


def stop_at(command: Command, file: Path, line: int, number: int) -> Running:
    """Start an import and send it a signal once `line` is settled; it may have come further by then."""
    process = command.start("links", "import", file)
    wait_until(lambda: settled(command).line >= line or process.poll() is not None, 30.0)
    process.send_signal(number)
    process.communicate(timeout=30)
    return process


def test_an_import_killed_again_and_again_loads_each_line_once(tmp_path: Path) -> None:
    file = tmp_path / "links.ndjson"
    write_mixed(file, LINES, "killed")
    with Node(tmp_path / "data") as node:
        killed = [stop_at(node, file, line, signal.SIGKILL).returncode for line in (1, 4_000, 8_000)]
        assert killed.count(-signal.SIGKILL) >= 2
        node("links", "import", file, code=4)
        assert settled(node).complete
        assert_all_in_once(node, file, LINES, "killed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_without_a_node_an_import_that_is_stopped_goes_on_too(command: Command, tmp_path: Path, number: int) -> None:
    file = tmp_path / "links.ndjson"
    write_mixed(file, LINES, "alone")
    process = stop_at(command, file, 1, number)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert not settled(command).complete
    command("links", "import", file, code=4)
    assert_all_in_once(command, file, LINES, "alone")


def test_ctrl_c_says_how_to_go_on(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "links.ndjson"
    write_mixed(file, LINES, "ctrl")
    process = node.start("links", "import", file)
    wait_until(lambda: settled(node).line >= 1, 30.0)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "run the same command to go on" in said


def test_a_finished_import_is_not_done_twice_unless_asked_for(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "again.csv"
    file.write_text("url,tags\nhttps://example.com/again,again\n")
    for words, links in (((), 1), ((), 1), (("--again",), 2)):
        node("links", "import", file, *words)
        assert len(node("links", "list", "--tag", "again", "--json").splitlines()) == links


def test_the_summary_counts(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "sum.csv"
    file.write_text("alias,url\nsum1,https://example.com/1\nsum1,https://example.com/2\n,nowhere\n")
    outcome = json.loads(node("links", "import", file, "--json", code=4))
    assert (outcome["imported"], outcome["replayed"], outcome["rejected"], outcome["line"]) == (1, 0, 2, 4)
    rejects = [json.loads(line) for line in Path(outcome["rejects_file"]).read_text().splitlines()]
    assert [(reject["line"], reject["field"]) for reject in rejects] == [(3, "alias"), (4, "url")]


def test_a_second_import_of_the_same_file_waits_for_nobody(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "twice.ndjson"
    write_mixed(file, LINES, "twice")
    process = node.start("links", "import", file)
    wait_until(lambda: any(path.stat().st_size for path in node.folder.imports.glob("*.journal")), 30.0)
    process.send_signal(signal.SIGSTOP)
    try:
        complaint = node.complaint("links", "import", file, code=3)
    finally:
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=30)
    assert "another process imports this file" in complaint
