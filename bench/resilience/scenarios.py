"""What is broken and how, what visitors may notice of it, and what they did."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Final

from bench.figures import percentile
from bench.resilience.load import COLD, EDITED, POLL_SECONDS, UNKNOWN, WARM, Load, Notes
from bench.resilience.world import World, target_of
from bench.visibility import Worker
from bench.void import Void

WARM_LINKS: Final = 100
BACK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One failure. Warm links must be answered 302 throughout.

    Attributes:
        break_: makes it fail; `mend`: gives it back, where nobody else does.
        cold: statuses that links nobody asked for before may be answered with; links too of whose edit a worker heard,
            and which it can't read: it has no other copy of them than one that is known to be outdated.
        unknown: the same for codes that are no links.
        kills: a worker: its connections break, and what it was just answering may or may not be counted.
    """

    name: str
    break_: Callable[[World], None]
    mend: Callable[[World], None]
    cold: frozenset[int] = frozenset({302})
    unknown: frozenset[int] = frozenset({404})
    kills: bool = False


def _both(*steps: Callable[[World], None]) -> Callable[[World], None]:
    def all_of_them(world: World) -> None:
        for step in steps:
            step(world)

    return all_of_them


def _kill_relay(node: int) -> Callable[[World], None]:
    return lambda world: world.kill("shortlink.relay", node)


def _nothing(_: World) -> None:
    """It is kept running by those whose task that is."""


_AWAY: Final = frozenset({302, 503})  # what was found just before is answered; else 503 with Retry-After
_NOT_KNOWN: Final = frozenset({404, 503})
SCENARIOS: Final = (
    Scenario(name="calm", break_=_nothing, mend=_nothing),
    Scenario(name="Redis stopped", break_=lambda w: w.cache.kill(), mend=lambda w: w.cache.start()),
    Scenario(name="Redis frozen", break_=lambda w: w.cache.pause(), mend=lambda w: w.cache.resume()),
    Scenario(
        name="database stopped",
        break_=lambda w: w.database.kill(),
        mend=lambda w: w.database.start(),
        unknown=_NOT_KNOWN,
    ),
    Scenario(
        name="database frozen",
        break_=lambda w: w.database.pause(),
        mend=lambda w: w.database.resume(),
        unknown=_NOT_KNOWN,
    ),
    Scenario(
        name="Redis and database stopped",
        break_=_both(lambda w: w.cache.kill(), lambda w: w.database.kill()),
        mend=_both(lambda w: w.database.start(), lambda w: w.cache.start()),
        cold=_AWAY,
        unknown=_NOT_KNOWN,
    ),
    # Workers are one version behind while it runs, and for long after.
    Scenario(name="migration", break_=World.migrate, mend=_nothing, unknown=_NOT_KNOWN),
    Scenario(name="relays killed", break_=_both(_kill_relay(0), _kill_relay(1)), mend=_nothing),
    Scenario(name="shipper killed", break_=lambda w: w.kill("clicks"), mend=_nothing),
    Scenario(name="control plane killed", break_=lambda w: w.kill("control_api"), mend=_nothing),
    Scenario(name="worker killed", break_=lambda w: w.kill("gateway"), mend=_nothing, kills=True),
)

_numbers = count()


def play(world: World, scenario: Scenario, *, seconds: float, rate: int) -> dict[str, Any]:
    """Load, break, wait, mend, and wait until all is well: what was seen, and `faults`: what should not have been.

    Args:
        seconds: how long it stays broken.
        rate: requests a second.
    """
    number = next(_numbers)
    warm = [f"warm-{number}-{n}" for n in range(WARM_LINKS)]
    cold = [f"cold-{number}-{n}" for n in range(int((seconds + 2) * rate))]
    for some in _chunks([*warm, *cold]):
        world.add(some)
    notes, before = Notes(), world.counted()
    _warm_up(world, warm, notes)
    _relayed(world, warm[0], notes)
    with Load(world, notes, warm=warm, cold=cold, rate=rate):
        time.sleep(1)
        scenario.break_(world)
        time.sleep(seconds)
        scenario.mend(world)
        back_ms = _back(world, notes)
    counted = _settled(world, notes, before)
    result = _seen(scenario, notes, back_ms, counted)
    print(f"{scenario.name:30} {_in_short(result)}", file=sys.stderr, flush=True)
    return result


def faults(scenario: Scenario, notes: Notes, counted: int) -> list[str]:
    """What must not be, each in words."""
    allowed = {WARM: {302}, COLD: scenario.cold, EDITED: scenario.cold, UNKNOWN: scenario.unknown}
    broken = {0} if scenario.kills else set()
    found = [
        f"{replies} {kind} requests were answered {status}"
        for (kind, status), replies in sorted(notes.statuses.items())
        if status not in allowed[kind] | broken
    ]
    if not notes.redirects <= counted <= notes.redirects + notes.lost:
        found.append(f"{notes.redirects} redirects (and {notes.lost} lost), but {counted} clicks counted")
    return [*found, *notes.wrong]


def _seen(scenario: Scenario, notes: Notes, back_ms: float, counted: int) -> dict[str, Any]:
    delays = sorted(notes.delays_ms)
    return {
        "scenario": scenario.name,
        "replies": {f"{kind} {status}": replies for (kind, status), replies in sorted(notes.statuses.items())},
        "p99_ms": {kind: round(percentile(times, 0.99), 1) for kind, times in notes.times_ms.items()},
        "slowest_ms": {kind: round(max(times), 1) for kind, times in notes.times_ms.items()},
        "edits_seen": len(delays),
        "edits_refused": notes.edits_refused,
        "edit_p50_ms": round(percentile(delays, 0.5), 1) if delays else None,
        "edit_p99_ms": round(percentile(delays, 0.99), 1) if delays else None,
        "edit_max_ms": round(max(delays), 1) if delays else None,
        "back_ms": round(back_ms),
        "redirects": notes.redirects,
        "counted": counted,
        "lost": notes.lost,
        "faults": faults(scenario, notes, counted),
    }


def _warm_up(world: World, warm: list[str], notes: Notes) -> None:
    for worker in range(len(world.sockets)):
        with closing(world.connect(worker)) as connection:
            visitor = Worker(connection)
            for code in warm:
                begun = time.monotonic()
                notes.note(COLD, visitor.answer(code)[0], (time.monotonic() - begun) * 1e3)


def _relayed(world: World, code: str, notes: Notes) -> None:
    """Return when the relay has carried all that was added: an edit of later than that is heard of. Void: never."""
    status, _ = world.nodes[0].ask("PATCH", f"/api/links/{code}", {"url": target_of(code, 1)})
    deadline = time.monotonic() + BACK_SECONDS
    for worker in range(len(world.sockets)):
        with closing(world.connect(worker)) as connection:
            visitor = Worker(connection)
            while (answer := visitor.answer(code)) != (302, target_of(code, 1)):
                notes.note(EDITED, answer[0], 0.0)
                if status != 200 or time.monotonic() > deadline:
                    raise Void(f"an edit before the load was answered {status}, and then /{code} {answer}")
                time.sleep(POLL_SECONDS)
            notes.note(EDITED, answer[0], 0.0)


def _back(world: World, notes: Notes) -> float:
    """Ms until the control planes take edits again and every worker answers by them. Void: never."""
    mended, seen, refused = time.monotonic(), len(notes.delays_ms), notes.edits_refused
    while len(notes.delays_ms) < seen + 2 * len(world.nodes) or notes.edits_refused > refused:
        if time.monotonic() > mended + BACK_SECONDS:
            raise Void("a minute after everything was given back, edits are still not seen everywhere")
        if notes.edits_refused > refused:
            seen, refused = len(notes.delays_ms), notes.edits_refused
        time.sleep(0.05)
    return (time.monotonic() - mended) * 1e3


def _settled(world: World, notes: Notes, before: int) -> int:
    """Clicks counted since, as soon as they are as many as were answered; after a minute as many as there are."""
    deadline = time.monotonic() + BACK_SECONDS
    while world.counted() - before < notes.redirects and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)  # what is too many comes late as well
    return world.counted() - before


def _chunks(codes: list[str]) -> "list[list[str]]":
    rest = iter(codes)
    return list(iter(lambda: list(islice(rest, 1_000)), []))


def _in_short(result: Mapping[str, Any]) -> str:
    verdict = "ok" if not result["faults"] else "; ".join(result["faults"])
    return (
        f"{result['redirects']:>8,} redirects, {result['counted']:,} counted; slowest {result['slowest_ms']} ms;"
        f" edits p99 {result['edit_p99_ms']} ms, max {result['edit_max_ms']}, {result['edits_refused']} refused;"
        f" back in {result['back_ms']:,} ms: {verdict}"
    )
