"""The spool through the bare extension: what is recorded is counted, and nothing personal is kept."""

import ipaddress
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_core import HEAD, PREFETCH, SpoolLocked, SpoolReader, SpoolWriter, Visitor

NOON_MS = 1_700_049_600_000
HOUR_MS = 3_600_000


class Click(NamedTuple):
    """The arguments of one `record`."""

    now_ms: int
    domain: bytes
    code: bytes
    variant: int
    flags: int
    visitor: tuple[bytes, bytes, bytes, bytes]


ADDRESSES = st.one_of(st.just(b""), st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
CLICKS = st.builds(
    Click,
    st.integers(0, 2**42),
    st.sampled_from([b"", b"go.example", b"x" * 255]) | st.binary(max_size=255),
    st.from_regex(rb"[0-9A-Za-z]{7}", fullmatch=True) | st.binary(min_size=1, max_size=64),
    st.integers(0, 255),
    st.sampled_from([0, HEAD, PREFETCH, HEAD | PREFETCH]),
    st.tuples(ADDRESSES, st.binary(max_size=600), st.binary(max_size=600), st.binary(max_size=100)),
)


def counts(reader: SpoolReader, watermarks: dict[bytes, int]) -> Counter[tuple[bytes, bytes, int, int, bytes]]:
    """All clicks after `watermarks`, which move on, by what is counted."""
    found: Counter[tuple[bytes, bytes, int, int, bytes]] = Counter()
    while batches := reader.read(watermarks, 7):
        for batch in batches:
            assert batch.lost == 0
            assert batch.after_seq == watermarks.get(batch.epoch, 0)
            watermarks[batch.epoch] = batch.last_seq
            for domain, code, hour_ms, flags, user_agent, clicks in batch.counts:
                found[domain, code, hour_ms, flags, batch.user_agents[user_agent]] += clicks
    return found


@settings(max_examples=50)
@given(st.lists(CLICKS, max_size=40))
def test_whatever_is_recorded_is_counted_exactly(clicks: list[Click]) -> None:
    with tempfile.TemporaryDirectory() as spool:
        writer = SpoolWriter(spool, 0, segment_bytes=4096)
        for click in clicks:
            assert writer.record(*click[:5], Visitor(*click.visitor))
        reader = SpoolReader(spool)
        watermarks: dict[bytes, int] = {}
        assert counts(reader, watermarks) == Counter(
            (click.domain, click.code, click.now_ms // HOUR_MS * HOUR_MS, click.flags, click.visitor[2][:512])
            for click in clicks
        )
        assert writer.spooled == writer.clicks == len(clicks)
        writer.close()
        reader.free(watermarks)
        assert reader.size() == (0, 0, 0)
        reader.close()


@given(st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16))
def test_an_address_is_cut_before_it_reaches_the_disk(address: bytes) -> None:
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    kept = 3 if len(address) == 4 or mapped else 6
    octets = mapped.packed if mapped else address
    with tempfile.TemporaryDirectory() as spool:
        writer = SpoolWriter(spool, 0, segment_bytes=4096)
        writer.record(NOON_MS, b"", b"abcdefg", 0, 0, Visitor(address, b"", b"", b""))
        written = recorded_visitor(spool)
        writer.close()
    assert written[8:14] == octets[:kept].ljust(6, b"\x00")


def test_a_visitors_hash_follows_the_days_salt(spool: Path, visitor: Visitor) -> None:
    day = NOON_MS // 86_400_000
    hashes = []
    for salts in ({day: b"a" * 16}, {day: b"a" * 16}, {day: b"b" * 16}, {day + 1: b"a" * 16}, {}):
        writer = SpoolWriter(str(spool), 0, segment_bytes=4096)
        writer.set_salts(salts)
        writer.record(NOON_MS, b"", b"abcdefg", 0, 0, visitor)
        hashes.append(recorded_visitor(str(spool))[:8])
        writer.close()
        SpoolReader(str(spool)).free({writer.epoch: 1})
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4


def recorded_visitor(spool: str) -> bytes:
    """The fixed part of the visitor in the first record of the one used segment."""
    (segment,) = (path for path in Path(spool).glob("*.seg") if any(path.read_bytes()[64:]))
    payload = segment.read_bytes()[128 + 8 :]
    return payload[24 + 6 :][:20]  # the code is packed


def test_a_second_reader_is_refused_until_the_first_closes(spool: Path) -> None:
    first = SpoolReader(str(spool))
    with pytest.raises(SpoolLocked):
        SpoolReader(str(spool))
    first.close()
    first.close()
    SpoolReader(str(spool)).close()
    with pytest.raises(ValueError, match="closed"):
        first.read({})


def test_a_closed_writer_records_nothing(spool: Path, visitor: Visitor) -> None:
    writer = SpoolWriter(str(spool), 0)
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.record(NOON_MS, b"", b"abcdefg", 0, 0, visitor)
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize(("domain", "code"), [(b"x" * 256, b"a"), (b"", b""), (b"", b"x" * 65)])
def test_what_fits_no_record_is_refused(spool: Path, visitor: Visitor, domain: bytes, code: bytes) -> None:
    writer = SpoolWriter(str(spool), 0, segment_bytes=4096)
    with pytest.raises(ValueError, match="bytes"):
        writer.record(NOON_MS, domain, code, 0, 0, visitor)
    assert (writer.spooled, writer.volatile, writer.dropped) == (0, 0, 0)
    writer.close()


def test_sizes_and_lengths_out_of_range_are_refused(spool: Path) -> None:
    with pytest.raises(ValueError, match="segment_bytes"):
        SpoolWriter(str(spool), 0, segment_bytes=100)
    with pytest.raises(ValueError, match="sync_every_ms"):
        SpoolWriter(str(spool), 0, sync_every_ms=0)
    with pytest.raises(ValueError, match="address"):
        Visitor(b"12345", b"", b"", b"")
    with pytest.raises(ValueError, match="truncate, drop, full"):
        Visitor(b"", b"", b"", b"", ip_privacy="none")
    writer = SpoolWriter(str(spool), 0, segment_bytes=4096)
    with pytest.raises(ValueError, match="salt"):
        writer.set_salts({0: b"short"})
    writer.close()
    with pytest.raises(ValueError, match="epoch"):
        SpoolReader(str(spool)).read({b"short": 1})


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="missing"):
        SpoolWriter(missing, 0)
    with pytest.raises(FileNotFoundError, match="missing"):
        SpoolReader(missing)


def test_segments_are_private_and_take_what_they_say(spool: Path, visitor: Visitor) -> None:
    writer = SpoolWriter(str(spool), 3, segment_bytes=1 << 20)
    writer.record(NOON_MS, b"", b"abcdefg", 0, 0, visitor)
    (segment,) = spool.glob("*.seg")
    assert segment.name == f"3-{writer.epoch.hex()}-00000000.seg"
    assert segment.stat().st_mode & 0o777 == 0o600
    assert segment.stat().st_blocks * 512 >= 1 << 20
    reader = SpoolReader(str(spool))
    size, segments, oldest_ms = reader.size()
    assert (size, segments) == (1 << 20, 1)
    assert oldest_ms > NOON_MS
    assert reader.epochs() == [writer.epoch]
    writer.close()
    reader.close()
