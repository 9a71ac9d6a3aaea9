"""Fields of a link in files: what an export writes, an import reads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge302.imports.fields import EXPORTED, exported, from_cells, join_tags, split_tags, to_cells

TAGS = st.lists(st.text(min_size=1), min_size=1)


@given(TAGS)
def test_tags_of_any_text_come_back_from_a_cell(tags: list[str]) -> None:
    assert split_tags(join_tags(tags)) == tags


@given(tags=TAGS, status=st.sampled_from([301, 302, 307]), enabled=st.booleans(), title=st.text(min_size=1))
def test_an_exported_link_comes_back_from_its_csv_row(tags: list[str], status: int, enabled: bool, title: str) -> None:
    link = exported(
        {
            "code": "a",
            "target": "https://example.com/",
            "status": status,
            "enabled": enabled,
            "tags": tags,
            "title": title,
        }
    )
    assert from_cells(EXPORTED, to_cells(link)) == link


def test_an_export_names_fields_as_an_import_wants_them_and_leaves_out_what_the_service_sets() -> None:
    link = {
        "code": "a", "short_url": "http://x/a", "target": "https://example.com/", "domain": "", "status": 302,
        "title": None, "tags": [], "enabled": True, "created_at": "2026-01-01T00:00:00Z", "version": "7",
    }  # fmt: skip
    assert exported(link) == {"alias": "a", "url": "https://example.com/", "status": 302, "enabled": True}


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("status", "301", 301),
        ("status", "3e2", "3e2"),
        ("status", "٣٠٢", "٣٠٢"),
        ("enabled", "TRUE", True),
        ("enabled", "no", False),
        ("enabled", "maybe", "maybe"),
        ("tags", "a|b", ["a", "b"]),
        ("title", "301", "301"),
    ],
)
def test_a_cell_becomes_what_its_field_needs_or_stays_text(name: str, cell: str, value: object) -> None:
    assert from_cells([name], [cell]) == {name: value}


def test_an_empty_cell_is_an_absent_field() -> None:
    assert from_cells(["url", "title"], ["https://example.com/", ""]) == {"url": "https://example.com/"}
