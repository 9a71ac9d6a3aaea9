"""The language asked for first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicks.events.languages import MAX_TAG, preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (b"de", "de"),
        (b"DE-de, en;q=0.5", "de-DE"),
        (b"en;q=0.5, pt-br;q=0.9", "pt-BR"),
        (b"en;q=0.8, fr;q=0.8", "en"),
        (b"fr ; q=0.7 , it", "it"),
        (b"zh-hans-cn", "zh-Hans-CN"),
        (b"es-419", "es-419"),
        (b"sl-rozaj-1994", "sl-rozaj-1994"),
        (b"en-x-US-Twain", "en-x-us-twain"),
        (b"de-CH-1901", "de-CH-1901"),
        (b"*", ""),
        (b"*, de;q=0.1", "de"),
        (b"de;q=0, en;q=0.1", "en"),
        (b"de;q=0", ""),
        (b"de;q=2, en;q=0.1", "en"),
        (b"de;q=abc", ""),
        (b"", ""),
        (b",,,", ""),
        (b"english language", ""),
        (b"<script>alert(1)</script>", ""),
        (b"d\xc3\xa9", ""),
        (b"en-" + b"-".join([b"abcdefgh"] * 5), ""),
    ],
)
def test_the_language_of_a_header(header: bytes, language: str) -> None:
    assert preferred(header) == language


def test_a_wish_whose_weight_was_cut_off_is_not_taken_for_the_first() -> None:
    header = b"da;q=0.9,en-GB;q=0.8,en;q=0.7,de;q=0.6,fra;q=0.5,ita;q=0.4,nl-NL;q=0.3"
    assert header[:64].endswith(b"nl-NL")
    assert preferred(header[:64]) == "da"


@given(st.one_of(st.binary(max_size=64), st.from_regex(rb"[a-zA-Z0-9;=,.* -]{0,64}", fullmatch=True)))
def test_any_header_names_a_short_plain_tag_or_none(header: bytes) -> None:
    tag = preferred(header)
    assert len(tag) <= MAX_TAG
    assert tag == "" or tag.replace("-", "").isalnum()
    assert tag.isascii()
