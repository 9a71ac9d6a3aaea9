"""A proxy that breaks connections: each fault as a client sees it, and its end."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from devstack.fault_proxy import FaultProxy, fault_proxy
from devstack.processes import LOOPBACK


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while line := self.rfile.readline():
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """A proxy to a server that repeats each line."""
    with Server((LOOPBACK, 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with fault_proxy(server.server_address[1]) as proxy:
                yield proxy
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def client(proxy: FaultProxy) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, proxy.port), timeout=5) as connection:
        yield connection


def echoes(connection: socket.socket, line: bytes = b"hello\n") -> bool:
    connection.sendall(line)
    return receive(connection, len(line)) == line


def receive(connection: socket.socket, count: int) -> bytes:
    """So many bytes, or those before the end."""
    received = b""
    while len(received) < count and (data := connection.recv(count - len(received))):
        received += data
    return received


def is_silent(connection: socket.socket) -> bool:
    """True: no answer came for a while."""
    connection.settimeout(0.1)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(5)
    return False


def test_bytes_are_carried_and_the_end_too(proxy: FaultProxy) -> None:
    with client(proxy) as connection:
        assert echoes(connection, b"x" * 1_000_000 + b"\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_a_cut_ends_connections_and_refuses_new_ones_until_it_heals(proxy: FaultProxy) -> None:
    with client(proxy) as connection:
        assert echoes(connection)
        proxy.cut()
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError), client(proxy):
        pass
    proxy.heal()
    with client(proxy) as connection:
        assert echoes(connection)


def test_half_open_connections_are_silent_and_their_bytes_come_late(proxy: FaultProxy) -> None:
    with client(proxy) as old:
        assert echoes(old)
        proxy.half_open()
        old.sendall(b"late\n")
        assert is_silent(old)
        with client(proxy) as new:  # it is accepted
            new.sendall(b"new\n")
            assert is_silent(new)
            proxy.heal()
            assert (receive(old, 5), receive(new, 4)) == (b"late\n", b"new\n")


def test_a_reset_comes_after_so_many_bytes_and_once(proxy: FaultProxy) -> None:
    with client(proxy) as connection, client(proxy) as other:
        assert echoes(other)
        proxy.reset_after(3)
        connection.sendall(b"hello\n")
        assert receive(connection, 3) == b"hel"
        for each in (connection, other):
            with pytest.raises(ConnectionResetError):
                each.recv(1)
    with client(proxy) as connection:
        assert echoes(connection)


def test_a_delayed_answer_comes_when_its_time_is_over(proxy: FaultProxy) -> None:
    with client(proxy) as connection:
        proxy.delay(200)
        connection.sendall(b"hello\n")
        assert is_silent(connection)
        assert receive(connection, 6) == b"hello\n"


def test_a_server_that_is_gone_ends_the_connection(proxy: FaultProxy) -> None:
    with fault_proxy(proxy.port) as behind:
        proxy.cut()
        with client(behind) as connection:
            assert connection.recv(1) == b""
