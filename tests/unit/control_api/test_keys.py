"""API keys: what they look like, what they allow, and when one is refused."""

import dataclasses
import re

import pytest

from control_api.access import keys
from control_api.access.keys import ApiKey, KeyFault, Scope

NOW = 1_700_000_000_000


def stored(text: str, **fields: object) -> ApiKey:
    prefix = keys.prefix_of(text)
    assert prefix is not None
    key = ApiKey(
        id="key_1",
        prefix=prefix,
        name="test",
        digest=keys.digest_of(text),
        scopes=frozenset({Scope.LINKS_READ}),
        created_at=NOW,
    )
    return dataclasses.replace(key, **fields)  # type: ignore[arg-type]


def test_a_key_names_the_service_a_prefix_and_256_bits() -> None:
    assert re.fullmatch(r"e302_[0-9A-Za-z]{8}_[0-9A-Za-z_-]{43}", keys.draw())


def test_no_two_keys_are_alike() -> None:
    assert len({keys.draw() for _ in range(1_000)}) == 1_000


def test_what_is_stored_does_not_hold_the_secret() -> None:
    text = keys.draw()
    assert text[-43:] not in repr(stored(text))


@pytest.mark.parametrize(
    "text",
    ["", "e302_", "e303_ABCDEFGH_" + "a" * 43, "e302_ABCDEFGH_" + "a" * 42, "e302_ABCDEFGH_" + "a" * 44,
     "e302_ABCDEFGÜ_" + "a" * 43, "e302_ABCDEFGH_" + "a" * 42 + "\n", "e302_ABCDEFGH_" + "a" * 43 + "\n"],
)  # fmt: skip
def test_other_spellings_are_no_key(text: str) -> None:
    assert keys.prefix_of(text) is None


def test_the_right_secret_is_accepted() -> None:
    text = keys.draw()
    assert keys.fault_of(stored(text), text, NOW) is None


def test_another_secret_with_the_same_prefix_is_not() -> None:
    text = keys.draw()
    assert keys.fault_of(stored(text), text[:-1] + ("A" if text[-1] != "A" else "B"), NOW) is KeyFault.INVALID


def test_a_key_expires_at_its_time_not_after() -> None:
    text = keys.draw()
    key = stored(text, expires_at=NOW + 1_000)
    assert keys.fault_of(key, text, NOW + 999) is None
    assert keys.fault_of(key, text, NOW + 1_000) is KeyFault.EXPIRED


def test_a_revoked_key_is_told_so_only_to_its_holder() -> None:
    text = keys.draw()
    key = stored(text, revoked_at=NOW)
    assert keys.fault_of(key, text, NOW) is KeyFault.REVOKED
    assert keys.fault_of(key, text[:-1] + ("A" if text[-1] != "A" else "B"), NOW) is KeyFault.INVALID


def test_a_scope_allows_itself_and_admin_allows_all() -> None:
    key = stored(keys.draw())
    assert key.allows(Scope.LINKS_READ)
    assert not key.allows(Scope.LINKS_WRITE)
    admin = dataclasses.replace(key, scopes=frozenset({Scope.ADMIN}))
    assert all(map(admin.allows, Scope))
