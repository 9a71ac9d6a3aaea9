"""Clicks as rows of ids: asks dictionaries for what they have not met, and remembers the answers."""

from collections.abc import Callable, Generator, Sequence
from typing import Final, NamedTuple

from clicks.events.event import ClickEvent
from clicks.stores.event_tables import CLASS_NUMBERS, FACETS, day_of, key_of, signed

Entry = tuple[object, ...]  # what is one entry of a dictionary
LogRow = tuple[object, ...]  # in the order of LOG_COLUMNS

REMEMBERED: Final = 200_000  # entries a dictionary; past it, all are asked for anew


class Lookup(NamedTuple):
    """Entries of a dictionary whose ids are wanted, in the same order; those that it does not have are to be made.

    Attributes:
        keys: what they are found by.
        rows: their columns.
    """

    dictionary: str
    keys: Sequence[bytes]
    rows: Sequence[Entry]


Lookups = Generator[Lookup, Sequence[int], Sequence[LogRow]]


class KnownIds:
    """Ids of dictionaries' entries, remembered from one batch to the next."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[Entry, int]] = {}
        self._day = 0

    def forget(self) -> None:
        """After a transaction that may have failed, whose ids nobody has."""
        self._ids.clear()

    def rows(self, events: Sequence[ClickEvent], now_ms: int) -> Lookups:
        """The clicks as rows of the log."""
        self._begin(day_of(now_ms))
        domains = yield from self._find("domain", [(event.domain,) for event in events])
        domain_ids = self._ids["domain"]
        columns = [
            [event.time for event in events],
            (yield from self._find("origin", [(event.epoch, event.node, event.worker) for event in events])),
            [event.seq for event in events],
            domains,
            (
                yield from self._find(
                    "link",
                    [(event.domain, event.code) for event in events],
                    lambda entry: (domain_ids[entry[:1]], entry[1]),
                )
            ),
            [CLASS_NUMBERS[event.traffic] for event in events],
        ]
        for facet in FACETS:
            columns += [(yield from self._find(facet.name, list(map(_ENTRIES[facet.name], events))))]
        for texts in ([(event.user_agent,) for event in events], [(event.network,) for event in events]):
            columns += [(yield from self._find("text", texts, lambda entry: (*entry, self._day)))]
        columns += [[signed(event.visitor) for event in events], [event.clicks for event in events]]
        return list(zip(*columns, strict=True))

    def _begin(self, day: int) -> None:
        """Ask for texts once a day at least, so that their table knows that they are in use."""
        if day != self._day:
            self._day = day
            self._ids.pop("text", None)
        for dictionary, known in self._ids.items():
            if len(known) > REMEMBERED:
                self._ids[dictionary] = {}

    def _find(
        self, dictionary: str, entries: Sequence[Entry], row_of: Callable[[Entry], Entry] = lambda entry: entry
    ) -> Generator[Lookup, Sequence[int], Sequence[int]]:
        known = self._ids.setdefault(dictionary, {})
        if missing := [entry for entry in dict.fromkeys(entries) if entry not in known]:
            ids = yield Lookup(dictionary, [key_of(entry) for entry in missing], [row_of(entry) for entry in missing])
            known.update(zip(missing, ids, strict=True))
        return [known[entry] for entry in entries]


_ENTRIES: Final[dict[str, Callable[[ClickEvent], Entry]]] = {
    "agent": lambda event: (event.reason, event.browser, event.os, event.device),
    "place": lambda event: (event.country, event.city),
    "source": lambda event: (event.referrer, event.referrer_host),
    "language": lambda event: (event.language,),
    "campaign": lambda event: (
        str(event.variant),
        event.utm_source,
        event.utm_medium,
        event.utm_campaign,
        event.utm_term,
        event.utm_content,
    ),
}
