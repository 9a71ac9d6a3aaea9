"""What the load prints becomes latencies, or voids the run."""

from pathlib import Path

import pytest

from bench import openloop
from bench.openloop import Order
from bench.void import Void

ORDER = Order(requests=Path("popular.requests"), rate=1_000, seconds=2, reply_bytes=318)


def printed(replies: int = 2_000, unanswered: int = 0, errors: int = 0, wrong: int = 0) -> bytes:
    latencies = '{"count":2000,"p50_ns":40000,"p90_ns":50000,"p99_ns":60000,"p999_ns":70000,"max_ns":80000}'
    return (
        f'{{"replies":{replies},"unanswered":{unanswered},"errors":{errors},"wrong":{wrong},"slow_replaced":0,'
        f'"busy_ns":1500000000,"elapsed_ns":3000000000,"cpu_ns":2990000000,'
        f'"hits":{latencies},"misses":{latencies},"lag":{latencies}}}\n'
    ).encode()


def test_a_clean_run_is_a_load() -> None:
    load = openloop.parse(printed())
    assert (load.hits.p99_ns, load.hits.max_ns, openloop.reached(load, ORDER)) == (60_000, 80_000, 1_000.0)
    assert openloop.carries(load, ORDER)


@pytest.mark.parametrize("output", [printed(errors=1), printed(wrong=1)], ids=["failed connection", "wrong reply"])
def test_one_error_of_any_kind_voids_the_run(output: bytes) -> None:
    with pytest.raises(Void):
        openloop.parse(output)


@pytest.mark.parametrize("output", [printed(replies=1_979), printed(unanswered=1)], ids=["too few", "unanswered"])
def test_a_server_that_falls_behind_does_not_carry_the_rate(output: bytes) -> None:
    assert not openloop.carries(openloop.parse(output), ORDER)


def test_an_order_counts_the_requests_of_its_warm_up() -> None:
    assert ORDER.all_requests == 3_000
