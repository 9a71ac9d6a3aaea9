"""Can the file of places be used, and is it of these days?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from clicks.events.places import BadPlaces, PlacesFile
from edge302.doctor.findings import Finding, ok, warn
from shortlink.clock import Clock
from shortlink.settings import Settings

_OLD_DAYS: Final = 90  # networks change hands: makers publish a new file each month or week


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """The findings on EDGE302_GEOIP_DB; none where it is not set."""
    if settings.geoip_db is None:
        return
    try:
        file = PlacesFile(settings.geoip_db)
    except BadPlaces as exc:
        # Not a failure: clicks are counted and stored all the same.
        yield warn(
            "places",
            f"{exc}; clicks are stored without places",
            "fetch an MMDB file of countries or cities (docs/operations.md says where), readable by the node's user",
        )
        return
    built = datetime.fromtimestamp(file.built_at_s, UTC)
    text = f"{file.kind} of {built:%Y-%m-%d}"
    if clock.now_ms() - file.built_at_s * 1_000 > _OLD_DAYS * 86_400_000:
        yield warn("places", f"{text}, over {_OLD_DAYS} days old", "fetch a newer file; it is read without a restart")
    else:
        yield ok("places", text)
