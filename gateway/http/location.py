"""A visitor's query, added to the target of a link that forwards it."""


def with_query(target: bytes, query: bytes) -> bytes:
    """`target` with `query` behind its own query and before its fragment; an empty one adds nothing."""
    if not query:
        return target
    base, hash_sign, fragment = target.partition(b"#")
    return base + _joint(base) + query + hash_sign + fragment


def _joint(base: bytes) -> bytes:
    if b"?" not in base:
        return b"?"
    return b"" if base.endswith((b"?", b"&")) else b"&"
