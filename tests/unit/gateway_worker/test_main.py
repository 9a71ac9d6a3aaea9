"""A worker that can't start says why in one line, and its exit code says whether trying again may help."""

from collections.abc import Mapping

import pytest

from gateway.__main__ import BAD_SETTING, main


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({}, "EDGE302_LISTEN_FDS: a worker gets its sockets from a supervisor"),
        ({"EDGE302_LISTEN_FDS": "three"}, "EDGE302_LISTEN_FDS"),
        ({"EDGE302_LISTEN_FDS": "3", "EDGE302_SLOT": "first"}, "EDGE302_SLOT"),
        ({"EDGE302_LISTEN_FDS": "3", "EDGE302_CACHE_MB": "much"}, "EDGE302_CACHE_MB"),
    ],
)
def test_what_can_not_be_used_is_named(
    environ: Mapping[str, str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(environ) == BAD_SETTING
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line
