"""Files of links, line by line: good ones as the API's JSON, bad ones with number and reason."""

import io
from pathlib import Path

import msgspec
import pytest

from edge302.imports.lines import MAX_LINE_BYTES, BadLine, Line, UnreadableFile, format_of, read_lines


def ndjson(content: bytes) -> list[Line | BadLine]:
    return list(read_lines(io.BytesIO(content), "ndjson"))


def csv(content: bytes) -> list[Line | BadLine]:
    return list(read_lines(io.BytesIO(content), "csv"))


def links(lines: list[Line | BadLine]) -> list[tuple[int, object]]:
    return [(line.number, msgspec.json.decode(line.link)) for line in lines if isinstance(line, Line)]


def reasons(lines: list[Line | BadLine]) -> list[tuple[int, str]]:
    return [(line.number, line.reason) for line in lines if isinstance(line, BadLine)]


def test_an_ndjson_line_goes_on_unchanged() -> None:
    assert ndjson(b' {"alias":"a", "url":"x"} \r\n') == [
        Line(1, "a", b'{"alias":"a", "url":"x"}', '{"alias":"a", "url":"x"}')
    ]


def test_blank_lines_count_but_are_no_links() -> None:
    assert links(ndjson(b'\n{"url":"x"}\n\n{"url":"y"}')) == [(2, {"url": "x"}), (4, {"url": "y"})]


def test_the_mark_of_a_utf8_file_is_not_part_of_its_first_line() -> None:
    assert links(ndjson(b'\xef\xbb\xbf{"url":"x"}\n')) == [(1, {"url": "x"})]
    assert links(csv(b"\xef\xbb\xbfurl\nx\n")) == [(2, {"url": "x"})]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"url", "not JSON"),
        (b'{"url":"x"', "not JSON"),
        (b'["x"]', "not a JSON object"),
        (b'"x"', "not a JSON object"),
        (b'{"url":"\xff"}', "not UTF-8"),
        (b"\xff", "not UTF-8"),
        (b'{"url":' * 100_000, "not JSON"),
        (b'{"url":"x","idempotency_key":"mine"}', "idempotency_key is no field"),
        (b'{"url":"' + b"x" * MAX_LINE_BYTES + b'"}', "longer than"),
    ],
)
def test_a_bad_ndjson_line_is_told_and_the_next_one_is_read(line: bytes, reason: str) -> None:
    lines = ndjson(line + b'\n{"url":"y"}\n')
    assert [(number, text[: len(reason)]) for number, text in reasons(lines)] == [(1, reason)]
    assert links(lines) == [(2, {"url": "y"})]


def test_bytes_that_are_no_text_are_shown_escaped() -> None:
    (line,) = ndjson(b'{"url":"\xff"}\n')
    assert line.text == '{"url":"\\xff"}'


def test_a_csv_row_becomes_the_apis_json() -> None:
    assert links(csv(b"alias,url,tags,status\r\na,https://example.com/,x|y,301\r\n")) == [
        (2, {"alias": "a", "url": "https://example.com/", "tags": ["x", "y"], "status": 301})
    ]


def test_a_csv_row_over_two_lines_is_numbered_by_its_first() -> None:
    lines = csv(b'url,title\nx,"one\ntwo"\ny,three\n')
    assert links(lines) == [(2, {"url": "x", "title": "one\ntwo"}), (4, {"url": "y", "title": "three"})]
    assert lines[0].text == 'x,"one\ntwo"'


def test_a_quote_that_is_never_closed_costs_its_own_line_alone() -> None:
    lines = csv(b'url,title\nx,"open\ny,good\nz,"also good"\n')
    assert [number for number, _ in reasons(lines)] == [2]
    assert [number for number, _ in links(lines)] == [3, 4]


def test_a_quote_left_open_to_the_end_costs_its_own_line_alone() -> None:
    lines = csv(b'url\n"open\n' + b"https://example.com/\n" * 20_000)
    assert [number for number, _ in reasons(lines)] == [2]
    assert len(links(lines)) == 20_000


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"x", "1 cells, but the header names 2"),
        (b"x,y,z", "3 cells, but the header names 2"),
        (b"x,\xff", "not UTF-8"),
        (b'x,"y"z', "not CSV"),
    ],
)
def test_a_bad_csv_row_is_told_and_the_next_one_is_read(row: bytes, reason: str) -> None:
    lines = csv(b"url,title\n" + row + b"\ny,good\n")
    assert [(number, text[: len(reason)]) for number, text in reasons(lines)] == [(2, reason)]
    assert links(lines) == [(3, {"url": "y", "title": "good"})]


@pytest.mark.parametrize("header", [b"", b"alias,title\n", b"url,slug\n", b"url,url\n", b"https://example.com/,a\n"])
def test_a_csv_file_whose_header_is_none_is_refused_whole(header: bytes) -> None:
    with pytest.raises(UnreadableFile):
        csv(header)


def test_the_format_is_told_by_the_name() -> None:
    assert [format_of(Path(name)) for name in ("a.ndjson", "a.JSONL", "a.csv")] == ["ndjson", "ndjson", "csv"]
    with pytest.raises(UnreadableFile, match="--format"):
        format_of(Path("a.txt"))
