"""The links of a benchmark: many, all of one length, and asked for as people ask: a few often, most seldom."""

import itertools
import random
import string
from typing import Final

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CODES: Final = len(_ALPHABET) ** 7
ZIPF_EXPONENT: Final = 0.99  # as in YCSB
_STRIDE: Final = 1_580_030_168_701  # coprime to 62**7: neighbours in number are strangers in spelling


def code_of(number: int) -> str:
    """The 7-character code of the link with this number; different numbers have different codes."""
    rest, letters = (number * _STRIDE + 1) % _CODES, []
    for _ in range(7):
        rest, digit = divmod(rest, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def target_of(number: int) -> str:
    """A campaign link's usual target; all have one length, so that every reply has the same number of bytes."""
    return (
        f"https://shop.example.com/catalogue/autumn/item-{number:09d}"
        "?utm_source=newsletter&utm_medium=email&utm_campaign=autumn"
    )


def zipf(count: int, length: int, seed: int = 302) -> list[int]:
    """`length` link numbers below `count`, the n-th most popular one with weight 1/n^0.99 (Zipf's law)."""
    chance = random.Random(seed)
    by_popularity = list(range(count))
    chance.shuffle(by_popularity)
    weights = list(itertools.accumulate(rank**-ZIPF_EXPONENT for rank in range(1, count + 1)))
    return chance.choices(by_popularity, cum_weights=weights, k=length)


def uniform(count: int, seed: int = 302) -> list[int]:
    """Each link number below `count` once, in no order."""
    numbers = list(range(count))
    random.Random(seed).shuffle(numbers)
    return numbers
