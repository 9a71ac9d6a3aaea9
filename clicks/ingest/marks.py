"""How far each epoch's clicks of a partition are stored: what tells a click that came a second time from a new one."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Mark(NamedTuple):
    """How far a block brought one epoch.

    Attributes:
        epoch: as in ClickEvent.
        seq: the highest one stored.
        seq_before: the one before that block; 0: none.
        block: the block's name.
    """

    epoch: str
    seq: int
    seq_before: int
    block: str


def before(marks: Iterable[Mark], pending: str | None) -> dict[str, int]:
    """The highest seq stored by epoch, as it was before the block named `pending`, if that is to be repeated.

    A block that is repeated so decides about each click as it did the first time, whether or not its marks had been
    written meanwhile.
    """
    return {mark.epoch: mark.seq_before if mark.block == pending else mark.seq for mark in marks}


def of_block(block: str, known: Mapping[str, int], reached: Mapping[str, int]) -> list[Mark]:
    """What a block leaves behind that found `known` and brought epochs to `reached`."""
    return [Mark(epoch, seq, known.get(epoch, 0), block) for epoch, seq in reached.items()]
