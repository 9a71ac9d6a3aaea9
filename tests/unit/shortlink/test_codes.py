"""Codes and aliases."""

import contextlib
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlink.codes import ALPHABET, RESERVED, parse_alias, random_code
from shortlink.errors import InvalidLink


def test_a_code_is_seven_letters_or_digits() -> None:
    for _ in range(10_000):
        code = random_code()
        assert len(code) == 7
        assert set(code) <= set(string.ascii_letters + string.digits)


def test_codes_do_not_repeat_and_use_every_character_alike() -> None:
    codes = [random_code() for _ in range(20_000)]
    assert len(set(codes)) == len(codes)
    for place in range(7):
        counts = Counter(code[place] for code in codes)
        assert set(counts) == set(ALPHABET)
        assert max(counts.values()) < 2 * min(counts.values())


@pytest.mark.parametrize("alias", ["a", "A-b_9", "-", "_", "x" * 64, "apis2", "my-admin"])
def test_an_alias_stands_as_it_is(alias: str) -> None:
    assert parse_alias(alias) == alias


@pytest.mark.parametrize("alias", ["", "x" * 65, "a b", "a/b", "a.b", "ä", "a\n", "a%20", "\ud800", "１"])
def test_an_alias_of_other_characters_is_refused(alias: str) -> None:
    with pytest.raises(InvalidLink) as caught:
        parse_alias(alias)
    assert (caught.value.field, caught.value.kind) == ("alias", "alias-invalid")


@pytest.mark.parametrize("alias", ["healthz", "metrics", "favicon", "robots", "api", "ADMIN", "Rest", "docs", "login"])
def test_a_reserved_alias_is_refused_in_any_case(alias: str) -> None:
    with pytest.raises(InvalidLink) as caught:
        parse_alias(alias)
    assert (caught.value.field, caught.value.kind) == ("alias", "alias-reserved")


def test_reserved_words_are_lower_case() -> None:
    assert all(word == word.lower() for word in RESERVED)


@given(st.text())
def test_any_text_is_an_alias_or_an_invalid_link(text: str) -> None:
    with contextlib.suppress(InvalidLink):
        assert parse_alias(text) == text
