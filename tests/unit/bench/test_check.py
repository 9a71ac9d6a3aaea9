"""The check pass notices every wrong reply."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.check import CLOSING, HEAD, check
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


def test_a_code_without_a_target_must_be_answered_404() -> None:
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    with server(missing) as port:
        assert check(port, ["code"], lambda _: None) == len(missing)
    with server(GOOD) as port, pytest.raises(Void):
        check(port, ["code"], lambda _: None)


def test_replies_to_head_bring_no_body_whatever_length_they_tell() -> None:
    head = GOOD.replace(b"Length: 0", b"Length: 138")
    with server(head, head) as port:
        assert check(port, ["code"] * 2, lambda _: "https://example.com/", HEAD) == len(head)


def test_a_connection_that_is_to_be_closed_must_end_after_its_reply() -> None:
    with server(GOOD) as port:
        assert check(port, ["code"], lambda _: "https://example.com/", CLOSING) == len(GOOD)
    with server(GOOD, b"more") as port, pytest.raises(Void, match="more"):
        check(port, ["code"], lambda _: "https://example.com/", CLOSING)
