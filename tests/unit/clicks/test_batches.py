"""What the reader has aggregated, as counts by class."""

from clicks.batches import by_class
from clicks.counts import CountKey, TrafficClass
from redirect_core._core import HEAD
from tests.store_contract.clicks.samples import NOON_MS, count_key

FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SAFARI = b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15"


def test_user_agents_of_one_class_are_added_up() -> None:
    read = [(b"", b"abcdefg", NOON_MS, 0, 0, 2), (b"", b"abcdefg", NOON_MS, 0, 1, 3)]
    assert by_class(read, [FIREFOX, SAFARI]) == {count_key("abcdefg"): 5}


def test_flags_are_judged_beside_the_user_agent() -> None:
    read = [(b"", b"abcdefg", NOON_MS, 0, 0, 2), (b"", b"abcdefg", NOON_MS, HEAD, 0, 3)]
    assert by_class(read, [FIREFOX]) == {
        count_key("abcdefg"): 2,
        count_key("abcdefg", traffic=TrafficClass.HEAD): 3,
    }


def test_domains_codes_and_hours_stay_apart() -> None:
    read = [
        (b"", b"abcdefg", NOON_MS, 0, 0, 1),
        (b"go.example.com", b"abcdefg", NOON_MS, 0, 0, 2),
        (b"", b"an-alias", NOON_MS + 3_600_000, 0, 0, 4),
    ]
    assert by_class(read, [FIREFOX]) == {
        CountKey("", "abcdefg", NOON_MS, TrafficClass.HUMAN): 1,
        CountKey("go.example.com", "abcdefg", NOON_MS, TrafficClass.HUMAN): 2,
        CountKey("", "an-alias", NOON_MS + 3_600_000, TrafficClass.HUMAN): 4,
    }


def test_nothing_read_is_nothing_counted() -> None:
    assert by_class([], []) == {}
