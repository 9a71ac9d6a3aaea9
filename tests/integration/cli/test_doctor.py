"""`edge302 doctor` on a healthy node, and on set-ups that are broken in one way each."""

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from edge302.cli import exits
from edge302.doctor import clock, extension, files, folder, places, ports, spool, stores
from edge302.doctor.examine import examine
from edge302.doctor.findings import Finding, Verdict
from edge302.locks import RoleLock
from redirect_core import SpoolWriter, Visitor
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.settings import Settings
from tests.integration.cli.folders import add
from tests.integration.cli.processes import Command, Node
from tests.mmdb import write_places

NOW_MS = 1_800_000_000_000


class At:
    """A clock that stands still."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder with one link, on free ports."""
    settings = Settings(data=tmp_path / "data", port=0, api_port=0, metrics_port=0)
    add(DataFolder(settings.data), "a")
    return settings


def verdicts(findings: list[Finding]) -> dict[str, Verdict]:
    """The worst verdict of each check; each that is not OK says how to mend it."""
    assert all(finding.mend for finding in findings if finding.verdict is not Verdict.OK)
    order = list(Verdict)
    return {
        check: max((f.verdict for f in findings if f.check == check), key=order.index)
        for check in {finding.check for finding in findings}
    }


def test_a_running_node_is_well(node: Node) -> None:
    api_port = node.api_url.rpartition(":")[2]
    (edge_port,) = {*re.findall(r"http://127\.0\.0\.1:(\d+)", node.output)} - {api_port}
    found = [
        json.loads(line) for line in node("doctor", "--port", edge_port, "--api-port", api_port, "--json").splitlines()
    ]
    assert not [finding for finding in found if finding["verdict"] == "FAIL"]
    texts = {finding["check"]: finding["text"] for finding in found}
    assert texts[f"port {edge_port}"] == "the edge answers"
    assert texts[f"port {api_port}"] == "the control plane answers"
    assert texts["shipper"] == "it runs and keeps up"


def test_a_failure_is_shown_with_its_mend_and_exits_with_1(command: Command) -> None:
    command.folder.create()
    command.folder.root.chmod(0o755)
    said = command("doctor", "--port", "0", "--api-port", "0", "--metrics-port", "0", code=exits.FAILED)
    assert "FAIL  folder: " in said
    assert f"mend: chmod 700 {command.folder.root}" in said


def test_an_examination_changes_no_file(settings: Settings) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in settings.data.rglob("*") if path.is_file()}

    before = contents()
    examine(settings, SystemClock())
    after = contents()
    assert {path: after.get(path) for path in before} == before


def test_a_folder_of_another_user_warns(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: settings.data.stat().st_uid + 1)
    assert verdicts(list(folder.check(settings)))["folder"] is Verdict.WARN
    examine(settings, SystemClock())
    assert not (settings.data / "spool" / ".reader.lock").exists()


def test_a_folder_that_is_missing_is_no_failure(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "none", port=0, api_port=0, metrics_port=0)
    found = examine(settings, SystemClock())
    assert Verdict.FAIL not in verdicts(list(found)).values()
    assert not settings.data.exists()


@pytest.mark.parametrize(("mode", "verdict"), [(0o600, Verdict.OK), (0o640, Verdict.FAIL), (0o604, Verdict.FAIL)])
def test_an_admin_key_that_others_may_read_fails(settings: Settings, mode: int, verdict: Verdict) -> None:
    key = DataFolder(settings.data).admin_key
    key.write_text("key")
    key.chmod(mode)
    assert verdicts(list(folder.check(settings)))["admin key"] is verdict


def test_a_port_that_another_program_has_fails(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        found = list(ports.check(Settings(data=settings.data, port=port, api_port=0, metrics_port=0)))
    assert verdicts(found)[f"port {port}"] is Verdict.FAIL


def test_a_port_that_is_in_use_while_our_role_runs_but_does_not_answer_warns(settings: Settings) -> None:
    lock = RoleLock.take(DataFolder(settings.data), "gateway")
    try:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            port = silent.getsockname()[1]
            found = list(ports.check(Settings(data=settings.data, port=port, api_port=0, metrics_port=0)))
    finally:
        lock.release()
    assert verdicts(found)[f"port {port}"] is Verdict.WARN


def test_an_address_that_is_not_ours_fails(settings: Settings) -> None:
    found = list(ports.check(Settings(data=settings.data, host="192.0.2.1", port=0, api_port=0, metrics_port=0)))
    assert Verdict.FAIL in verdicts(found).values()


def test_more_connections_than_open_files_warn(settings: Settings) -> None:
    found = list(files.check(Settings(data=settings.data, max_connections=1 << 40)))
    assert verdicts(found) == {"open files": Verdict.WARN}


def scribble(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4_096:] = b"\xff" * (len(content) - 4_096)
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [scribble, lambda file: file.write_bytes(b"no database at all" * 1_000)],
    ids=["pages", "other"],
)
def test_a_damaged_store_fails(settings: Settings, damage: Callable[[Path], object]) -> None:
    damage(DataFolder(settings.data).links_db)
    assert verdicts(list(stores.check(settings)))["links.db"] is Verdict.FAIL


def test_one_check_that_can_not_be_made_does_not_end_the_examination(settings: Settings) -> None:
    DataFolder(settings.data).links_db.write_bytes(b"no database at all" * 1_000)
    found = verdicts(list(examine(settings, SystemClock())))
    assert found["clock"] is Verdict.FAIL  # it asks the store
    assert "spool" in found


@pytest.mark.parametrize(
    ("now_ms", "verdict"),
    [(0, Verdict.FAIL), (NOW_MS, Verdict.OK), (1 << 43, Verdict.FAIL)],
    ids=["1970", "2027", "2248"],
)
def test_a_year_that_can_not_be_fails(tmp_path: Path, now_ms: int, verdict: Verdict) -> None:
    assert verdicts(list(clock.check(Settings(data=tmp_path), At(now_ms)))) == {"clock": verdict}


def test_a_clock_behind_the_newest_change_warns(settings: Settings) -> None:
    now_ms = SystemClock().now_ms()
    assert verdicts(list(clock.check(settings, At(now_ms + 1_000)))) == {"clock": Verdict.OK}
    assert verdicts(list(clock.check(settings, At(now_ms - 60_000)))) == {"clock": Verdict.WARN}


def test_clicks_that_wait_without_a_shipper_warn(settings: Settings) -> None:
    data = DataFolder(settings.data)
    assert verdicts(list(spool.check(settings, SystemClock())))["shipper"] is Verdict.OK
    writer = SpoolWriter(str(data.spool), 0)
    for _ in range(3):
        writer.record(SystemClock().now_ms(), b"", b"a", 0, 0, Visitor(b"", b"", b"", b""))
    (finding,) = [finding for finding in spool.check(settings, SystemClock()) if finding.check == "shipper"]
    writer.close()
    assert finding.verdict is Verdict.WARN
    assert "3 clicks" in finding.text


def test_segments_that_a_running_shipper_leaves_behind_warn(settings: Settings) -> None:
    data = DataFolder(settings.data)
    writer = SpoolWriter(str(data.spool), 0)
    writer.record(NOW_MS, b"", b"a", 0, 0, Visitor(b"", b"", b"", b""))
    lock = RoleLock.take(data, "shipper")
    later = At(SystemClock().now_ms() + 120_000)
    try:
        assert verdicts(list(spool.check(settings, later)))["shipper"] is Verdict.OK  # its writer lives
        writer.close()
        assert verdicts(list(spool.check(settings, SystemClock())))["shipper"] is Verdict.OK  # it has just ended
        assert verdicts(list(spool.check(settings, later)))["shipper"] is Verdict.WARN
    finally:
        lock.release()


def test_damaged_segments_that_were_set_aside_warn(settings: Settings) -> None:
    (DataFolder(settings.data).spool / "0-abc-00000001.seg.bad").write_bytes(b"")
    assert verdicts(list(spool.check(settings, SystemClock())))["spool"] is Verdict.WARN


def test_a_spool_that_fills_up_warns_then_fails(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", spool_mb=64)
    data = DataFolder(settings.data)
    data.create()
    for number, verdict in ((1, Verdict.OK), (2, Verdict.WARN), (3, Verdict.FAIL)):
        (data.spool / f"0-abc-{number:08}.seg").write_bytes(b"x" * (20 << 20))
        (finding, *_) = spool.check(settings, SystemClock())
        assert finding.verdict is verdict


def test_without_a_file_of_places_nothing_is_said_of_it(settings: Settings) -> None:
    assert not list(places.check(settings, SystemClock()))


def test_a_file_of_places_that_can_not_be_used_warns(tmp_path: Path) -> None:
    path = tmp_path / "city.mmdb"
    settings = Settings(geoip_db=path)
    assert verdicts(list(places.check(settings, SystemClock()))) == {"places": Verdict.WARN}
    path.write_text("<!DOCTYPE html>")
    assert verdicts(list(places.check(settings, SystemClock()))) == {"places": Verdict.WARN}


def test_a_file_of_places_is_well_until_it_is_old(tmp_path: Path) -> None:
    path = write_places(tmp_path / "city.mmdb", {"203.0.113.0/24": {"country": {"iso_code": "DE"}}})
    settings, now_ms = Settings(geoip_db=path), SystemClock().now_ms()
    assert verdicts(list(places.check(settings, At(now_ms)))) == {"places": Verdict.OK}
    assert verdicts(list(places.check(settings, At(now_ms + 91 * 86_400_000)))) == {"places": Verdict.WARN}


@pytest.mark.parametrize(
    ("crate", "package"), [("2.0.0-alpha.1", "2.0.0a1"), ("2.0.0-rc.2", "2.0.0rc2"), ("2.0.0", "2.0.0")]
)
def test_a_crates_version_is_spelt_as_packages_do(crate: str, package: str) -> None:
    assert extension.as_package_version(crate) == package
