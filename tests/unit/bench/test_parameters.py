"""What is measured is chosen by variables; one that can't be used ends the program with a line that names it."""

import pytest

from bench.__main__ import PARTS, Parameters, from_environment
from bench.shortener import Shortener


def test_without_variables_every_part_is_measured() -> None:
    assert from_environment(Parameters, {}) == Parameters(name="local", rounds=5, seconds=3, only=tuple(PARTS))


def test_variables_choose() -> None:
    given = {"BENCH_ROUNDS": "2", "BENCH_ONLY": "latency,creates", "BENCH_NAME": "", "BENCH_OTHER": "x"}
    assert from_environment(Parameters, given) == Parameters(rounds=2, only=("latency", "creates"))


def test_a_server_is_named_by_its_url_and_may_have_its_api_elsewhere() -> None:
    shortener = from_environment(Shortener, {"BENCH_BASE_URL": "http://a:1/", "BENCH_API_URL": "http://b:2/v1"})
    assert (shortener.public.geturl(), shortener.api.geturl()) == ("http://a:1", "http://b:2/v1")


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (Parameters, {"BENCH_ROUNDS": "0"}, "BENCH_ROUNDS"),
        (Parameters, {"BENCH_SECONDS": "long"}, "seconds"),
        (Parameters, {"BENCH_ONLY": "speed"}, "redirects, latency"),
        (Shortener, {"BENCH_BASE_URL": "localhost:8080"}, "localhost:8080"),
    ],
)
def test_what_can_not_be_used_is_told_in_one_line(
    kind: type[Parameters] | type[Shortener], given: dict[str, str], said: str
) -> None:
    with pytest.raises(SystemExit) as end:
        from_environment(kind, given)
    assert said in str(end.value)
    assert "\n" not in str(end.value)
