"""Links and copies for tests of the shared cache."""

from shortlink.cache.contract import Copy
from shortlink.links import Link, LinkKey

KEY = LinkKey("", "abc1234")


def link(version: int, key: LinkKey = KEY, target: str = "https://example.com/") -> Link:
    return Link(
        domain=key.domain,
        code=key.code,
        target=target,
        owner_key=None,
        created_at=1,
        updated_at=1,
        version=version,
        tags=("ö",),
        title="Ünïcode",
    )


def copy(version: int, *, removed: bool = False, key: LinkKey = KEY) -> Copy:
    return Copy(version, None if removed else link(version, key), 1_700_000_000_000)
