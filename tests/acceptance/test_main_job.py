"""What a newcomer does: start it, paste the curl, follow the link, see the click, stop it."""

import http.client
import json
import shutil
import stat
import subprocess
import time
import urllib.parse
from pathlib import Path

import pytest

from tests.acceptance.node import Node, wait_until


def test_the_pasted_curl_makes_a_link_that_redirects_and_the_click_is_in_the_stats_within_a_second(
    tmp_path: Path,
) -> None:
    with Node(tmp_path / "data") as node:
        link = json.loads(run_in_shell(node.curl))

        visited = time.monotonic()
        reply = follow(link["short_url"])
        assert (reply.status, reply.getheader("Location")) == (302, link["target"])
        wait_until(lambda: node.total(link["code"]) == 1, 1.0)
        assert time.monotonic() - visited < 1.0

        assert node.stop() == 0


def test_the_admin_key_is_shown_once_and_kept_in_a_file_of_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Node(data) as node:
        assert node.key in node.output
        assert str(data / "admin.key") in node.output
        assert stat.S_IMODE((data / "admin.key").stat().st_mode) == 0o600
        key = node.key
    with Node(data) as node:
        assert key not in node.output
        assert node.key == key
        assert "short_url" in run_in_shell(node.curl)


def test_both_addresses_and_the_data_folder_are_printed(tmp_path: Path) -> None:
    with Node(tmp_path / "data") as node:
        assert f"http://127.0.0.1:{node.edge_port}" in node.output
        assert f"http://127.0.0.1:{node.api_port}" in node.output
        assert str(tmp_path / "data") in node.output


def test_a_second_node_on_the_same_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    with Node(tmp_path / "data") as node:
        second = Node(tmp_path / "data")
        second._log = tmp_path / "second.log"
        with pytest.raises(AssertionError, match="exited with 3"):
            second.start()
        assert str(node.process.pid) in second.output
        assert node.stop() == 0


def follow(short_url: str) -> http.client.HTTPResponse:
    """One visit, without going on to the target."""
    url = urllib.parse.urlsplit(short_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=5)
    connection.request("GET", url.path, headers={"User-Agent": "Mozilla/5.0"})
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply


def run_in_shell(command: str) -> str:
    """What a terminal would show of a pasted line."""
    assert shutil.which("curl"), "curl is needed: apt-get install curl"
    return subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True, timeout=10).stdout
