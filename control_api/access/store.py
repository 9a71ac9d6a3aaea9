"""Where API keys are kept: the interface, and the SQLite table beside the links."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from control_api.access.keys import ApiKey, Scope
from shortlink.stores.sqlite_file import Connection, SqliteFile


class KeyStore(Protocol):
    """A store of API keys. Every method raises StoreUnavailable when the store can't answer."""

    async def all(self) -> Sequence[ApiKey]:
        """Every key ever made, revoked ones included, oldest first."""
        ...

    async def add(self, key: ApiKey) -> None:
        """Store a key durably."""
        ...

    async def revoke(self, key_id: str, now_ms: int) -> bool:
        """Make a key useless for good, durably; an earlier revocation keeps its time. False: no such key."""
        ...

    async def touch(self, used_ms: Mapping[str, int]) -> None:
        """Note when keys were last used, by id."""
        ...


class SqliteKeyStore:
    """Keys in the table `api_key` of the links' database, through its one writer."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    async def all(self) -> Sequence[ApiKey]:
        return await self._file.read(_select)

    async def add(self, key: ApiKey) -> None:
        await self._file.write(lambda connection: _insert(connection, key))

    async def revoke(self, key_id: str, now_ms: int) -> bool:
        return await self._file.write(lambda connection: _revoke(connection, key_id, now_ms))

    async def touch(self, used_ms: Mapping[str, int]) -> None:
        rows = [(used, key_id) for key_id, used in used_ms.items()]
        await self._file.write(lambda connection: _touch(connection, rows))


_COLUMNS = "id, prefix, name, hash, scopes, created_at, expires_at, revoked_at, last_used_at"


def _select(connection: Connection) -> list[ApiKey]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM api_key ORDER BY created_at, id")  # noqa: S608 - a constant
    return [
        ApiKey(
            id=key_id,
            prefix=prefix,
            name=name,
            digest=digest,
            scopes=frozenset(map(Scope, scopes.split())),
            created_at=created_at,
            expires_at=expires_at,
            revoked_at=revoked_at,
            last_used_at=last_used_at,
        )
        for key_id, prefix, name, digest, scopes, created_at, expires_at, revoked_at, last_used_at in rows
    ]


def _insert(connection: Connection, key: ApiKey) -> None:
    connection.execute(
        f"INSERT INTO api_key({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        (
            key.id,
            key.prefix,
            key.name,
            key.digest,
            " ".join(sorted(key.scopes)),
            key.created_at,
            key.expires_at,
            key.revoked_at,
            key.last_used_at,
        ),
    )


def _revoke(connection: Connection, key_id: str, now_ms: int) -> bool:
    rows = connection.execute(
        "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING id", (now_ms, key_id)
    )
    return len(list(rows)) == 1


def _touch(connection: Connection, rows: list[tuple[int, str]]) -> None:
    connection.executemany("UPDATE api_key SET last_used_at = ? WHERE id = ?", rows)
