"""Tables for people."""

import pytest

from edge302.cli.tables import show


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def test_what_does_not_fit_is_cut_but_never_the_key(capsys: pytest.CaptureFixture[str]) -> None:
    show({"code": "LINK", "target": "TARGET"}, [{"code": "c" * 20, "target": "t" * 60}])
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["LINK", "TARGET"]
    assert row == f"{'c' * 20}  {'t' * 17}…"


def test_lists_and_absent_values_read_well(capsys: pytest.CaptureFixture[str]) -> None:
    show({"a": "A", "b": "B", "c": "C"}, [{"a": 1, "b": ["x", "y"], "c": None}])
    assert capsys.readouterr().out.splitlines() == ["A  B     C", "1  x, y"]


def test_characters_that_would_rearrange_the_terminal_are_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show({"a": "A"}, [{"a": "x\u202ey\x1b[2J"}])
    assert capsys.readouterr().out.splitlines()[1] == "x?y?[2J"
