"""What wrk reports becomes a load, or voids the run."""

import pytest

from bench import wrk
from bench.void import Void

OUTPUT = """Running 4s test @ http://127.0.0.1:8080
  1 threads and 64 connections
Requests/sec: 100000.00
{"requests":400000,"bytes":127200000,"duration_us":4000000,"p50_us":600,"p99_us":900,"errors":%s}
"""
NO_ERRORS = '{"connect":0,"read":0,"write":0,"timeout":0,"status":0}'


def test_a_clean_run_is_a_load() -> None:
    load = wrk.parse(OUTPUT % NO_ERRORS, busy=0.8)
    assert (load.rate, load.bytes_read, load.p99_us, load.busy) == (100_000.0, 127_200_000, 900, 0.8)


@pytest.mark.parametrize("kind", ["connect", "read", "write", "timeout", "status"])
def test_one_error_of_any_kind_voids_the_run(kind: str) -> None:
    with pytest.raises(Void, match=kind):
        wrk.parse(OUTPUT % NO_ERRORS.replace(f'"{kind}":0', f'"{kind}":1'), busy=0.8)


def test_a_load_that_must_be_refused_is_void_unless_every_reply_was() -> None:
    refused = OUTPUT % NO_ERRORS.replace('"status":0', '"status":400000')
    assert wrk.parse(refused, busy=0.8, refused=True).requests == 400_000
    with pytest.raises(Void):
        wrk.parse(OUTPUT % NO_ERRORS.replace('"status":0', '"status":399999'), busy=0.8, refused=True)
    with pytest.raises(Void):
        wrk.parse(refused, busy=0.8)
