"""What fuzzing begins with: the tests' requests, and segments that a writer of the spool left."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from redirect_core import SpoolWriter, Visitor
from tests.engine_contract.mutations import mutated
from tests.engine_contract.parts import get
from tests.engine_contract.recorded import RECORDED
from tests.engine_contract.rules import RULES

SEED: Final = 302
MUTATED: Final = 300
ONLY_READS: Final = 8  # bit of an input's settings
CODES: Final = ("known01", "query01?x=y", "late002", "off0001", "long001", "missing", "nowhere", "a-b_c")
NOON_MS: Final = 1_700_049_600_000
HEADER_BYTES: Final = 128
ALL_FITS: Final = 0x1F  # header, size, CRC and both stamps are made to fit
ALL_RECORDS: Final = 0xFF


def write(folder: Path, seeds: Iterable[bytes]) -> None:
    """Write each seed to a file named by its content, so that two runs leave the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def feed() -> Iterator[bytes]:
    """Inputs of the target `feed`: settings, peer, steps, then what a client sends."""
    random = Random(SEED)
    requests = [rule.request for rule in RULES] + list(RECORDED.values()) + list(mutated(MUTATED, SEED))
    for request in requests:
        peer = random.randrange(4)
        yield bytes((0, peer, 0)) + request
        twice = request * 2
        cuts = sorted(random.randrange(len(twice) + 1) for _ in range(3))
        yield bytes((ONLY_READS, peer, 4)) + _reads(0, *cuts, len(twice) - random.randrange(4)) + twice
    for request in requests[::4]:
        steps = random.randrange(1, 12)
        yield bytes((random.randrange(8), random.randrange(4), steps)) + random.randbytes(2 * steps) + request * 3
    for depth in (2, 20, 140):
        pipeline = b"".join(get(random.choice(CODES)) for _ in range(depth))
        yield bytes((0, 0, 0)) + pipeline
        yield bytes((ONLY_READS, 0, 2, 100, 250)) + pipeline


def _reads(*cuts: int) -> bytes:
    """Steps of reads that end at these places, or near them: a byte tells up to 191 exactly, then multiples of 150."""
    lengths = (max(end - start, 0) for start, end in pairwise(cuts))
    return bytes(length if length < 192 else min(191 + length // 150, 255) for length in lengths)


def spool_reader() -> Iterator[bytes]:
    """Inputs of the target `spool_reader`: records a batch, then files as the target reads them."""
    with tempfile.TemporaryDirectory() as folder:
        closed = [_used(segment) for segment in _segments(Path(folder) / "closed", clicks=60, close=True)]
        killed = [_used(segment) for segment in _segments(Path(folder) / "killed", clicks=20, close=False)]
    yield b"\0" + b"".join(_file(number << 1, ALL_FITS, segment) for number, segment in enumerate(closed))
    yield b"\7" + b"".join(_file(number << 1 | 1, 0x0F, segment) for number, segment in enumerate(killed))
    both = enumerate(zip(closed, killed, strict=False))
    yield b"\2" + b"".join(_file(n << 1, ALL_FITS, a) + _file(n << 1 | 1, 0x0F, b) for n, (a, b) in both)
    for segment in (*closed[:3], *killed):
        yield b"\xff" + _file(0, 0x0F, segment)


def _file(name: int, fits: int, content: bytes) -> bytes:
    return bytes((name, fits, ALL_RECORDS)) + len(content).to_bytes(2, "little") + content


def _used(segment: bytes) -> bytes:
    """Without the zeros behind its last record: fuzzing is faster on few bytes."""
    return segment.rstrip(b"\0").ljust(HEADER_BYTES, b"\0") + bytes(8)


def _segments(folder: Path, *, clicks: int, close: bool) -> list[bytes]:
    """What a writer leaves that closed its spool, or that was killed."""
    folder.mkdir()
    writer = SpoolWriter(str(folder), 0, segment_bytes=4_096)
    visitors = [
        Visitor(bytes((203, 0, 113, 7)), b"https://example.com/", b"Firefox", b"de"),
        Visitor(bytes.fromhex("20010db8") + bytes(12), b"", b"curl/8.10.1", b""),
        Visitor(b"", b"", b"", b""),
    ]
    for number in range(clicks):
        domain, code = (b"", b"code%03d" % number) if number % 3 else (b"links.example", b"an-alias")
        writer.record(NOON_MS + number * 60_000, domain, code, 0, number % 4, visitors[number % 3])
    left = [path.read_bytes() for path in sorted(folder.glob("*.seg"))]
    if close:
        writer.close()
        left = [path.read_bytes() for path in sorted(folder.glob("*.seg"))]
    return left
