"""What wrk reports of a server that runs already: errors are figures there, for it is not ours to mend."""

import pytest

from bench.base_url import parse, summary
from bench.void import Void

OUTPUT = """Running 2s test @ http://127.0.0.1:8080
{"requests":%d,"bytes":1,"duration_us":2000000,"p50_us":1500,"p99_us":9000,"errors":{"connect":0,"read":1,"status":%d}}
"""


def test_replies_that_tell_of_errors_are_no_part_of_the_rate() -> None:
    one = parse("reader", OUTPUT % (1_000, 200))
    assert (one.rate, one.requests, one.errors, one.p50_ms, one.p99_ms) == (400.0, 1_000, 201, 1.5, 9.0)


def test_a_share_of_errors_is_one_of_all_replies() -> None:
    assert summary([parse("reader", OUTPUT % (1_005, 200))]).error_share.median == 0.2


def test_a_server_that_never_answers_voids_the_run() -> None:
    with pytest.raises(Void, match="reader"):
        parse("reader", OUTPUT % (0, 0))
