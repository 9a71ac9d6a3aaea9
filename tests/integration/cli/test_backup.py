"""`edge302 backup` under writes, and `edge302 restore` of what it saved, with real nodes."""

import json
import threading
import urllib.request
from pathlib import Path

from tests.integration.cli.folders import codes
from tests.integration.cli.processes import Node, wait_until


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


def clicks(node: Node, key: str) -> int:
    request = urllib.request.Request(f"{node.api_url}/api/stats", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        total: int = json.load(reply)["total"]
    return total


def single_clicks(node: Node, key: str) -> int:
    """As `clicks`, of those that are kept one by one."""
    url = f"{node.api_url}/api/stats/summary?period=24h"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        total: int = json.load(reply)["clicks"]
    return total


def test_a_backup_made_under_writes_is_whole_and_counts_no_click_twice(tmp_path: Path) -> None:
    under_writes, at_rest = tmp_path / "writes.tar", tmp_path / "rest.tar"
    with Node(tmp_path / "data") as node:
        key = node.folder.admin_key.read_text().strip()
        writer = Writer(node)
        writer.start()
        wait_until(lambda: len(writer.made) >= 200, 20.0)
        before = set(writer.made)
        node("backup", under_writes)
        writer.stop()
        node("backup", at_rest)
        assert "kill" in node.complaint("restore", at_rest, "--replace", code=3)
    assert len(before) < len(writer.made)

    restored = Node(tmp_path / "restored")
    restored("restore", under_writes)
    assert before <= codes(restored.folder) <= set(writer.made)
    with restored:
        assert len(before) <= clicks(restored, key) <= len(writer.made)

    restored.folder.admin_key.write_text(key)
    restored("restore", at_rest, "--replace")
    assert restored.folder.admin_key.read_text() == key  # it belongs to what was restored
    assert codes(restored.folder) == set(writer.made)
    with restored:  # the key of that time works again
        wait_until(lambda: clicks(restored, key) == len(writer.made), 10.0)
        wait_until(lambda: single_clicks(restored, key) == len(writer.made), 10.0)
