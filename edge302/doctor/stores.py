"""Are the databases whole?"""

import asyncio
from collections.abc import Iterator

from edge302.doctor.findings import Finding, fail, ok
from edge302.store_files import store_files
from shortlink.datadir import DataFolder
from shortlink.errors import StoreUnavailable
from shortlink.settings import Settings
from shortlink.stores.sqlite_file import SqliteFile


def check(settings: Settings) -> Iterator[Finding]:
    """The stores' findings; reads both files from end to end."""
    for store in store_files(DataFolder(settings.data)):
        yield _look(store)


def _look(store: SqliteFile) -> Finding:
    check = store.path.name
    if not store.path.exists():
        return ok(check, "not made yet")
    try:
        found = asyncio.run(store.integrity_check())
    except StoreUnavailable as exc:
        return fail(check, str(exc), "see what the message says; nothing was changed")
    if found:
        return fail(
            check, f"damaged: {found[0]}", "stop the node, keep a copy of the data folder, then `edge302 restore`"
        )
    return ok(check, f"whole ({store.path.stat().st_size >> 20:,} MiB)")
