"""What is asked of the servers: the requests of each load, and who runs it."""

import functools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import check, heads, links, servers, wrk

ONE_THOUSAND: Final = 1_000
# Long enough for each copy in the edge's cache to come to the end of its lifetime once.
LONG_SECONDS: Final = 30
DEEP_SECONDS: Final = 1  # a million clicks or two, over as many links as there are: counting them takes longer
MISS_SHARES: Final = (0.01, 0.1)
# More than any server has answered on one core, one request a write.
MOST_A_SECOND: Final = 300_000
FRESH_A_SECOND: Final = int(MOST_A_SECOND * sum(MISS_SHARES))
CLOSING_NGINX: Final = f"{servers.NGINX}, closing"

CORE: Final = (*servers.EDGES, *servers.FLOORS)
PAIR: Final = (servers.EDGES[0], servers.NGINX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A load.

    Attributes:
        servers: the keys of those that run it, among the servers of its stage.
        codes: what is asked for, and right before: a server that remembers has all of it in memory.
        requests: the file of raw requests for the round with this number.
        depth: how many of them each write holds.
        form: how the codes are asked for.
        seconds: for how long; None: as long as was asked for.
        once: in the first round alone.
        counted_later: edge302's shipper gets no CPU from the check on, and counts when the load has ended. Its CPU is
            part of the price as ever, but the rate is that of one core for the worker alone, with clicks in the spool,
            and links are still fresh when the load begins however many they are.
        edits: the codes edited meanwhile, in this order; empty: nothing is edited.
        fresh: requests that the file holds of which none may be sent twice; None: it may be sent over and over.
        equal: all servers reply with the same number of bytes.
    """

    name: str
    servers: Sequence[str]
    codes: Sequence[str]
    requests: Callable[[int], Path]
    depth: int = 1
    form: check.Form = check.GET
    seconds: int | None = None
    once: bool = False
    counted_later: bool = False
    edits: Sequence[str] = ()
    fresh: int | None = None
    equal: bool = True


def everyday(folder: Path, codes: Sequence[str]) -> Iterator[Workload]:
    """Loads over the links that every server has, and over unknown codes."""
    popular, every = _popular(codes), [codes[number] for number in links.uniform(len(codes))]
    plain = _file(folder / "plain", map(heads.plain, popular))
    browsers = (heads.browser(code, number) for number, code in enumerate(popular))
    everyone = [*CORE, *(name for name, peer in servers.PEERS.items() if peer.installed())]
    yield Workload(name="plain, Zipf keys", servers=everyone, codes=codes, requests=plain)
    yield Workload(
        name="browser heads, Zipf keys", servers=everyone, codes=codes, requests=_file(folder / "browsers", browsers)
    )
    yield Workload(
        name="plain, uniform keys",
        servers=CORE,
        codes=codes,
        requests=_file(folder / "uniform", map(heads.plain, every)),
    )
    yield _deep(folder, codes, "100k", CORE)
    yield _deep(folder, codes[:ONE_THOUSAND], "1k", PAIR)
    yield Workload(
        name="one hot link", servers=PAIR, codes=codes[:1], requests=_file(folder / "hot", [heads.plain(codes[0])])
    )
    yield Workload(
        name="HEAD, Zipf keys",
        # Without nginx: wrk waits for the body whose length nginx tells of, and that HEAD must not bring.
        servers=(*servers.EDGES, servers.BARE),
        codes=codes,
        requests=_file(folder / "head", map(heads.head, popular)),
        form=check.HEAD,
    )
    yield Workload(
        name="connection per request",
        servers=(servers.EDGES[0], CLOSING_NGINX),
        codes=codes,
        requests=_file(folder / "closing", map(heads.closing, popular)),
        form=check.CLOSING,
    )
    yield Workload(name="plain, Zipf keys, 100 edits/s", servers=PAIR, codes=codes, requests=plain, edits=popular)
    yield Workload(
        name=f"plain, Zipf keys, {LONG_SECONDS} s",
        servers=servers.EDGES[:1],
        codes=codes,
        requests=plain,
        seconds=LONG_SECONDS,
        once=True,
    )
    # As many, and asked for as the known ones are: an unknown code is remembered for 2 s, then looked up again.
    unknown = [links.code_of(-1 - number) for number in range(len(codes))]
    yield Workload(
        name="unknown codes, Zipf keys",
        servers=PAIR,
        codes=unknown,
        requests=_file(folder / "unknown", map(heads.plain, _popular(unknown))),
        equal=False,  # a 404 against nginx's only answer
    )


def many(folder: Path, codes: Sequence[str]) -> Iterator[Workload]:
    """Loads over a million links."""
    asked = [codes[number] for number in links.zipf(len(codes), len(codes) // 2)]
    yield Workload(
        name="plain, Zipf keys, 1M links",
        servers=PAIR,
        codes=list(dict.fromkeys(asked)),
        requests=_file(folder / "plain", map(heads.plain, asked)),
    )
    yield _deep(folder, codes, "1M", PAIR)


def misses(folder: Path, codes: Sequence[str], seconds: int) -> Iterator[Workload]:
    """Zipf keys over the links that every server has, and among them codes that this node was never asked for.

    They are in its store, so that each is a miss: looked up, and answered with a redirect.
    """
    warm, fresh = codes[: servers.LINKS], iter(codes[servers.LINKS :])
    popular, count = _popular(warm), MOST_A_SECOND * seconds
    for share in MISS_SHARES:
        yield Workload(
            name=f"plain, Zipf keys, {share:.0%} misses",
            servers=PAIR,
            codes=warm,
            requests=_file_a_round(folder / f"misses-{share}", popular, fresh, share, count),
            fresh=count,
        )


def _popular(codes: Sequence[str]) -> list[str]:
    return [codes[number] for number in links.zipf(len(codes), servers.LINKS)]


def _deep(folder: Path, codes: Sequence[str], called: str, who: Sequence[str]) -> Workload:
    """16 requests a write; every link as often as every other, which makes the most of how many there are."""
    orders = range(max(1, servers.LINKS // len(codes)))
    plain = [heads.plain(codes[number]) for order in orders for number in links.uniform(len(codes), order)]
    return Workload(
        name=f"{heads.DEPTH} deep, {called} links",
        servers=who,
        codes=codes,
        requests=_file(folder / f"deep-{called}", heads.pipelined(plain)),
        depth=heads.DEPTH,
        seconds=DEEP_SECONDS,
        counted_later=True,
    )


def _file(path: Path, requests: Iterable[bytes]) -> Callable[[int], Path]:
    """The same requests in every round."""
    wrk.write_requests(path, requests)
    return lambda _: path


def _file_a_round(
    path: Path, popular: Sequence[str], fresh: Iterator[str], share: float, count: int
) -> Callable[[int], Path]:
    """`count` requests a round, the same for all servers; this share is for codes never asked for before."""

    @functools.lru_cache(maxsize=1)
    def write(number: int) -> Path:
        chance = random.Random(number)
        asked = chance.choices(popular, k=count)
        for place in chance.sample(range(count), int(count * share)):
            asked[place] = next(fresh)
        return wrk.write_requests(path, map(heads.plain, asked))

    return write
