"""API keys in the PostgreSQL database that holds the links."""

from collections.abc import Mapping, Sequence
from typing import Final

from control_api.access.keys import ApiKey, Scope
from shortlink.stores.postgres_database import PostgresDatabase

_COLUMNS: Final = "id, prefix, name, hash, scopes, created_at, expires_at, revoked_at, last_used_at"
_ADD: Final = f"INSERT INTO api_key ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608 - a constant
_REVOKE: Final = "UPDATE api_key SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING id"
# In one order, so that two control planes never wait for each other; the latest use of all is the one that counts.
_TOUCH: Final = (
    "UPDATE api_key SET last_used_at = greatest(last_used_at, used.at_ms)"
    " FROM (SELECT * FROM unnest($1::text[], $2::bigint[]) AS used(id, at_ms) ORDER BY id) used"
    " WHERE api_key.id = used.id"
)


class PostgresKeyStore:
    """A KeyStore; any number of control planes share it."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def all(self) -> Sequence[ApiKey]:
        rows = await self._database.fetch(f"SELECT {_COLUMNS} FROM api_key ORDER BY created_at, id")  # noqa: S608
        return [
            ApiKey(
                id=row["id"],
                prefix=row["prefix"],
                name=row["name"],
                digest=row["hash"],
                scopes=frozenset(map(Scope, row["scopes"].split())),
                created_at=row["created_at"],
                expires_at=row["expires_at"],
                revoked_at=row["revoked_at"],
                last_used_at=row["last_used_at"],
            )
            for row in rows
        ]

    async def add(self, key: ApiKey) -> None:
        scopes = " ".join(sorted(key.scopes))
        times = (key.created_at, key.expires_at, key.revoked_at, key.last_used_at)
        await self._database.write(_ADD, key.id, key.prefix, key.name, key.digest, scopes, *times)

    async def revoke(self, key_id: str, now_ms: int) -> bool:
        return bool(await self._database.write(_REVOKE, key_id, now_ms))

    async def touch(self, used_ms: Mapping[str, int]) -> None:
        await self._database.write(_TOUCH, list(used_ms), list(used_ms.values()))
