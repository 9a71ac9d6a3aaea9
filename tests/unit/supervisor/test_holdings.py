"""Everything a role needs is taken before its first process starts, or nothing is."""

import socket
from contextlib import ExitStack

import msgspec
import pytest

from edge302.holdings import Holdings, metrics_folder
from edge302.listen import PortTaken
from edge302.locks import AlreadyRunning, is_held
from edge302.roles import API, GATEWAY, SHIPPER, STOP_ORDER
from shortlink.datadir import DataFolder
from shortlink.settings import BadSetting, Settings


@pytest.fixture
def settings(folder: DataFolder) -> Settings:
    return Settings(data=folder.root, port=0, api_port=0, workers=2)


def test_free_ports_become_settings(settings: Settings, held: ExitStack) -> None:
    holdings = Holdings.take(STOP_ORDER, settings, held)
    assert 0 not in (holdings.settings.port, holdings.settings.api_port)
    for port in (holdings.settings.port, holdings.settings.api_port):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_without_a_number_there_is_a_worker_a_core(settings: Settings, held: ExitStack) -> None:
    assert Holdings.take([GATEWAY], msgspec.structs.replace(settings, workers=0), held).settings.workers >= 1


def test_each_worker_has_listeners_of_its_own_and_the_shipper_none(settings: Settings, held: ExitStack) -> None:
    settings = msgspec.structs.replace(settings, uds=settings.data / "edge.sock")
    holdings = Holdings.take(STOP_ORDER, settings, held)
    first, second = holdings.listeners(GATEWAY, 0), holdings.listeners(GATEWAY, 1)
    assert [len(first), len(second), len({*first, *second})] == [2, 2, 4]
    assert len(holdings.listeners(API, 0)) == 1
    assert holdings.listeners(SHIPPER, 0) == []


def test_everything_is_given_back(settings: Settings, folder: DataFolder) -> None:
    with ExitStack() as held:
        Holdings.take(STOP_ORDER, settings, held)
        assert all(is_held(folder, role.name) for role in STOP_ORDER)
    assert not any(is_held(folder, role.name) for role in STOP_ORDER)


def test_a_failure_gives_back_what_was_taken_before_it(settings: Settings, folder: DataFolder, held: ExitStack) -> None:
    other = held.enter_context(socket.create_server(("127.0.0.1", 0)))
    with pytest.raises(PortTaken), ExitStack() as failed:
        Holdings.take(STOP_ORDER, msgspec.structs.replace(settings, api_port=other.getsockname()[1]), failed)
    assert not is_held(folder, "gateway")


def test_two_supervisors_share_a_folder_but_no_role(settings: Settings, held: ExitStack) -> None:
    Holdings.take([GATEWAY], settings, held)
    Holdings.take([SHIPPER, API], settings, held)
    with pytest.raises(AlreadyRunning, match="shipper already runs"):
        Holdings.take([SHIPPER], settings, held)


def test_metrics_of_earlier_processes_are_emptied_for_our_roles_alone(
    settings: Settings, folder: DataFolder, held: ExitStack
) -> None:
    leftovers = [metrics_folder(folder, role) / "counter_1.db" for role in (API, SHIPPER)]
    for leftover in leftovers:
        leftover.parent.mkdir()
        leftover.touch()
    Holdings.take([API], settings, held)
    assert [leftover.exists() for leftover in leftovers] == [False, True]


def test_when_listening_stops_nobody_waits_in_vain(settings: Settings, held: ExitStack) -> None:
    uds = settings.data / "edge.sock"
    holdings = Holdings.take([GATEWAY], msgspec.structs.replace(settings, uds=uds), held)
    holdings.stop_listening(GATEWAY)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", holdings.settings.port), timeout=1)
    assert not uds.with_name("edge.sock.0").exists()


def test_an_engine_that_this_release_lacks_is_a_bad_setting(settings: Settings, held: ExitStack) -> None:
    with pytest.raises(BadSetting, match="EDGE302_ENGINE"):
        Holdings.take([GATEWAY], msgspec.structs.replace(settings, engine="steam"), held)


def test_a_folder_that_is_a_file_is_a_bad_setting(settings: Settings, held: ExitStack) -> None:
    (settings.data / "file").touch()
    with pytest.raises(BadSetting, match="EDGE302_DATA"):
        Holdings.take([API], msgspec.structs.replace(settings, data=settings.data / "file"), held)
