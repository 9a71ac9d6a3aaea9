"""What a newcomer reads: addresses, data, the key once, and a line that works when it is pasted."""

import json
import shlex
from pathlib import Path

import msgspec
import pytest

from edge302.welcome import welcome
from shortlink.datadir import DataFolder
from shortlink.settings import Settings

SETTINGS = Settings(port=8080, api_port=8081, metrics_port=9302)


def test_it_names_both_addresses_and_the_data(folder: DataFolder) -> None:
    text = welcome(SETTINGS, folder, None)
    assert "http://127.0.0.1:8080/" in text
    assert "http://127.0.0.1:8081/" in text
    assert str(folder.root) in text


def test_an_edge_that_runs_elsewhere_is_not_claimed(folder: DataFolder) -> None:
    assert "short links" not in welcome(SETTINGS, folder, None, with_edge=False)


def test_a_new_key_is_shown_with_the_file_that_keeps_it(folder: DataFolder) -> None:
    text = welcome(SETTINGS, folder, "e302_new")
    assert "e302_new" in text
    assert str(folder.admin_key) in text


def test_the_last_line_is_a_curl_for_pasting(folder: DataFolder) -> None:
    words = shlex.split(welcome(SETTINGS, folder, "e302_new").splitlines()[-1])
    assert words[0] == "curl"
    assert "http://127.0.0.1:8081/api/shorten" in words
    assert "Authorization: Bearer e302_new" in words
    assert json.loads(words[-1]) == {"url": "https://example.com/"}


def test_a_key_that_was_there_before_is_read_from_its_file(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "my data")
    folder.create()
    folder.admin_key.write_text("e302_old")
    text = welcome(SETTINGS, folder, None)
    assert "e302_old" not in text
    assert f"$(cat '{folder.admin_key}')" in text.splitlines()[-1]


def test_without_a_key_file_the_variable_of_the_command_is_used(folder: DataFolder) -> None:
    assert "$EDGE302_API_KEY" in welcome(SETTINGS, folder, None).splitlines()[-1]


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")])
def test_all_addresses_are_shown_as_one_that_can_be_opened(host: str, shown: str, folder: DataFolder) -> None:
    assert f"http://{shown}:8080/" in welcome(msgspec.structs.replace(SETTINGS, host=host), folder, None)
