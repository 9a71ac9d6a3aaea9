"""Codes and aliases through the bare extension."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_core import is_alias, pack_code, unpack_code

CODES = st.from_regex(rb"[0-9A-Za-z]{7}", fullmatch=True)


@given(CODES)
def test_a_code_comes_back_from_its_number(code: bytes) -> None:
    number = pack_code(code)
    assert number is not None
    assert unpack_code(number) == code


@given(CODES, CODES)
def test_numbers_sort_as_codes_do(one: bytes, other: bytes) -> None:
    assert ((pack_code(one) or 0) < (pack_code(other) or 0)) == (one < other)


@pytest.mark.parametrize("text", [b"", b"abcdef", b"abcdefgh", b"abc-efg", "abcdéf".encode(), b"abc\x00efg"])
def test_what_is_no_code_is_not_packed(text: bytes) -> None:
    assert pack_code(text) is None


def test_a_number_without_a_code_is_refused() -> None:
    assert unpack_code(62**7 - 1) == b"zzzzzzz"
    with pytest.raises(ValueError, match="62"):
        unpack_code(62**7)


@given(st.binary(max_size=70))
def test_an_alias_is_1_to_64_safe_characters(text: bytes) -> None:
    safe = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    assert is_alias(text) == (1 <= len(text) <= 64 and all(byte in safe for byte in text))


@given(st.from_regex(rb"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_every_safe_text_is_an_alias(text: bytes) -> None:
    assert is_alias(text)
