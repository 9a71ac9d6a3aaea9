"""A missing tool is told plainly; in CI it is a failure."""

import os
from pathlib import Path

import pytest

from devstack import services


@pytest.fixture(autouse=True)
def one_tool_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "TOOLS", (services.Tool("no-such-tool", "no-such-package", "this test"),))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # so that nothing is installed here
    monkeypatch.delenv("CI", raising=False)


def test_a_user_is_told_what_is_skipped_and_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert services.install() == 0
    told = capsys.readouterr().out
    assert told.startswith("skipped: no-such-tool (")
    assert told.endswith("it serves for this test\n")


def test_in_ci_a_missing_tool_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    assert services.install() == 1
    assert capsys.readouterr().out.startswith("missing: no-such-tool (")


def test_nothing_is_said_when_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(services, "TOOLS", (services.Tool("sh", "dash", "everything"),))
    assert services.install() == 0
    assert capsys.readouterr().out == ""


def test_a_file_that_another_tool_loads_need_not_be_executable(tmp_path: Path) -> None:
    module = tmp_path / "module.so"
    assert services.find(str(module)) is None
    module.touch(mode=0o644)
    assert services.find(str(module)) == str(module)
