"""The gate on instructions a request: what callgrind and cargo print, and when a count is a failure."""

import json

import pytest

from devstack.instructions import BASELINES, CORPORA, collected, differences, executable, verdict

CALLGRIND = """==3168== Events    : Ir
==3168== Collected : 38737537
==3168==
==3168== I   refs:      38,737,537
"""


def test_the_count_is_read_from_callgrinds_last_words() -> None:
    assert collected(CALLGRIND) == 38_737_537


@pytest.mark.parametrize("report", ["", "Segmentation fault", "==1== Collected : 0\n"])
def test_a_run_that_counted_nothing_is_a_failure(report: str) -> None:
    with pytest.raises(RuntimeError, match="counted nothing"):
        collected(report)


def test_the_bench_is_found_in_what_cargo_tells() -> None:
    messages = [
        {"reason": "compiler-artifact", "target": {"name": "memchr"}, "executable": None},
        {"reason": "compiler-artifact", "target": {"name": "feed"}, "executable": "target/release/deps/feed-1"},
        {"reason": "build-finished", "success": True},
    ]
    assert executable(map(json.dumps, messages)) == "target/release/deps/feed-1"


@pytest.mark.parametrize(
    ("counted", "said"),
    [(1_021, "WORSE: +2.1%"), (1_019, "OK: +1.9%"), (981, "OK: -1.9%"), (979, "BETTER: -2.1%")],
)
def test_two_percent_more_is_worse_and_two_percent_less_could_be_kept(counted: float, said: str) -> None:
    assert verdict(counted, 1_000).startswith(said)


def test_a_corpus_without_a_baseline_is_new() -> None:
    assert verdict(1_000, None).startswith("NEW")


def test_counts_of_another_compiler_or_processor_are_not_compared() -> None:
    kept = {"rustc": "1.95.0", "cpu": ["aes"], "libc": "2.36"}
    assert differences(kept, kept) == []
    assert differences(kept, {"rustc": "1.96.0", "cpu": ["aes"], "valgrind": "3.19"}) == ["libc", "rustc", "valgrind"]


def test_every_corpus_has_a_baseline() -> None:
    assert tuple(json.loads(BASELINES.read_text())["instructions"]) == CORPORA
