"""Parts of statements for ClickHouse: which rows are meant, with the values beside the text, and sums over them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from clicks.counts import DAY_MS
from clicks.questions import Dimension, Question, Step
from clicks.stores.clickhouse_spans import Span
from shortlink.links import LinkKey

# What every table knows; values of the other dimensions are in `value_day` and in the clicks themselves.
OF_COUNTS: Final = frozenset({Dimension.CLASS, Dimension.DOMAIN, Dimension.CODE})
DAY_START: Final = f"toInt64(toUInt16(day)) * {DAY_MS}"  # in ms, of a column `day`
# Below ClickHouse's http_max_field_value_size of 128 KiB, quotes and escapes included.
_LINKS_BYTES: Final = 32 << 10
_LAST_SECOND: Final = (1 << 32) - 1  # of DateTime


@dataclass(slots=True)
class Meant:
    """Conditions that all hold, and the values in them, which never become a part of the text."""

    conditions: list[str] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)

    def add(self, condition: str, **values: object) -> None:
        self.conditions.append(condition)
        self.values |= values

    def __and__(self, other: "Meant") -> "Meant":
        return Meant(self.conditions + other.conditions, self.values | other.values)

    def __str__(self) -> str:
        return " AND ".join(self.conditions) or "true"


class Source(NamedTuple):
    """Rows of a table; `key`: what they are summed by, as an expression of its columns."""

    table: str
    key: str
    meant: Meant


def summed(sources: Sequence[Source]) -> str:
    """Clicks by key and class."""
    return (
        f"SELECT key, class, sum(clicks) AS n FROM {_union(sources, 'class, clicks')} GROUP BY key, class HAVING n != 0"
    )


def most_clicked(sources: Sequence[Source]) -> str:
    """The keys with most clicks, as Top orders them; as many as `limit`."""
    return (
        f"SELECT key, sum(clicks) AS n FROM {_union(sources, 'clicks')} GROUP BY key HAVING n != 0"
        " ORDER BY n DESC, key LIMIT {limit:UInt32}"
    )


def values_of(sources: Sequence[Source]) -> dict[str, object]:
    """The values that their conditions name."""
    return {name: value for source in sources for name, value in source.meant.values.items()}


def of_scope(question: Question) -> Meant:
    """Which links, domains and classes are meant: what can be asked of every table."""
    meant = Meant()
    meant.add("class IN {classes:Array(String)}", classes=sorted(question.classes))
    if question.domain is not None:
        meant.add("domain = {domain:String}", domain=question.domain)
    if question.links is not None:
        _add_links(meant, "links", question.links)
    for dimension, values in question.where.items():
        if dimension is Dimension.CODE:
            _add_links(meant, "codes", [link for value in values for link in links_told(value)])
        elif dimension in OF_COUNTS:
            _add_values(meant, dimension, told(dimension), values)
    return meant


def of_values(question: Question, column: str | None = None) -> Meant:
    """What is asked of the other dimensions. `column`: where the value is; None: each in the column of its name."""
    meant = Meant()
    for dimension, values in question.where.items():
        if dimension not in OF_COUNTS:
            _add_values(meant, dimension, column or told(dimension), values)
    return meant


def is_of_links(question: Question) -> bool:
    """True where single links are meant, rather than domains."""
    return question.links is not None or Dimension.CODE in question.where


def told(dimension: Dimension) -> str:
    """A dimension's value as text, from columns of that name."""
    if dimension is Dimension.CODE:
        return "concat(domain, '/', code)"
    return "toString(variant)" if dimension is Dimension.VARIANT else dimension.value


def links_told(value: str) -> list[LinkKey]:
    """The link that "domain/code" tells of; nothing has another form."""
    domain, slash, code = value.rpartition("/")
    return [LinkKey(domain, code)] if slash else []


def in_time(*spans: Span) -> Meant:
    """Clicks in one of these spans."""
    return _in_spans("time", "{%s:Int64}", spans)


def in_quarters(*spans: Span) -> Meant:
    """Quarters of an hour in one of these spans, which begin and end with one."""
    seconds = [Span(since_ms // 1_000, min(until_ms // 1_000, _LAST_SECOND)) for since_ms, until_ms in spans]
    return _in_spans("quarter", "toDateTime({%s:UInt32}, 'UTC')", seconds)


def in_days(*spans: Span, column: str = "day") -> Meant:
    """Days in one of these spans of whole ones; months, which are named by their first day, likewise."""
    days = [Span(since_ms // DAY_MS, until_ms // DAY_MS) for since_ms, until_ms in spans]
    return _in_spans(column, "toDate({%s:UInt16})", days)


def quarter_start(step: Step) -> str:
    """Start of the step that a quarter of an hour is in, in ms."""
    return f"intDiv(toInt64(toUnixTimestamp(quarter)) * 1000, {step:d}) * {step:d}"


def time_start(step: Step) -> str:
    """Start of the step that a click is in, in ms."""
    return f"intDiv(time, {step:d}) * {step:d}"


def _union(sources: Sequence[Source], columns: str) -> str:
    parts = (f"SELECT {source.key} AS key, {columns} FROM {source.table} WHERE {source.meant}" for source in sources)
    return f"({' UNION ALL '.join(parts)})"


def _in_spans(column: str, typed: str, spans: Sequence[Span]) -> Meant:
    meant = Meant()
    either = []
    for number, span in enumerate(spans):
        since, until = f"{column}_since_{number}", f"{column}_until_{number}"
        either.append(f"{column} >= {typed % since} AND {column} < {typed % until}")
        meant.values |= {since: span.since_ms, until: span.until_ms}
    meant.conditions.append(f"({' OR '.join(either) or 'false'})")
    return meant


def _add_values(meant: Meant, dimension: Dimension, column: str, values: Sequence[str]) -> None:
    name = f"of_{dimension.value}"
    meant.add(f"{column} IN {{{name}:Array(String)}}", **{name: list(values)})


def _add_links(meant: Meant, name: str, links: Sequence[LinkKey]) -> None:
    """In parameters of a size that the server takes."""
    parts = {f"{name}_{number}": part for number, part in enumerate(_parts(links))}
    lists = ", ".join(f"{{{part}:Array(Tuple(String, String))}}" for part in parts)
    joined = f"arrayConcat({lists})" if len(parts) > 1 else lists
    meant.add(f"(domain, code) IN {joined}" if parts else "false", **parts)


def _parts(links: Sequence[LinkKey]) -> list[list[tuple[str, str]]]:
    parts: list[list[tuple[str, str]]] = []
    size = _LINKS_BYTES
    for domain, code in links:
        size += len(domain) + len(code) + 10
        if size > _LINKS_BYTES:
            parts.append([])
            size = 0
        parts[-1].append((domain, code))
    return parts
