"""Single clicks that an older release has spooled are read by this one."""

import shutil
from pathlib import Path
from typing import Final

from redirect_core import HEAD, PREFETCH, SpoolReader

# Of format version 1: redirect_core/tests/old_segments.rs says what is in it.
SEGMENT: Final = next((Path(__file__).parents[3] / "redirect_core/tests/data").glob("*.seg"))


def test_clicks_of_version_1_keep_what_was_known_of_their_visitors(tmp_path: Path) -> None:
    shutil.copy(SEGMENT, tmp_path)
    reader = SpoolReader(str(tmp_path))
    (batch,) = reader.read_events({})
    reader.close()
    assert (batch.worker, batch.records, batch.last_seq) == (3, 3, 3)
    assert sorted(batch.agents) == [(b"", PREFETCH), (b"Firefox", 0), (b"curl/8", HEAD)]
    assert sorted(batch.networks) == [b"", b"2001:db8:1::/48", b"203.0.113.0/24"]
    assert sorted(batch.referrers) == [b"", b"https://example.com/"]
    assert sorted(batch.languages) == [b"", b"de", b"en"]
    assert sorted(batch.links) == [(b"", b"abcdefg"), (b"go.example", b"spring-sale")]
