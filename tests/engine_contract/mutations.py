"""Requests that nobody would write by hand: good and bad heads, mutated by a fixed seed."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from tests.engine_contract.parts import get
from tests.engine_contract.rules import RULES

_BROWSER: Final = get(
    "known01",
    "Connection: keep-alive",
    "Cache-Control: max-age=0",
    'Sec-Ch-Ua: "Chromium";v="126", "Google Chrome";v="126", "Not-A.Brand";v="8"',
    "Sec-Ch-Ua-Mobile: ?0",
    'Sec-Ch-Ua-Platform: "Linux"',
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Dest: document",
    "Referer: https://www.example.org/a/page?with=a&query=1",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    "X-Forwarded-For: 203.0.113.9, 198.51.100.4",
    'Forwarded: for="[2001:db8::1]:4711";proto=https',
)
CORPUS: Final = [_BROWSER] * 20 + [get("known01?a=b") * 3] * 5 + [rule.request for rule in RULES]
_TELLING: Final = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b":", b"?", b"#", b"/", b"*", b"\r\n\r\n", b"\xff", b"_", b"\\",
    b"GET ", b"HEAD ", b"HTTP/1.1", b"HTTP/1.0", b"Host: ", b"Content-Length: 0\r\n", b"Connection: close\r\n",
    b"DNT: 1\r\n", b"Sec-GPC: 1\r\n", b"Purpose: prefetch\r\n", b"X-Moz: prefetch\r\n", b"X-Purpose: preview\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"\x16\x03\x01",
)  # fmt: skip


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """So many requests, the same for each seed."""
    random = Random(seed)
    for _ in range(count):
        data = random.choice(CORPUS)
        for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
            data = random.choice(_MUTATORS)(random, data)
        yield data


def _flip(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) or 1)
    return data[:at] + bytes(byte ^ 1 << random.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    piece = random.choice(_TELLING) if random.random() < 0.7 else random.randbytes(random.randrange(1, 9))
    return data[:at] + piece * random.choice((1, 1, 1, 2, 70)) + data[at:]


def _delete(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + data[at + random.choice((1, 1, 2, 5, 50)) :]


def _duplicate(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    piece = data[at : at + random.choice((1, 2, 20, 200))]
    return data[:at] + piece * random.choice((2, 2, 3, 40)) + data[at + len(piece) :]


def _splice(random: Random, data: bytes) -> bytes:
    other = random.choice(CORPUS)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other)) :]


_MUTATORS: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (_flip, _insert, _delete, _duplicate, _splice)
