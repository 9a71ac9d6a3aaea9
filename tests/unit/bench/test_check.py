"""The check pass notices every wrong reply."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.check import check
from bench.void import Void

GOOD = b"HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def server(*replies: bytes) -> Iterator[int]:
    """A server that writes these replies to its one client, whatever it asks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for reply in replies:
                    connection.sendall(reply)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def ask(port: int, count: int = 2) -> int:
    return check(port, ["code"] * count, lambda _: "https://example.com/")


def test_right_replies_tell_their_size() -> None:
    with server(GOOD, GOOD) as port:
        assert ask(port) == len(GOOD)


def test_a_reply_may_come_in_pieces_and_have_a_body() -> None:
    whole = GOOD.replace(b"Length: 0", b"Length: 3") + b"302"
    with server(whole[:20], whole[20:-1], whole[-1:] + whole) as port:
        assert ask(port) == len(whole)


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD.replace(b"302 Found", b"404 Not Found"),
        GOOD.replace(b"example.com", b"example.org"),
        GOOD.replace(b"Location", b"X-Other"),
        GOOD.replace(b"Found", b"Moved Temporarily"),  # right, but of another size
        GOOD.replace(b"Content-Length: 0\r\n", b""),
        b"garbage\r\n\r\n",
        b"",
    ],
)
def test_one_wrong_reply_voids_the_run(wrong: bytes) -> None:
    with server(GOOD, wrong) as port, pytest.raises(Void):
        ask(port)
