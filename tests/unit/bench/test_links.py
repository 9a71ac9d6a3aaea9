"""The links and requests of a benchmark."""

import re
from collections import Counter

from bench import heads, links
from redirect_core import is_alias


def test_codes_differ_and_are_codes() -> None:
    codes = {links.code_of(number) for number in range(20_000)}
    assert len(codes) == 20_000
    assert all(re.fullmatch("[0-9A-Za-z]{7}", code) and is_alias(code.encode()) for code in codes)


def test_all_targets_have_one_length() -> None:
    assert len({len(links.target_of(number)) for number in (0, 7, 99_999)}) == 1


def test_zipf_asks_for_the_most_popular_link_twice_as_often_as_for_the_second() -> None:
    (_, first), (_, second), *_ = Counter(links.zipf(1_000, 100_000)).most_common()
    assert 1.8 < first / second < 2.2


def test_the_same_keys_are_drawn_every_time() -> None:
    assert links.zipf(100, 50) == links.zipf(100, 50)
    assert sorted(links.uniform(100)) == list(range(100))


def test_heads_have_the_sizes_that_they_are_called_after() -> None:
    assert 40 <= len(heads.plain("abcdefg")) <= 60
    sizes = [len(heads.browser("abcdefg", number)) for number in range(100)]
    assert 650 <= min(sizes) <= max(sizes) <= 800
    assert len({heads.browser("abcdefg", number) for number in range(200)}) == 48


def test_pipelined_requests_go_out_in_sixteens() -> None:
    writes = list(heads.pipelined([heads.plain("abcdefg")] * 40))
    assert [write.count(b"\r\n\r\n") for write in writes] == [16, 16]
