"""What is committed beside a block's start."""

import pytest

from clicks.ingest.boundary import drawn, pending


def test_a_boundary_is_found_again() -> None:
    boundary = drawn(100, 250)
    assert pending(100, boundary.metadata) == boundary


def test_two_blocks_of_the_same_offsets_have_different_tokens() -> None:
    assert drawn(0, 10).token("clicks", 3) != drawn(0, 10).token("clicks", 3)


@pytest.mark.parametrize("metadata", ["", "moved by hand", "{}", '{"end":7,"block":3}', '{"end":5,"block":"a"}'])
def test_other_metadata_are_no_boundary(metadata: str) -> None:
    assert pending(5, metadata) is None
