"""Which rows are found when ClickHouse refuses a block."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from clicks.ingest.contract import RowsRefused
from clicks.ingest.refusals import refused_rows


@given(st.lists(st.sampled_from([b"good", b"bad"]), min_size=1, max_size=40))
def test_the_bad_rows_are_found_and_no_others(lines: list[bytes]) -> None:
    async def attempt(some: Sequence[bytes]) -> None:
        if b"bad" in some:
            raise RowsRefused("it is bad")

    found = asyncio.run(refused_rows(lines, attempt))
    assert found == {index: "it is bad" for index, line in enumerate(lines) if line == b"bad"}


def test_no_row_is_to_blame_when_a_plain_one_is_refused_too() -> None:
    async def attempt(_some: Sequence[bytes]) -> None:
        raise RowsRefused("there is no such column")

    assert asyncio.run(refused_rows([b"good"], attempt)) == {}
