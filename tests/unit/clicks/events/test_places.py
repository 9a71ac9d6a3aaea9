"""Places, by MMDB files made here."""

import json
import logging
from pathlib import Path

import pytest

from clicks.events.places import NOWHERE, BadPlaces, Place, Places, PlacesFile, place_in
from tests.mmdb import KIND, write_places
from tests.store_contract.clicks.samples import ManualClock

BERLIN = {"country": {"iso_code": "DE"}, "city": {"names": {"de": "Berlin", "en": "Berlin"}}}
MUNICH = {"country": {"iso_code": "DE"}, "city": {"names": {"de": "München", "en": "Munich"}}}


def told(places: Places, network: bytes) -> tuple[str, str]:
    described = json.loads(b"{%s}" % places.now()(network))
    assert described["network"] == network.decode()
    return described["country"], described["city"]


def test_places_of_networks(tmp_path: Path) -> None:
    path = write_places(tmp_path / "city.mmdb", {"203.0.113.0/24": BERLIN, "2001:db8:1::/48": MUNICH})
    places = Places(path, ManualClock())
    assert told(places, b"203.0.113.0/24") == ("DE", "Berlin")
    assert told(places, b"203.0.113.77") == ("DE", "Berlin")
    assert told(places, b"2001:db8:1::/48") == ("DE", "Munich")
    assert told(places, b"198.51.100.0/24") == ("", "")
    assert told(places, b"") == ("", "")


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country": {"iso_code": "FR"}}, Place("FR", "")),
        ({"country": {"iso_code": "FR"}, "city": {"names": {"fr": "Genève"}}}, Place("FR", "")),
        ({"country": "us", "city": "Boston"}, Place("US", "Boston")),
        ({"country": "Japan", "country_code": "JP", "city": "Kyoto"}, Place("JP", "Kyoto")),
        ({"country": "Japan"}, Place("", "")),
        ({"country": {"iso_code": 7}, "city": {"names": ["x"]}}, NOWHERE),
        ({"country": None, "city": None}, NOWHERE),
        ({"city": {"names": {"en": "a\0\x1b[2J" + "b" * 200}}}, Place("", ("a\ufffd\ufffd[2J" + "b" * 200)[:128])),
        ("text", NOWHERE),
        (None, NOWHERE),
    ],
)
def test_layouts_of_entries(record: object, place: Place) -> None:
    assert place_in(record) == place


def test_without_a_file_there_are_no_places() -> None:
    assert told(Places(None, ManualClock()), b"203.0.113.0/24") == ("", "")


def test_a_file_that_changed_is_read_again_within_five_seconds(tmp_path: Path) -> None:
    path, clock = write_places(tmp_path / "city.mmdb", {"203.0.113.0/24": BERLIN}), ManualClock()
    places = Places(path, clock)
    assert told(places, b"203.0.113.0/24") == ("DE", "Berlin")
    write_places(path, {"203.0.113.0/24": MUNICH})
    clock.advance(4_999)
    assert told(places, b"203.0.113.0/24") == ("DE", "Berlin")
    clock.advance(1)
    assert told(places, b"203.0.113.0/24") == ("DE", "Munich")


def test_a_file_that_comes_later_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, clock = tmp_path / "city.mmdb", ManualClock()
    places = Places(path, clock)
    for _ in range(3):
        assert told(places, b"203.0.113.0/24") == ("", "")
        clock.advance(5_000)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "EDGE302_GEOIP_DB" in caplog.text
    write_places(path, {"203.0.113.0/24": BERLIN})
    assert told(places, b"203.0.113.0/24") == ("DE", "Berlin")


@pytest.mark.parametrize("content", [b"", b"x" * 1_000, b"\xab\xcd\xefMaxMind.com", b"<!DOCTYPE html>Log in first"])
def test_a_damaged_file_is_told_of_once_and_the_last_good_one_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path, clock = write_places(tmp_path / "city.mmdb", {"203.0.113.0/24": BERLIN}), ManualClock()
    places = Places(path, clock)
    told(places, b"203.0.113.0/24")
    path.write_bytes(content)  # in place: what was mapped of the file before is cut off
    for _ in range(3):
        clock.advance(5_000)
        assert told(places, b"203.0.113.0/24") == ("DE", "Berlin")
        assert told(places, b"203.0.113.%d" % (clock.ms % 200)) == ("DE", "Berlin")
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


def test_a_file_cut_off_anywhere_never_raises(tmp_path: Path) -> None:
    whole = write_places(tmp_path / "city.mmdb", {"203.0.113.0/24": BERLIN, "198.51.100.0/24": MUNICH}).read_bytes()
    part = tmp_path / "part.mmdb"
    for length in range(0, len(whole), 11):
        for content in (whole[:length], whole[:length] + b"\xff" * 7 + whole[length + 7 :]):
            part.write_bytes(content)
            try:
                file = PlacesFile(part)
            except BadPlaces:
                continue
            assert isinstance(file.place_of("203.0.113.0/24"), Place)
            assert isinstance(file.place_of("198.51.100.7"), Place)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadPlaces, match="can't be used"):
        PlacesFile(tmp_path)


def test_ipv6_is_nowhere_in_a_file_of_ipv4(tmp_path: Path) -> None:
    file = PlacesFile(write_places(tmp_path / "country.mmdb", {"203.0.113.0/24": BERLIN}, ip_version=4))
    assert file.place_of("203.0.113.0/24") == Place("DE", "Berlin")
    assert file.place_of("2001:db8:1::/48") == NOWHERE
    assert file.kind == KIND
