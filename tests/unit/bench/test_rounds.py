"""A reply of another size is noticed, and so is a code asked for twice where none may be."""

import dataclasses
from pathlib import Path

import pytest

from bench import wrk
from bench.rounds import must_be_whole
from bench.servers import Contestant
from bench.void import Void
from bench.workloads import Workload

SERVER = Contestant("edge302 python", (1,), 1, lambda _: "")
PLAIN = Workload(name="plain", servers=["edge302 python"], codes=["code"], requests=lambda _: Path())


def load(requests: int, bytes_read: int) -> wrk.Load:
    return wrk.Load(requests=requests, bytes_read=bytes_read, seconds=1.0, p50_us=1, p99_us=2, busy=0.5)


def test_replies_of_one_size_and_a_few_in_flight_are_whole() -> None:
    must_be_whole(SERVER, PLAIN, load(1_000, 318_000), 318)
    must_be_whole(SERVER, PLAIN, load(1_000, 318_000 + 64 * 318), 318)


@pytest.mark.parametrize("bytes_read", [317_999, 318_000 + 64 * 318 + 1])
def test_bytes_that_no_right_replies_add_up_to_void_the_run(bytes_read: int) -> None:
    with pytest.raises(Void):
        must_be_whole(SERVER, PLAIN, load(1_000, bytes_read), 318)


def test_fresh_requests_must_be_enough_for_all_that_was_answered_and_in_flight() -> None:
    must_be_whole(SERVER, dataclasses.replace(PLAIN, fresh=1_064), load(1_000, 318_000), 318)
    with pytest.raises(Void, match="fresh"):
        must_be_whole(SERVER, dataclasses.replace(PLAIN, fresh=1_063), load(1_000, 318_000), 318)
