"""What a question is about, in the ids of the tables: scopes, classes, and values of one facet or more."""

# ruff: noqa: S608 (statements are put together from words of these files; values are parameters)

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from clicks.counts import DAY_MS
from clicks.questions import QUARTER_MS, Covered, Dimension, Question
from clicks.stores.event_tables import BLOCK_DAYS, CLASS_NUMBERS, FACET_OF, LINK_NUMBER, SERVICE, Facet, key_of
from clicks.stores.event_upkeep import Ask, Steps
from clicks.stores.rows import CLASSES
from shortlink.links import LinkKey

EVERY_CLASS: Final = len(CLASSES)


@dataclass(frozen=True, slots=True)
class Meant:
    """A question that has ids.

    Attributes:
        since_ms, until_ms: as the question's.
        column: what of the log chooses the scopes' clicks: "link", "domain", or "" for all.
        ids: of these links or domains.
        classes: by their numbers.
        where: values by dimension, of each facet that is filtered by.
    """

    since_ms: int
    until_ms: int
    column: str
    ids: Sequence[int]
    classes: Sequence[int]
    where: Mapping[Facet, Mapping[Dimension, Sequence[str]]]

    @property
    def scopes(self) -> Sequence[int]:
        if not self.column:
            return (SERVICE,)
        return self.ids if self.column == "link" else [-number for number in self.ids]

    @property
    def nothing(self) -> bool:
        """Whether no click can be meant."""
        return not self.classes or (bool(self.column) and not self.ids) or self.since_ms >= self.until_ms

    def covered(self) -> Covered:
        return Covered(self.since_ms, max(self.since_ms, self.until_ms))

    def within(self, since_ms: int, until_ms: int) -> "Meant":
        return replace(self, since_ms=since_ms, until_ms=until_ms)

    def split(self) -> tuple["Meant", "Meant", "Meant"]:
        """The time in whole UTC days, with what is over before and after; each may be nothing."""
        first, end = -(-self.since_ms // DAY_MS) * DAY_MS, self.until_ms // DAY_MS * DAY_MS
        if first >= end:
            return self, self.within(first, first), self.within(first, first)
        return self.within(self.since_ms, first), self.within(first, end), self.within(end, self.until_ms)

    def by_whole_days(self) -> "Meant":
        if self.since_ms >= self.until_ms:
            return self
        return self.within(self.since_ms // DAY_MS * DAY_MS, -(-self.until_ms // DAY_MS) * DAY_MS)


def meant(question: Question) -> Steps[Meant]:
    """Look up what the question names; what nobody ever clicked has no id and no clicks."""
    domains, keys, classes = _asked_domains(question), _asked_links(question), set(question.classes)
    where: dict[Facet, dict[Dimension, Sequence[str]]] = defaultdict(dict)
    for dimension, values in question.where.items():
        if dimension is Dimension.CLASS:
            classes = {traffic for traffic in classes if traffic.value in values}
        elif dimension in FACET_OF:
            where[FACET_OF[dimension]][dimension] = list(values)
    column, ids = "", list[int]()
    if keys is not None:
        wanted = [key_of(key) for key in keys if domains is None or key.domain in domains]
        column, ids = "link", (yield from _ids("event_link", wanted))
    elif domains is not None:
        column, ids = "domain", (yield from _ids("event_domain", [key_of((domain,)) for domain in domains]))
    numbers = sorted(CLASS_NUMBERS[traffic] for traffic in classes)
    return Meant(question.since_ms, question.until_ms, column, ids, numbers, where)


def _asked_domains(question: Question) -> set[str] | None:
    domains = None if question.domain is None else {question.domain}
    if (values := question.where.get(Dimension.DOMAIN)) is not None:
        domains = set(values) if domains is None else domains & set(values)
    return domains


def _asked_links(question: Question) -> set[LinkKey] | None:
    keys = None if question.links is None else {LinkKey(*key) for key in question.links}
    if (values := question.where.get(Dimension.CODE)) is not None:
        named = {LinkKey(domain, code) for domain, _, code in (value.rpartition("/") for value in values)}
        keys = named if keys is None else keys & named
    return keys


def _ids(table: str, keys: Iterable[bytes]) -> Steps[list[int]]:
    found = yield Ask(f"SELECT id FROM {table} WHERE key = ANY($1)", (list(keys),))
    return sorted(number for (number,) in found)


class Sql:
    """Writes parts of statements and gathers their parameters."""

    def __init__(self) -> None:
        self._parameters: list[object] = []

    def ask(self, sql: str) -> Ask:
        return Ask(sql, tuple(self._parameters))

    def put(self, value: object) -> str:
        self._parameters.append(value)
        return f"${len(self._parameters)}"

    def one_of(self, column: str, values: Sequence[object]) -> str:
        return f"{column} = {self.put(values[0])}" if len(values) == 1 else f"{column} = ANY({self.put(list(values))})"

    def classes(self, asked: Meant, prefix: str = "") -> str:
        # Few and our own, so they stand in the text: planners know then how many they are.
        return (
            "true" if len(asked.classes) == EVERY_CLASS else f"{prefix}class IN ({', '.join(map(str, asked.classes))})"
        )

    def values(self, column: str, facet: Facet, chosen: Mapping[Dimension, Sequence[str]]) -> str:
        matches = " AND ".join(f"{dimension} = ANY({self.put(values)})" for dimension, values in chosen.items())
        return f"{column} IN (SELECT id FROM {facet.table} WHERE {matches})"

    def log(self, asked: Meant, prefix: str = "") -> str:
        """Which clicks of the log are meant; `prefix`: what its columns are told from others' by."""
        parts = [
            f"{prefix}time >= {self.put(asked.since_ms)}",
            f"{prefix}time < {self.put(asked.until_ms)}",
            self.classes(asked, prefix),
        ]
        if asked.column:
            parts.append(self.one_of(prefix + asked.column, asked.ids))
        parts += [self.values(prefix + facet.name, facet, chosen) for facet, chosen in asked.where.items()]
        return " AND ".join(parts)

    def tail(self, asked: Meant) -> str:
        """Those of them that are not in the sums yet, with FROM."""
        return f"FROM {TAIL} WHERE id > (SELECT rolled FROM event_state) AND {self.log(asked)}"

    def quarters(self, asked: Meant) -> str:
        """Rows (scope, time, class, clicks): the sums by quarter, and the tail."""
        return f"{self._quarters(asked)} UNION ALL {self._tail(asked)}"

    def sums(self, asked: Meant, *, by_day: bool = False, tail: bool = True) -> str:
        """The same rows, many fewer: whole days are summed up, and nobody may ask for a time within them.

        Of the facets' sums, those with fewest rows are added up: a link has few campaigns, and visitors few languages.

        `by_day`: their times are in the right day; else they are in none. `tail`: what the sums do not have yet.
        """
        before, days, after = asked.split()
        parts = [self._quarters(edge) for edge in (before, after) if not edge.nothing]
        if not days.nothing:
            facet = FACET_OF[Dimension.UTM_CAMPAIGN if asked.column == "link" else Dimension.LANGUAGE]
            rows = self._days(days, facet, by_day=by_day)
            parts.append(f"SELECT scope, period * CAST({DAY_MS} AS bigint) AS time, class, clicks FROM ({rows}) AS w")
        return " UNION ALL ".join([*parts, *([self._tail(asked)] if tail else [])])

    def days(self, asked: Meant, facet: Facet, *, by_day: bool = False) -> str:
        """Rows (scope, period, class, value, clicks) of whole days: the sums of a facet, and the tail.

        `by_day`: periods are days alone; else they are of any length.
        """
        return f"""{self._days(asked, facet, by_day=by_day)}
            UNION ALL SELECT {_scope_of(asked)}, time / {DAY_MS}, class, {facet.name}, clicks {self.tail(asked)}"""

    def links(self, asked: Meant) -> str:
        """Rows (link, clicks) of whole days: the service's sums by link, and the tail."""
        first, end = asked.since_ms // DAY_MS, asked.until_ms // DAY_MS
        domain = "true"
        if asked.column:
            domain = f"value IN (SELECT id FROM event_link WHERE {self.one_of('domain', asked.ids)})"
        return f"""SELECT value AS link, clicks FROM event_day WHERE scope = {SERVICE} AND facet = {LINK_NUMBER}
            AND period >= {self.put(first)} AND period < {self.put(end)} AND {self.classes(asked)} AND {domain}
            UNION ALL SELECT link, clicks {self.tail(asked)}"""

    def _quarters(self, asked: Meant) -> str:
        scopes = self.one_of("scope", asked.scopes)
        first, end = self.put(asked.since_ms // QUARTER_MS), self.put(asked.until_ms // QUARTER_MS)
        return f"""SELECT scope, quarter * CAST({QUARTER_MS} AS bigint) AS time, class, clicks FROM event_quarter
            WHERE {scopes} AND quarter >= {first} AND quarter < {end} AND {self.classes(asked)}"""

    def _days(self, asked: Meant, facet: Facet, *, by_day: bool) -> str:
        chosen = asked.where.get(facet)
        values = "true" if chosen is None else self.values("value", facet, chosen)
        return " UNION ALL ".join(
            f"""SELECT scope, period, class, value, clicks FROM event_day WHERE {self.one_of("scope", asked.scopes)}
            AND facet = {facet.number} AND period >= {self.put(first)} AND period < {self.put(end)}
            AND {self.classes(asked)} AND {values}"""
            for first, end in periods(asked, blocks=asked.column != "link" and not by_day)
        )

    def _tail(self, asked: Meant) -> str:
        return f"SELECT {_scope_of(asked)} AS scope, time, class, clicks {self.tail(asked)}"


# SQLite would rather read all of a link's clicks than the few that came last.
TAIL: Final = "event_log /* by id */"


def periods(asked: Meant, *, blocks: bool) -> list[tuple[int, int]]:
    """Ranges [first, end) of periods that make up whole days, long ones where there are some."""
    first, end = asked.since_ms // DAY_MS, asked.until_ms // DAY_MS
    whole_first, whole_end = -(-first // BLOCK_DAYS), end // BLOCK_DAYS
    if not blocks or whole_first >= whole_end:
        return [(first, end)]
    # Blocks are numbered downwards from -1.
    ranges = [(first, whole_first * BLOCK_DAYS), (-whole_end, -whole_first), (whole_end * BLOCK_DAYS, end)]
    return [(start, stop) for start, stop in ranges if start < stop]


def _scope_of(asked: Meant) -> str:
    return {"": str(SERVICE), "domain": "-domain", "link": "link"}[asked.column]
