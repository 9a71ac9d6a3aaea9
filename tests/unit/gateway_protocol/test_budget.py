"""The budget of unknown codes: a bucket a network, filled by the clock, in bounded memory."""

from ipaddress import ip_address

from gateway import budget
from gateway.budget import UnknownBudget, network_of


def test_a_bucket_holds_a_minutes_worth_and_fills_evenly() -> None:
    buckets = UnknownBudget(per_minute=6)
    assert [buckets.take(b"net", 0.0) for _ in range(8)] == [0] * 6 + [10, 10]
    assert buckets.take(b"net", 4.0) == 6
    assert buckets.take(b"net", 10.0) == 0
    assert [buckets.take(b"net", 10_000.0) for _ in range(7)] == [0] * 6 + [10]


def test_what_is_given_back_never_overfills() -> None:
    buckets = UnknownBudget(per_minute=1)
    for _ in range(5):
        buckets.give_back(b"net", 0.0)
    assert [buckets.take(b"net", 0.0), buckets.take(b"net", 0.0)] == [0, 60]


def test_nobody_and_no_limit_always_have_a_token() -> None:
    assert [UnknownBudget(per_minute=1).take(b"", 0.0) for _ in range(3)] == [0] * 3
    assert [UnknownBudget(per_minute=0).take(b"net", 0.0) for _ in range(3)] == [0] * 3


def test_memory_is_bounded() -> None:
    buckets = UnknownBudget(per_minute=1)
    assert buckets.take(b"first", 0.0) == 0
    for number in range(budget.MAX_NETWORKS):
        buckets.take(b"%d" % number, 0.0)
    assert buckets.take(b"first", 0.0) == 0  # forgotten, so it starts afresh
    assert len(buckets) <= budget.MAX_NETWORKS


def test_networks() -> None:
    assert network_of(ip_address("192.0.2.77")) == b"\xc0\x00\x02"
    assert network_of(ip_address("2001:db8:1:2:3::4")) == bytes.fromhex("20010db800010002")
    assert network_of(None) == b""
