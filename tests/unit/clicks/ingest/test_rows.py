"""What an event must be to become a row."""

import msgspec
import pytest

from clicks.ingest.refusals import PLAIN
from clicks.ingest.rows import NotARow, row
from tests.store_contract.events.samples import event


def test_what_the_shipper_makes_is_a_row() -> None:
    click = event(1, visitor=str((1 << 64) - 1))
    assert msgspec.to_builtins(row(msgspec.json.encode(click))) == msgspec.to_builtins(click)
    assert row(PLAIN).seq == 1


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"v": 2}, "other-version"),
        ({"v": 0, "seq": 0}, "other-version"),
        ({"epoch": ""}, "not-an-event"),
        ({"epoch": "00112233445566778899aabbccddeeff"}, "not-an-event"),
        ({"epoch": "00112233-4455-6677-8899-AABBCCDDEEFF"}, "not-an-event"),
        ({"epoch": "00112233-4455-6677-8899-aabbccddeeff\n"}, "not-an-event"),
        ({"seq": 0}, "not-an-event"),
        ({"seq": 1 << 63}, "not-an-event"),
        ({"seq": "1"}, "not-an-event"),
        ({"time": -1}, "not-an-event"),
        ({"time": 5_000_000_000_000}, "not-an-event"),
        ({"clicks": 0}, "not-an-event"),
        ({"visitor": ""}, "not-an-event"),
        ({"visitor": str(1 << 64)}, "not-an-event"),
        ({"visitor": "12\n"}, "not-an-event"),
        ({"variant": -1}, "not-an-event"),
        ({"country": None}, "not-an-event"),
    ],
)
def test_what_is_no_row_is_told_why(fields: dict[str, object], kind: str) -> None:
    with pytest.raises(NotARow) as told:
        row(msgspec.json.encode(msgspec.to_builtins(event(1)) | fields))
    assert told.value.kind == kind


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff", b"[]x", b'{"v":1}{"v":1}', b'{"v":1,"code":"\xff"}'])
def test_what_is_no_json_is_told_so(value: bytes | None) -> None:
    with pytest.raises(NotARow) as told:
        row(value)
    assert told.value.kind in ("not-json", "not-an-event")


def test_fields_of_later_versions_do_no_harm() -> None:
    assert row(msgspec.json.encode(msgspec.to_builtins(event(1)) | {"weather": "rain"})).seq == 1
