"""Rounds are compared within themselves, and a reply of another size is noticed."""

import pytest

from bench import wrk
from bench.redirects import BARE, NGINX, Round, _must_be_whole, summary
from bench.targets.serving import Serving
from bench.void import Void

SERVER = Serving("edge302 python", 1, 1, lambda _: "")


def one(server: str, cpu_us: float) -> Round:
    return Round(
        server=server,
        workload="plain",
        requests=1_000,
        rate=1e6 / cpu_us,
        cpu_us=cpu_us,
        cpu_us_by_role={"gateway": cpu_us},
        server_busy=1.0,
        load_busy=0.5,
        p50_us=1,
        p99_us=2,
    )


def load(requests: int, bytes_read: int) -> wrk.Load:
    return wrk.Load(requests=requests, bytes_read=bytes_read, seconds=1.0, p50_us=1, p99_us=2, busy=0.5)


def test_ratios_are_taken_within_a_round_so_that_a_slow_round_changes_nothing() -> None:
    rounds = []
    for slowness in (1, 3, 2):  # the machine was three times slower in the second round
        rounds += [one("edge302 python", 9.0 * slowness), one(NGINX, 4.5 * slowness), one(BARE, 6.0 * slowness)]
    nginx, bare, edge302 = summary(rounds)
    assert (nginx.server, bare.server, edge302.server) == (NGINX, BARE, "edge302 python")
    assert edge302.to_nginx.low == edge302.to_nginx.median == edge302.to_nginx.high == 2.0
    assert edge302.to_bare.median == 1.5
    assert edge302.cpu_us.median == 18.0


def test_replies_of_one_size_and_a_few_in_flight_are_whole() -> None:
    _must_be_whole(SERVER, load(1_000, 318_000), 318, 64)
    _must_be_whole(SERVER, load(1_000, 318_000 + 64 * 318), 318, 64)


@pytest.mark.parametrize("bytes_read", [317_999, 318_000 + 64 * 318 + 1])
def test_bytes_that_no_right_replies_add_up_to_void_the_run(bytes_read: int) -> None:
    with pytest.raises(Void):
        _must_be_whole(SERVER, load(1_000, bytes_read), 318, 64)
