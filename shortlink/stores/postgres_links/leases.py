"""Leases: by the server's clock, so that no machine's own clock decides who holds one."""

from datetime import timedelta
from typing import Final

from shortlink.stores.postgres_database import PostgresDatabase

_TAKE: Final = (
    "INSERT INTO lease AS held (name, holder, term, until) VALUES ($1, $2, 1, clock_timestamp() + $3)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until,"
    " term = held.term + (held.holder <> excluded.holder OR held.until <= clock_timestamp())::int"
    " WHERE held.holder IN ('', excluded.holder) OR held.until <= clock_timestamp() RETURNING term"
)
_GIVE: Final = "UPDATE lease SET holder = '', until = clock_timestamp() WHERE name = $1 AND holder = $2"


async def take_lease(database: PostgresDatabase, name: str, holder: str, seconds: float) -> int | None:
    """As the contract's `take_lease`."""
    rows = await database.write(_TAKE, name, holder, timedelta(seconds=seconds))
    return rows[0][0] if rows else None


async def give_lease(database: PostgresDatabase, name: str, holder: str) -> None:
    """As the contract's `give_lease`."""
    await database.write(_GIVE, name, holder)
