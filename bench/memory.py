"""What a worker's memory holds: RssAnon with a million links, and after a second million was seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import check, cpu, links
from bench.filling import write_store
from bench.node import node
from bench.targets.serving import SERVER_CORE
from bench.worker import Worker
from gateway.counters import CountersPage
from gateway.engines import load_engine
from gateway.engines.contract import Tier
from redirect_core import SpoolWriter
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.links import Link, LinkKey
from shortlink.settings import Settings

TARGET_BYTES: Final = 80
# A link that the python engine lacks costs it some 40 µs: a fifth of the links says the same.
LINKS_SEEN: Final[Mapping[str, int]] = {"rust": 1_000_000, "python": 200_000}
_MIB: Final = 1 << 20
_CHUNK: Final = 512
_FIRST_GUESS_BYTES: Final = 200  # a link
_TOLERANCE: Final = 0.02
_TRIES: Final = 4
_QUARTER: Final = 4


@dataclass(frozen=True, slots=True)
class Held:
    """A worker after it has seen some links.

    Attributes:
        cached_links: those it still has.
        more_bytes: RssAnon, more than that of the empty worker.
        bytes_a_link: the same by cached link.
    """

    seen: int
    cached_links: int
    more_bytes: int
    bytes_a_link: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The result for one engine.

    Attributes:
        cache_mb: EDGE302_CACHE_MB, chosen so that about half of what is seen fits.
        empty_bytes: RssAnon of a worker that has answered nothing yet.
        first, second: after links were seen, and after as many others.
    """

    engine: str
    target_bytes: int
    cache_mb: int
    empty_bytes: int
    first: Held
    second: Held


def measure(folder: Path, engine: str) -> Memory:
    """Ask a worker for all links, half of which fit into its cache.

    Raises:
        Void: a reply was wrong.
    """
    count = LINKS_SEEN[engine]
    targets = {links.code_of(number): target_of(number) for number in range(2 * count)}
    codes, data = list(targets), DataFolder(folder / "node")
    data.create()
    write_store(data.links_db, list(targets.items()))
    cache_mb = _fitting_mb(folder, engine, codes, targets)
    worker, flags, settings = Worker(data), ("--workers", "1", "--engine", engine), {"EDGE302_CACHE_MB": str(cache_mb)}
    with node("up", data.root, flags=flags, settings=settings, prefix=SERVER_CORE) as running:
        empty, held = worker.anonymous_bytes, list[Held]()
        for part in (codes[:count], codes[count:]):
            check.check(running.port, part, targets.get)
            cpu.settle(running.pid)
            cached, more = worker.fresh_counters()["cached_links"], worker.anonymous_bytes - empty
            held.append(Held(len(part) * (len(held) + 1), cached, more, more / cached))
    return Memory(engine, TARGET_BYTES, cache_mb, empty, *held)


def target_of(number: int) -> str:
    """A target of 80 bytes."""
    return f"https://shop.example.com/catalogue/item-{number:09d}".ljust(TARGET_BYTES, "/")


def _fitting_mb(folder: Path, engine: str, codes: Sequence[str], targets: Mapping[str, str]) -> int:
    """EDGE302_CACHE_MB with which half of these links, about, are kept of all; found by trying with a quarter of them.

    A quarter, because tables grow in powers of two: so all proportions are the same.
    """
    tried = codes[: len(codes) // _QUARTER]
    wanted = len(tried) // 2
    cache_mb = -(-wanted * _FIRST_GUESS_BYTES // _MIB)
    for number in range(_TRIES):
        place = folder / f"try-{number}"
        place.mkdir(mode=0o700)
        kept = _kept(place, engine, cache_mb, tried, targets)
        if abs(kept - wanted) <= wanted * _TOLERANCE:
            break
        cache_mb = -(-cache_mb * wanted // kept)
    return cache_mb * _QUARTER


def _kept(folder: Path, engine: str, cache_mb: int, codes: Sequence[str], targets: Mapping[str, str]) -> int:
    """How many of these links an engine with so much memory still has, once it was given all."""
    page, clock, spool = CountersPage(folder / "counters"), SystemClock(), SpoolWriter(str(folder), 0)
    filled = load_engine(engine)(Settings(cache_mb=cache_mb), clock, page, spool)
    try:
        for start in range(0, len(codes), _CHUNK):
            found = {LinkKey("", code): _link(code, targets[code]) for code in codes[start : start + _CHUNK]}
            filled.put(found, asked_at=clock.monotonic(), tier=Tier.STORE)
        filled.tick()
        return page["cached_links"]
    finally:
        filled.close()
        page.close()


def _link(code: str, target: str) -> Link:
    return Link(domain="", code=code, target=target, owner_key=None, created_at=0, updated_at=0, version=1)
