"""The compiled part of the edge: its engine, the click spool's writer and reader, and the code codec."""

try:
    from redirect_core._core import (
        HEAD,
        PREFETCH,
        UNTRACKED,
        Connection,
        CountBatch,
        Engine,
        EventBatch,
        SpoolLocked,
        SpoolReader,
        SpoolWriter,
        Visitor,
        __version__,
        is_alias,
        pack_code,
        unpack_code,
    )
except ModuleNotFoundError as exc:
    raise ModuleNotFoundError(
        "the compiled module redirect_core._core is missing: build it with `make build`", name=exc.name
    ) from exc

__all__ = [
    "HEAD",
    "PREFETCH",
    "UNTRACKED",
    "Connection",
    "CountBatch",
    "Engine",
    "EventBatch",
    "SpoolLocked",
    "SpoolReader",
    "SpoolWriter",
    "Visitor",
    "__version__",
    "is_alias",
    "pack_code",
    "unpack_code",
]
