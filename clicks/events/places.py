"""Where a click came from: country and city by the network, from the operator's MMDB file."""

import logging
import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import maxminddb

from clicks.events.texts import members, without_controls
from shortlink.clock import Clock
from shortlink.errors import Edge302Error

LOOKED_AT_EVERY_SECONDS: Final = 5.0
MAX_CITY: Final = 128  # characters
REMEMBERED: Final = 65_536  # networks, some 300 bytes each

_log: Final = logging.getLogger(__name__)


class Place(NamedTuple):
    """`country`: ISO 3166-1 alpha-2; `city`: in English; empty: not known."""

    country: str
    city: str


NOWHERE: Final = Place("", "")
DescribeNetwork = Callable[[bytes], bytes]


class BadPlaces(Edge302Error):
    """The file can't be used; the text says which and why."""


class PlacesFile:
    """One state of an MMDB file of countries or cities, such as GeoLite2's, DB-IP's, IP2Location's or IPinfo's."""

    def __init__(self, path: Path) -> None:
        """BadPlaces: the file is missing, unreadable or no MMDB file."""
        self._path = path
        self._broken = False
        try:
            self._reader = _open_copy(path)
            self._reader.get("2001:db8::" if self._reader.metadata().ip_version == 6 else "192.0.2.0")
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as exc:
            raise BadPlaces(f"{path} can't be used: {exc}") from exc

    @property
    def kind(self) -> str:
        """What its maker calls it, such as "GeoLite2-City"."""
        return self._reader.metadata().database_type

    @property
    def built_at_s(self) -> int:
        """When it was made, in seconds since the Unix epoch."""
        return self._reader.metadata().build_epoch

    def place_of(self, network: str) -> Place:
        """The place of the network's first address; of none where the file doesn't know it. Never raises."""
        try:
            return place_in(self._reader.get(network.partition("/")[0]))
        except ValueError:  # no address, or IPv6 in a file of IPv4
            return NOWHERE
        except maxminddb.InvalidDatabaseError as exc:
            if not self._broken:
                _log.error("%s is damaged, and some places are not told: %s; fetch it anew", self._path, exc)
            self._broken = True
            return NOWHERE


def _open_copy(path: Path) -> maxminddb.Reader:
    """The reader maps its file into memory, and would take the process with it when the file is cut off in place, as
    a download over it does. So it has a copy to itself, without a name and gone when the reader is."""
    with path.open("rb") as source, tempfile.NamedTemporaryFile(prefix="edge302-", suffix=".mmdb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        return maxminddb.open_database(copy.name)


def place_in(record: object) -> Place:
    """The place that an entry tells of, in either of two layouts: MaxMind's, which DB-IP and IP2Location follow, or
    the flat one of IPinfo and iplocate."""
    if not isinstance(record, dict):
        return NOWHERE
    country, city = record.get("country"), record.get("city")
    code = country.get("iso_code") if isinstance(country, dict) else record.get("country_code", country)
    names = city.get("names") if isinstance(city, dict) else {"en": city}
    name = names.get("en") if isinstance(names, dict) else None
    return Place(
        code.upper() if isinstance(code, str) and _COUNTRY.fullmatch(code) else "",
        without_controls(name)[:MAX_CITY] if isinstance(name, str) else "",
    )


_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")


class Places:
    """The file as it is now: read again when it has changed, which is looked for every few seconds.

    Where it can't be used, it says so in the log once a change, and the places of its last good state are told; of
    none when there was none.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """`path` None: no places are told."""
        self._path = path
        self._clock = clock
        self._look_at = clock.monotonic()
        self._seen: tuple[int, int, int] | None = None
        self._known = _describing(_nowhere)
        self._missing = False
        self._looking = threading.Lock()

    def now(self) -> DescribeNetwork:
        """What makes `network`, `country` and `city` as JSON members of a network. May read the file; any thread."""
        with self._looking:
            if self._path is not None and self._clock.monotonic() >= self._look_at:
                self._look_at = self._clock.monotonic() + LOOKED_AT_EVERY_SECONDS
                self._look(self._path)
            return self._known

    def _look(self, path: Path) -> None:
        try:
            state = path.stat()
        except OSError as exc:
            if not self._missing:
                _log.error("%s", _advice(f"{path} can't be used: {exc.strerror}"))
            self._missing, self._seen = True, None
            return
        seen, self._missing = (state.st_ino, state.st_mtime_ns, state.st_size), False
        if seen != self._seen:
            self._seen = seen
            self._load(path)

    def _load(self, path: Path) -> None:
        try:
            file = PlacesFile(path)
        except BadPlaces as exc:
            _log.error("%s", _advice(str(exc)))
            return
        self._known = _describing(file.place_of)
        _log.info("places are told by %s (%s)", path, file.kind)


def _advice(trouble: str) -> str:
    return f"{trouble}; clicks go without new places until EDGE302_GEOIP_DB names a sound MMDB file"


def _nowhere(network: str) -> Place:
    return NOWHERE


def _describing(place_of: Callable[[str], Place]) -> DescribeNetwork:
    """With a memory of its own, so that another state of the file starts with an empty one."""

    @lru_cache(REMEMBERED)
    def describe(network: bytes) -> bytes:
        text = network.decode("ascii", "replace")
        country, city = place_of(text)
        return members({"network": text, "country": country, "city": city})

    return describe
