"""A 201 means that the link is on the disk: a syscall trace shows the sync before the reply."""

import re
import shutil
from pathlib import Path

import pytest

from tests.acceptance.node import Node, lines_of, wait_until


@pytest.mark.slow
def test_the_link_is_synced_to_disk_before_its_201_is_sent(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.fail("strace is needed: make services (apt-get install strace)")
    trace = tmp_path / "trace"
    calls = "trace=fdatasync,fsync,write,sendto,sendmsg,writev,pwrite64"
    with Node(tmp_path / "data", prefix=("strace", "-f", "-y", "-s", "64", "-e", calls, "-o", str(trace))) as node:
        already = len(events(trace))
        node.shorten("https://example.com/durable")
        wait_until(lambda: "201" in events(trace)[already:], 5.0)
        happened = events(trace)[already:]
    before_reply = happened[: happened.index("201")]
    assert "wal written" in before_reply
    assert "wal synced" in before_reply[before_reply.index("wal written") :], trace.read_text()


def events(trace: Path) -> list[str]:
    """What the trace tells, in order: writes and replies when they begin, syncs when they have ended."""
    found = []
    begun: dict[str, str] = {}
    for line in lines_of(trace):
        thread, _, call = line.partition(" ")
        call = call.strip()
        if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", call):
            call = begun.pop(thread, "") + resumed[1]
        elif call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
            if not SYNC.match(call):
                found += meaning(call)
            continue
        if not resumed or SYNC.match(call):
            found += meaning(call)
    return found


SYNC = re.compile(r"(fdatasync|fsync)\(")


def meaning(call: str) -> list[str]:
    """A traced call in a word, or nothing."""
    if re.match(r"(fdatasync|fsync)\(\d+<[^>]*links\.db-wal>\)\s+= 0", call):
        return ["wal synced"]
    if re.match(r"pwrite64\(\d+<[^>]*links\.db-wal>", call):
        return ["wal written"]
    if re.match(r"(write|sendto|sendmsg|writev)\(.*HTTP/1\.1 201 Created", call):
        return ["201"]
    return []
