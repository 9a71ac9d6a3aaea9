"""Sockets are bound once and rightly, and what is in the way is named with the setting that avoids it."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge302.listen import PortTaken, api_socket, edge_sockets, port_of, unix_sockets
from shortlink.settings import BadSetting

LOOPBACK = "127.0.0.1"


def test_workers_share_one_free_port(held: ExitStack) -> None:
    sockets = edge_sockets(LOOPBACK, 0, 3, held)
    assert len({port_of(listener) for listener in sockets}) == 1
    assert port_of(sockets[0])
    with socket.create_connection((LOOPBACK, port_of(sockets[0])), timeout=1):
        pass


def test_a_second_node_does_not_share_the_port_of_the_first(held: ExitStack) -> None:
    port = port_of(edge_sockets(LOOPBACK, 0, 2, held)[0])
    with pytest.raises(PortTaken, match=rf"port {port} on 127.0.0.1 is in use.*--port or EDGE302_PORT"):
        edge_sockets(LOOPBACK, port, 2, held)


def test_a_port_is_free_again_right_after_its_node_is_gone(held: ExitStack) -> None:
    with ExitStack() as first:
        listener = edge_sockets(LOOPBACK, 0, 1, first)[0]
        port = port_of(listener)
        with socket.create_connection((LOOPBACK, port), timeout=1):
            listener.accept()[0].close()  # leaves TIME_WAIT behind
    assert port_of(edge_sockets(LOOPBACK, port, 1, held)[0]) == port


def test_a_taken_control_port_names_its_own_flag(held: ExitStack) -> None:
    port = port_of(api_socket(LOOPBACK, 0, held))
    with pytest.raises(PortTaken, match="--api-port or EDGE302_API_PORT"):
        api_socket(LOOPBACK, port, held)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_a_bad_setting(host: str, held: ExitStack) -> None:
    with pytest.raises(BadSetting, match="EDGE302_HOST"):
        api_socket(host, 0, held)


def test_ipv6_works_like_ipv4(held: ExitStack) -> None:
    port = port_of(edge_sockets("::1", 0, 2, held)[1])
    with socket.create_connection(("::1", port), timeout=1):
        pass


def test_each_worker_has_its_unix_socket_open_to_nginx(tmp_path: Path, held: ExitStack) -> None:
    unix_sockets(tmp_path / "edge.sock", 2, held)
    for slot in range(2):
        path = tmp_path / f"edge.sock.{slot}"
        assert path.stat().st_mode & 0o777 == 0o666
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_what_a_dead_process_left_is_removed(tmp_path: Path, held: ExitStack) -> None:
    with ExitStack() as dead:
        unix_sockets(tmp_path / "edge.sock", 1, dead)
    assert (tmp_path / "edge.sock.0").exists()
    unix_sockets(tmp_path / "edge.sock", 1, held)


def test_a_unix_socket_on_which_somebody_listens_is_left_alone(tmp_path: Path, held: ExitStack) -> None:
    unix_sockets(tmp_path / "edge.sock", 1, held)
    with pytest.raises(PortTaken, match="--uds or EDGE302_UDS"):
        unix_sockets(tmp_path / "edge.sock", 1, held)


def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path, held: ExitStack) -> None:
    (tmp_path / "edge.sock.0").write_text("mine")
    with pytest.raises(BadSetting, match=r"EDGE302_UDS: .* is no socket"):
        unix_sockets(tmp_path / "edge.sock", 1, held)
    assert (tmp_path / "edge.sock.0").read_text() == "mine"


@pytest.mark.parametrize("path", ["no/such/folder/edge.sock", "x" * 120])
def test_a_path_that_cannot_be_used_is_a_bad_setting(path: str, tmp_path: Path, held: ExitStack) -> None:
    with pytest.raises(BadSetting, match="EDGE302_UDS"):
        unix_sockets(tmp_path / path, 1, held)
