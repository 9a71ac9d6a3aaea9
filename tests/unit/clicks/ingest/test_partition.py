"""The ingest of one partition, killed at any step and begun anew: what is stored then."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store_contract.events.samples import EPOCH, OTHER_EPOCH
from tests.unit.clicks.ingest.parts import NOT_JSON, Fate, Killed, Record, World, clicks, live, reasons, value

UNHURT = Fate(None, last_one_counts=True)


@st.composite
def partitions(draw: st.DrawFn) -> list[Record]:
    """Clicks of two epochs in order, with gaps between offsets, poison, and stretches that come again."""
    values: list[bytes] = []
    seqs = {EPOCH: 0, OTHER_EPOCH: 0}
    for _ in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(["click", "click", "click", "poison", "not json", "again"]))
        if kind == "not json":
            values.append(NOT_JSON)
        elif kind == "again":
            values += values[draw(st.integers(0, len(values))) :]
        else:
            epoch = draw(st.sampled_from([EPOCH, OTHER_EPOCH]))
            seqs[epoch] += draw(st.integers(1, 3))
            values.append(value(seqs[epoch], epoch=epoch, code="poison" if kind == "poison" else "abc"))
    offset, records = 0, []
    for one in values[:60]:
        offset += draw(st.integers(1, 2))
        records.append(Record(offset, one))
    return records


@settings(max_examples=300, deadline=None)
@given(
    records=partitions(),
    deaths=st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(1, 12)), max_size=12),
    block_rows=st.integers(1, 12),
)
def test_every_click_is_stored_once_whenever_processes_die(
    records: list[Record], deaths: Sequence[tuple[int, bool, int]], block_rows: int
) -> None:
    unhurt, world = World(records), World(records)
    live(unhurt, UNHURT, block_rows)
    for steps, last_one_counts, other_block_rows in deaths:
        try:
            live(world, Fate(steps, last_one_counts=last_one_counts), other_block_rows)
        except Killed:
            continue
    live(world, UNHURT, block_rows)
    assert len(set(clicks(unhurt.inserted))) == len(unhurt.inserted)
    assert sorted(world.inserted) == sorted(unhurt.inserted)
    assert reasons(world.dead) == reasons(unhurt.dead)


STEPS = ["begin", "insert", "mark", "end"]


@pytest.mark.parametrize("last_one_counts", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(4), ids=STEPS)
def test_a_block_is_stored_once_when_the_process_dies_at(step: int, last_one_counts: bool) -> None:
    world = World([Record(offset, value(offset + 1)) for offset in range(5)])
    with pytest.raises(Killed):
        live(world, Fate(step, last_one_counts=last_one_counts), block_rows=5)
    live(world, UNHURT, block_rows=3)
    assert clicks(world.inserted) == [(EPOCH, seq) for seq in range(1, 6)]
    assert world.is_done


def test_a_repeated_block_is_the_same_block_though_its_marks_are_written() -> None:
    world = World([Record(offset, value(offset + 1)) for offset in range(5)])
    with pytest.raises(Killed):
        live(world, Fate(2, last_one_counts=True), block_rows=5)
    tokens, inserted = set(world.tokens), list(world.inserted)
    world.tokens.clear()
    world.inserted.clear()
    live(world, UNHURT, block_rows=3)
    assert (world.tokens, world.inserted) == (tokens, inserted)


def test_a_group_that_is_set_back_stores_nothing_again() -> None:
    world = World([Record(offset, value(offset + 1)) for offset in range(9)])
    live(world, UNHURT, block_rows=2)
    for offset in (0, 3, 8):
        world.committed = world.committed._replace(offset=offset)
        live(world, UNHURT, block_rows=4)
    assert clicks(world.inserted) == [(EPOCH, seq) for seq in range(1, 10)]


def test_poison_leaves_the_rest_of_its_block_alone() -> None:
    world = World(
        [
            Record(0, value(1)),
            Record(1, NOT_JSON),
            Record(2, value(2, v=2)),
            Record(3, value(3, epoch="E")),
            Record(4, None),
            Record(5, value(6, code="poison")),
            Record(6, value(7)),
        ]
    )
    live(world, UNHURT, block_rows=10)
    assert clicks(world.inserted) == [(EPOCH, 1), (EPOCH, 7)]
    assert reasons(world.dead) == {
        1: "not-json",
        2: "other-version",
        3: "not-an-event",
        4: "not-json",
        5: "refused-by-clickhouse",
    }
