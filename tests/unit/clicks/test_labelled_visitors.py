"""Real-world visitors, labelled by what their makers say of them: nearly all are classed as their label says."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from clicks.classes import classify
from clicks.counts import TrafficClass
from redirect_core import HEAD, PREFETCH

VISITORS: Final = Path(__file__).parents[2] / "data" / "visitors.tsv"
FLAGS: Final = {"-": 0, "HEAD": HEAD, "PREFETCH": PREFETCH, "HEAD+PREFETCH": HEAD | PREFETCH}


class Visitor(NamedTuple):
    """One line of the file; `source` is the comment above its block."""

    traffic: TrafficClass
    kind: str
    flags: int
    user_agent: bytes
    source: str


def visitors() -> Iterator[Visitor]:
    source = ""
    for line in VISITORS.read_text().splitlines()[1:]:
        if line.startswith("# "):
            source = line.removeprefix("# ")
        else:
            traffic, kind, flags, user_agent = line.split("\t")
            yield Visitor(TrafficClass(traffic), kind, FLAGS[flags], user_agent.encode(), source)


def test_visitors_are_classed_as_their_makers_say() -> None:
    labelled = list(visitors())
    wrong = [
        f"{visitor.traffic}, but classed {classify(visitor.user_agent, visitor.flags)}: {visitor.user_agent.decode()}"
        for visitor in labelled
        if classify(visitor.user_agent, visitor.flags).traffic is not visitor.traffic
    ]
    assert len(wrong) <= 0.02 * len(labelled), "\n".join(wrong)


def test_the_set_is_large_knows_every_class_and_states_its_sources() -> None:
    labelled = list(visitors())
    assert len(labelled) >= 250
    assert all(visitor.source for visitor in labelled)
    assert len({(visitor.user_agent, visitor.flags) for visitor in labelled}) == len(labelled)
    by_class = Counter(visitor.traffic for visitor in labelled)
    assert min(by_class[traffic] for traffic in (TrafficClass.HUMAN, TrafficClass.BOT)) >= 100
    assert min(by_class[traffic] for traffic in (TrafficClass.PREVIEW, TrafficClass.MONITOR)) >= 30
    assert set(by_class) == set(TrafficClass)


def test_no_person_is_taken_for_a_machine() -> None:
    """A machine among the people spoils a chart a little; a browser that is not counted is a visitor lost."""
    people = [visitor for visitor in visitors() if visitor.traffic is TrafficClass.HUMAN]
    assert not [visitor.user_agent for visitor in people if classify(visitor.user_agent, 0).reason != "browser"]
