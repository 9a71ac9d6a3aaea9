"""Random clicks, random questions, and whether two stores answer one alike."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st

from clicks.counts import DAY_MS, TrafficClass
from clicks.events.event import ClickEvent
from clicks.questions import Covered, Dimension, Question, Step
from shortlink.links import LinkKey
from tests.store_contract.events.asking import Asking
from tests.store_contract.events.samples import TODAY_MS, event

DAYS: Final = 4
FIRST_MS: Final = TODAY_MS - (DAYS - 1) * DAY_MS
_FEW: Final[dict[str, Sequence[Any]]] = {
    "domain": ["", "b.example"],
    "code": ["a", "b", "c"],
    "variant": [0, 1],
    "traffic": list(TrafficClass),
    "browser": ["", "Firefox", "Chrome"],
    "os": ["Linux", "iOS"],
    "visitor": ["0", "1", "2", "18446744073709551615"],
    "country": ["", "DE", "FR"],
    "city": ["", "Berlin"],
    "referrer": ["", "https://news.example.com/1", "https://news.example.com/2"],
    "language": ["de", "en"],
    "utm_source": ["", "letter"],
    "clicks": [1, 1, 1, 7],
}
_STEPS: Final = st.sampled_from(list(Step))


def random_clicks(count: int, seed: int = 302) -> list[ClickEvent]:
    """Clicks of four days that have few different values, so that they meet in answers."""
    dice = random.Random(seed)
    return [
        event(
            seq, time=FIRST_MS + dice.randrange(DAYS * DAY_MS), **{name: dice.choice(few) for name, few in _FEW.items()}
        )
        for seq in range(1, count + 1)
    ]


@st.composite
def questions(draw: st.DrawFn) -> tuple[Question, Step]:
    """A question, and the step of a series that it can be asked for."""
    step = draw(_STEPS)
    times = st.integers(0, DAYS * DAY_MS // step).map(lambda number: FIRST_MS + number * step)
    since_ms, until_ms = sorted(draw(st.tuples(times, times)))
    classes = draw(st.one_of(st.just(frozenset(TrafficClass)), st.frozensets(st.sampled_from(list(TrafficClass)))))
    keys = st.builds(LinkKey, st.sampled_from(_FEW["domain"]), st.sampled_from(_FEW["code"]))
    links = draw(st.one_of(st.none(), st.lists(keys, max_size=3)))
    domain = draw(st.sampled_from([None, None, "", "b.example"]))
    dimensions = draw(st.sets(st.sampled_from(list(Dimension)), max_size=2))
    where = {dimension: draw(_values(dimension)) for dimension in sorted(dimensions)}
    return Question(since_ms, until_ms, links, domain, classes, where), step


def _values(dimension: Dimension) -> st.SearchStrategy[list[str]]:
    if dimension is Dimension.CODE:
        known = [f"{domain}/{code}" for domain in _FEW["domain"] for code in _FEW["code"]]
    else:
        name = "traffic" if dimension is Dimension.CLASS else dimension.value
        known = [str(value) for value in _FEW.get(name, [getattr(event(1), name)])]
    return st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True)


def require_same_answers(store: Asking, memory: Asking, question: Question, step: Step) -> None:
    """Ask a store for everything, and memory for the time that the store's answer is about."""
    totals = store.totals(question)
    wanted = memory.totals(_over(question, totals.covered))
    assert totals.by_class == wanted.by_class
    assert totals.visitors in (None, wanted.visitors)
    points = store.series(question, step)
    wanted_points = memory.series(_over(question, points.covered), step).points
    assert [(point.start_ms, point.by_class) for point in points.points] == [
        (point.start_ms, point.by_class) for point in wanted_points
    ]
    assert all(
        point.visitors in (None, wanted.visitors) for point, wanted in zip(points.points, wanted_points, strict=True)
    )
    for dimension in Dimension:
        top = store.top(question, dimension)
        found = [(value.value, value.clicks) for value in top.values]
        of_memory = memory.top(_over(question, top.covered), dimension).values
        assert found == [(value.value, value.clicks) for value in of_memory], dimension


def _over(question: Question, covered: Covered) -> Question:
    return replace(question, since_ms=covered.since_ms, until_ms=covered.until_ms)
