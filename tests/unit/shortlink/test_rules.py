"""What each field of a link must be."""

from typing import Any

import pytest
from msgspec.structs import replace

from shortlink.errors import InvalidLink
from shortlink.links import Idempotency, Link, NewLink
from shortlink.rules import MAX_TIME_MS, LinkRules

RULES = LinkRules(frozenset({"go.example"}), frozenset({"b.example"}))
URL = "https://example.com/"

LINK = Link(
    domain="",
    code="a",
    target=URL,
    not_before=100,
    expires_at=200,
    owner_key=None,
    created_at=0,
    updated_at=0,
    version=1,
)


def refused(**values: Any) -> tuple[str, str]:  # noqa: ANN401 (any field of a link)
    """Field and kind of the refusal, which a new link and a patch must share."""
    with pytest.raises(InvalidLink) as caught:
        RULES.new(**{"url": URL, **values})
    if "alias" not in values and "domain" not in values:
        with pytest.raises(InvalidLink) as patched:
            RULES.patch(values)
        assert (patched.value.field, patched.value.kind) == (caught.value.field, caught.value.kind)
    return caught.value.field, caught.value.kind


def test_a_url_is_enough() -> None:
    assert RULES.new(url="https://EXAMPLE.com") == NewLink(target=URL)


def test_every_field_is_taken() -> None:
    idempotency = Idempotency("scope", "key", b"f" * 32)
    assert RULES.new(
        url=URL,
        alias="my-alias",
        domain="b.example",
        status=308,
        cache_control='public, max-age=300, ext="a, \\"b\\""',
        not_before=1,
        expires_at=2,
        expired_target="https://example.com/gone",
        forward_query=True,
        title="Ünïcode",
        tags=["b", "a", "b"],
        enabled=False,
        owner_key="key",
        idempotency=idempotency,
    ) == NewLink(
        target=URL,
        code="my-alias",
        domain="b.example",
        status=308,
        cache_control='public, max-age=300, ext="a, \\"b\\""',
        not_before=1,
        expires_at=2,
        expired_target="https://example.com/gone",
        forward_query=True,
        title="Ünïcode",
        tags=("b", "a"),
        enabled=False,
        owner_key="key",
        idempotency=idempotency,
    )


def test_none_is_the_default() -> None:
    names = "alias domain status cache_control not_before expires_at max_visits expired_target password forward_query"
    assert RULES.new(url=URL, **dict.fromkeys([*names.split(), "rules", "title", "tags", "enabled"])) == NewLink(
        target=URL
    )


@pytest.mark.parametrize("field", ["password", "max_visits", "rules"])
@pytest.mark.parametrize("value", ["", "x", 0, 1, [], {}])
def test_what_the_edge_does_not_enforce_is_refused(field: str, value: object) -> None:
    assert refused(**{field: value}) == (field, "not-yet-supported")


def test_targets_are_checked_under_their_own_names() -> None:
    assert refused(url="javascript:x") == ("url", "target-scheme")
    assert refused(url="https://go.example/x") == ("url", "own-domain")
    assert refused(expired_target="ftp://example.com/") == ("expired_target", "target-scheme")


def test_aliases_and_domains_are_checked() -> None:
    assert refused(alias="a b") == ("alias", "alias-invalid")
    assert refused(alias="api") == ("alias", "alias-reserved")
    assert refused(domain="c.example") == ("domain", "unknown-domain")
    assert RULES.new(url=URL, domain="").domain == ""


@pytest.mark.parametrize("status", [0, 200, 300, 304, 305, 306, 309, 404])
def test_only_redirects_are_a_status(status: int) -> None:
    assert refused(status=status) == ("status", "status-invalid")


@pytest.mark.parametrize(
    "value",
    ["", ",", "a,", "a=", "a = b", "max-age=1\r\nX: y", "a;b", 'a="b', "a=ü", "a\t", "a" * 201, "a b", 'x="a\tb"'],
)
def test_what_is_no_cache_control_is_refused(value: str) -> None:
    assert refused(cache_control=value) == ("cache_control", "cache-control-invalid")


def test_a_long_cache_control_is_refused_quickly() -> None:
    assert refused(cache_control="a , " * 50_000) == ("cache_control", "cache-control-invalid")
    assert refused(cache_control="a" + " " * 198 + "!") == ("cache_control", "cache-control-invalid")


@pytest.mark.parametrize("field", ["not_before", "expires_at"])
@pytest.mark.parametrize("value", [-1, MAX_TIME_MS + 1, 2**70])
def test_times_are_in_years_of_four_digits(field: str, value: int) -> None:
    assert refused(**{field: value}) == (field, "time-out-of-range")


@pytest.mark.parametrize(("not_before", "expires_at"), [(2, 1), (1, 1)])
def test_a_link_must_have_a_time_to_lead_somewhere(not_before: int, expires_at: int) -> None:
    assert refused(not_before=not_before, expires_at=expires_at) == ("expires_at", "times-reversed")


def test_a_link_may_be_past_its_time_already() -> None:
    assert RULES.new(url=URL, expires_at=0).expires_at == 0


@pytest.mark.parametrize("title", ["a\nb", "\x00", "\x7f", "\x85", "\u2028", "\ud800", "x" * 513])
def test_titles_are_one_line(title: str) -> None:
    assert refused(title=title) == ("title", "title-invalid")


@pytest.mark.parametrize("tags", [[""], ["a,b"], ["x" * 65], ["a\n"], ["\ud800"], [str(n) for n in range(33)]])
def test_tags_are_short_words(tags: list[str]) -> None:
    assert refused(tags=tags) == ("tags", "tags-invalid")


def test_equal_tags_count_once() -> None:
    assert len(RULES.new(url=URL, tags=["a"] * 100).tags) == 1


def test_a_patch_names_the_links_own_fields() -> None:
    assert RULES.patch({"url": "https://EXAMPLE.com", "title": "t", "tags": ["a", "a"], "enabled": False}).values == {
        "target": URL,
        "title": "t",
        "tags": ("a",),
        "enabled": False,
    }


def test_none_in_a_patch_is_the_default() -> None:
    names = (
        "status cache_control not_before expires_at max_visits expired_target password forward_query rules title tags"
    )
    patch = RULES.patch(dict.fromkeys([*names.split(), "enabled"]))
    assert replace(LINK, **patch.values) == replace(LINK, not_before=None, expires_at=None)
    with pytest.raises(InvalidLink) as caught:
        RULES.patch({"url": None})
    assert (caught.value.field, caught.value.kind) == ("url", "required")


@pytest.mark.parametrize("field", ["alias", "domain", "code", "created_at", "version", "target"])
def test_a_patch_can_not_change_what_names_the_link(field: str) -> None:
    with pytest.raises(InvalidLink) as caught:
        RULES.patch({field: "x"})
    assert (caught.value.field, caught.value.kind) == (field, "not-changeable")


@pytest.mark.parametrize("values", [{"not_before": 200}, {"expires_at": 100}, {"not_before": 5, "expires_at": 4}])
def test_a_patch_keeps_the_times_in_order(values: dict[str, int]) -> None:
    with pytest.raises(InvalidLink) as caught:
        RULES.patch(values, LINK)
    assert caught.value.kind == "times-reversed"


def test_a_patch_may_open_what_a_time_closed() -> None:
    assert RULES.patch({"not_before": 300, "expires_at": None}, LINK).values == {"not_before": 300, "expires_at": None}
