"""Fuzzing: what a run tells, and what it begins with."""

from pathlib import Path

import pytest

from devstack import fuzz_seeds
from devstack.fuzz import TARGETS, told
from tests.engine_contract.recorded import RECORDED
from tests.engine_contract.rules import RULES

OUTPUT = """INFO: seed corpus: files: 615 min: 3b max: 19060b total: 559060b rss: 120Mb
#616	INITED cov: 3900 ft: 9000 corp: 500/100Kb exec/s: 616 rss: 300Mb
#7050	NEW    cov: 4276 ft: 15073 corp: 830/733Kb lim: 19060 exec/s: 1175 rss: 450Mb L: 7352/19060
Done 17385 runs in 16 second(s)
"""


def test_a_run_that_found_nothing_says_what_it_did() -> None:
    assert told(OUTPUT) == "17,385 inputs in 16 s, 4,276 edges covered, nothing found"


@pytest.mark.parametrize("output", ["", "error: could not compile", OUTPUT.partition("Done")[0] + "==1==ERROR: deadly"])
def test_a_run_that_did_not_end_has_nothing_to_tell(output: str) -> None:
    assert told(output) is None


def test_every_request_of_the_rules_is_a_seed_and_seeds_are_the_same_each_time() -> None:
    seeds = set(fuzz_seeds.feed())
    assert seeds == set(fuzz_seeds.feed())
    requests = {seed[3:] for seed in seeds if seed[2] == 0}
    assert {rule.request for rule in RULES} <= requests
    assert set(RECORDED.values()) <= requests


def test_seeds_of_the_spool_hold_what_a_writer_wrote() -> None:
    for seed in fuzz_seeds.spool_reader():
        assert b"e302spl\0" in seed
        assert b"curl/8.10.1" in seed


def test_a_seed_is_named_by_its_content(tmp_path: Path) -> None:
    for target in TARGETS:
        fuzz_seeds.write(tmp_path / target.name, [b"one", b"one", b"two"])
        assert {path.read_bytes() for path in (tmp_path / target.name).iterdir()} == {b"one", b"two"}
