"""`edge302 backup` under writes, and `edge302 restore` of what it saved."""

import io
import json
import stat
import tarfile
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.processes import Command, Node, wait_until


class Writer(threading.Thread):
    """Adds links through the API, and follows each once, as fast as answers come."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        self._key = node.folder.admin_key.read_text().strip()
        self._stopping = threading.Event()
        self.made: list[str] = []

    def run(self) -> None:
        opener = urllib.request.build_opener(_NoRedirect)
        while not self._stopping.is_set():
            request = urllib.request.Request(
                f"{self._node.api_url}/api/shorten",
                data=b'{"url": "https://example.com/written"}',
                headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=10) as reply:
                link = json.load(reply)
            with opener.open(link["short_url"], timeout=10) as reply:
                assert reply.status == 302
            self.made.append(link["code"])

    def stop(self) -> None:
        self._stopping.set()
        self.join()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def http_error_302(self, req: object, fp: object, *_: object) -> object:
        return fp


def codes(command: Command) -> set[str]:
    return {json.loads(line)["alias"] for line in command("links", "export").splitlines()}


def clicks(node: Node) -> int:
    key = node("keys", "create", "--name", "n", "--scope", "stats:read").strip()
    request = urllib.request.Request(f"{node.api_url}/api/stats", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        total: int = json.load(reply)["total"]
    return total


def test_a_backup_made_under_writes_holds_all_that_was_there_before(tmp_path: Path) -> None:
    saved = tmp_path / "saved.tar"
    with Node(tmp_path / "data") as node:
        writer = Writer(node)
        writer.start()
        wait_until(lambda: len(writer.made) >= 200, 20.0)
        before = set(writer.made)
        node("backup", saved)
        writer.stop()
        assert "kill" in node.complaint("restore", saved, "--replace", code=3)
    assert len(before) < len(writer.made)
    restored = Node(tmp_path / "restored")
    restored("restore", saved)
    found = codes(restored)
    assert before <= found <= set(writer.made)
    with restored:
        counted = clicks(restored)
    assert len(before) <= counted <= len(writer.made)


def test_clicks_that_waited_in_the_spool_are_counted_once_after_a_restore(tmp_path: Path) -> None:
    saved = tmp_path / "saved.tar"
    with Node(tmp_path / "data") as node:
        writer = Writer(node)
        writer.start()
        wait_until(lambda: len(writer.made) >= 100, 20.0)
        writer.stop()
        node("backup", saved)
        node("backup", saved)  # over the first one
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    with tarfile.open(saved) as tar:
        names = tar.getnames()
    assert names[0] == "manifest.json"
    assert "admin.key" not in names
    restored = Node(tmp_path / "restored")
    restored("restore", saved)
    assert codes(restored) == set(writer.made)
    with restored:
        wait_until(lambda: clicks(restored) == len(writer.made), 10.0)


def test_restore_wants_an_empty_folder_or_moves_the_old_one_aside(command: Command, tmp_path: Path) -> None:
    saved = tmp_path / "saved.tar"
    command("links", "add", "https://example.com/", "--alias", "saved")
    command("backup", saved)
    command("links", "add", "https://example.com/", "--alias", "newer")
    assert "--replace" in command.complaint("restore", saved, code=1)
    assert codes(command) == {"saved", "newer"}
    command("restore", saved, "--replace")
    assert codes(command) == {"saved"}
    (aside,) = command.folder.root.glob("replaced-*")
    assert (aside / "links.db").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"not a tar file",
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"SQLite format 3", b"SQLite format 4"),
        lambda content: repacked(content, "links.db", "../links.db"),
    ],
    ids=["other", "cut", "changed", "outside"],
)
def test_a_damaged_backup_changes_nothing(command: Command, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    saved = tmp_path / "saved.tar"
    command("links", "add", "https://example.com/", "--alias", "kept")
    command("backup", saved)
    saved.write_bytes(damage(saved.read_bytes()))
    before = sorted(path.name for path in command.folder.root.iterdir())
    assert command.complaint("restore", saved, "--replace", code=1).startswith("edge302: ")
    assert sorted(path.name for path in command.folder.root.iterdir()) == before
    assert codes(command) == {"kept"}


def test_there_is_nothing_to_back_up_in_a_folder_without_links(command: Command, tmp_path: Path) -> None:
    command.folder.create()
    command.complaint("backup", tmp_path / "saved.tar", code=1)
    assert not (tmp_path / "saved.tar").exists()


def repacked(content: bytes, name: str, as_name: str) -> bytes:
    """A tar file whose member and manifest name a file otherwise."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for entry in old:
            file = old.extractfile(entry)
            assert file
            text = file.read()
            if entry.name == "manifest.json":
                text = text.replace(name.encode(), as_name.encode())
            entry.name = as_name if entry.name == name else entry.name
            entry.size = len(text)
            new.addfile(entry, io.BytesIO(text))
    return out.getvalue()
