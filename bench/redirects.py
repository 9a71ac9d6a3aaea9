"""What a redirect costs: every server under the same requests, in interleaved rounds."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench import check, servers, workloads
from bench.rounds import SAMPLE, Round, Rounds
from bench.servers import BARE, ENGINES, LINKS, NGINX, REFERENCES, Contestant, Stock
from bench.summary import Row, summary
from bench.void import Void
from bench.workloads import Workload

__all__ = ["BARE", "ENGINES", "LINKS", "NGINX", "REFERENCES", "SAMPLE", "Redirects", "Round", "Row", "measure"]

# What nginx says on every reply of a connection that stays open, and edge302 does not: so many more bytes to fill.
_KEEP_ALIVE_BYTES: Final = len(b"Connection: keep-alive\r\n")


@dataclass(frozen=True, slots=True)
class Redirects:
    """The result.

    Attributes:
        links: that every server had.
        reply_bytes: of a reply to a plain GET, on every server.
        replies_checked: compared one by one.
        answered, counted: clicks of edge302 as the load saw them, and as its statistics say.
    """

    rows: list[Row]
    rounds: list[Round]
    links: int
    reply_bytes: int
    replies_checked: int
    answered: int
    counted: int


def measure(folder: Path, rounds: int, seconds: int, chosen: Sequence[str] = ()) -> Redirects:
    """Run the whole comparison in `folder`, or the loads of these names.

    Loads that leave other links in memory behind run in stages of their own, on nodes of their own.

    Raises:
        Void: a reply was wrong, edge302 counted other clicks than it answered, or no load is called so.
    """
    fresh = rounds * seconds * workloads.FRESH_A_SECOND
    stocked = servers.stock(folder, max(servers.MANY, servers.LINKS + fresh))
    run, answered, counted = Rounds(), 0, 0
    for name, loads_in in _stages(stocked.codes, seconds).items():
        place = folder / name
        place.mkdir()
        loads = [load for load in loads_in(place) if not chosen or load.name in chosen]
        if not loads:
            continue
        with ExitStack() as stack:
            contestants = _start(stack, place, stocked, loads)
            run.run(contestants, loads, rounds, seconds)
            for one in contestants.values():
                if one.node is not None:
                    counted += one.ledger.compare(one.node)
                    answered += one.ledger.answered
    if not run.done:
        raise Void(f"no load is called {' or '.join(chosen)}")
    return Redirects(
        rows=summary(run.done),
        rounds=run.done,
        links=servers.LINKS,
        reply_bytes=run.sizes[check.GET],
        replies_checked=run.checked,
        answered=answered,
        counted=counted,
    )


def _stages(codes: Sequence[str], seconds: int) -> dict[str, Callable[[Path], Iterator[Workload]]]:
    """The loads by stage, once there is a folder for their requests."""
    return {
        "everyday": partial(workloads.everyday, codes=codes[: servers.LINKS]),
        "many": partial(workloads.many, codes=codes[: servers.MANY]),
        "misses": partial(workloads.misses, codes=codes, seconds=seconds),
    }


def _start(stack: ExitStack, folder: Path, stocked: Stock, loads: Sequence[Workload]) -> dict[str, Contestant]:
    """The servers that the loads need: the edges first, as the others' replies are made as long as theirs."""
    needed = {key for load in loads for key in load.servers}
    contestants = {}
    for edge, engine in zip(servers.EDGES, ENGINES, strict=True):
        if edge in needed:
            contestants[edge] = stack.enter_context(servers.edge302(folder / engine, stocked, engine))
    size = _size(contestants[servers.EDGES[0]], stocked.codes[0])
    for number, key in enumerate(sorted(needed - contestants.keys())):
        name, extra = (NGINX, _KEEP_ALIVE_BYTES) if key == workloads.CLOSING_NGINX else (key, 0)
        contestants[key] = stack.enter_context(servers.other(name, folder / f"other-{number}", stocked, size + extra))
    return contestants


def _size(edge: Contestant, code: str) -> int:
    edge.ledger.answered += 1
    return check.check(edge.port, [code], edge.target_of)
