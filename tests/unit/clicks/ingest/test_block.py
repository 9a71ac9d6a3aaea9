"""How large a block is while it is gathered."""

from clicks.ingest.block import Block
from tests.unit.clicks.ingest.parts import NOT_JSON, Record, value


def test_what_cannot_be_stored_takes_room_too() -> None:
    block = Block(0, {})
    block.take([Record(0, value(1)), Record(1, NOT_JSON * 1_000), Record(2, None), Record(3, value(1))])
    assert block.size == len(value(1)) + 1_000 * len(NOT_JSON)
    assert (len(block.refused), block.duplicates) == (2, 1)
