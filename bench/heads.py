"""Request heads: the shortest that HTTP/1.1 allows, and such as browsers send."""

from collections.abc import Iterator, Sequence
from typing import Final

HOST: Final = "bench.example"
DEPTH: Final = 16  # requests of one write when pipelining
_LANGUAGES: Final = ("en-GB,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr-FR,fr;q=0.9,en;q=0.7", "pt-BR,pt;q=0.9,en;q=0.8")
_SITES: Final = ("https://news.example.org/", "https://mail.example.net/", "https://social.example.com/")


def plain(code: str) -> bytes:
    """A head of some 50 bytes."""
    return f"GET /{code} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def head(code: str) -> bytes:
    """The same as HEAD."""
    return f"HEAD /{code} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def closing(code: str) -> bytes:
    """The only one of its connection."""
    return f"GET /{code} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


def browser(code: str, number: int) -> bytes:
    """A head of some 700 bytes, as Chrome sends it; 48 different ones, by `number`."""
    version = 130 + number % 4
    return (
        f"GET /{code} HTTP/1.1\r\nHost: {HOST}\r\nConnection: keep-alive\r\n"
        f'sec-ch-ua: "Chromium";v="{version}", "Google Chrome";v="{version}", "Not?A_Brand";v="99"\r\n'
        'sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: "Windows"\r\nUpgrade-Insecure-Requests: 1\r\n'
        f"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{version}.0.0.0 Safari/537.36\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n"
        f"Referer: {_SITES[number // 16 % 3]}\r\nAccept-Encoding: gzip, deflate, br\r\n"
        f"Accept-Language: {_LANGUAGES[number // 4 % 4]}\r\n\r\n"
    ).encode()


def pipelined(heads: Sequence[bytes]) -> Iterator[bytes]:
    """Writes of 16 heads each; what is left over is not sent."""
    for start in range(0, len(heads) - DEPTH + 1, DEPTH):
        yield b"".join(heads[start : start + DEPTH])
