"""API keys in memory, for tests: a real store that forgets everything at exit."""

import dataclasses
from collections.abc import Mapping, Sequence

from control_api.access.keys import ApiKey


class MemoryKeyStore:
    """A KeyStore in a dict."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    async def all(self) -> Sequence[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    async def add(self, key: ApiKey) -> None:
        self._keys[key.id] = key

    async def revoke(self, key_id: str, now_ms: int) -> bool:
        key = self._keys.get(key_id)
        if key is not None and key.revoked_at is None:
            self._keys[key_id] = dataclasses.replace(key, revoked_at=now_ms)
        return key is not None

    async def touch(self, used_ms: Mapping[str, int]) -> None:
        for key_id, used in used_ms.items():
            if key_id in self._keys:
                self._keys[key_id] = dataclasses.replace(self._keys[key_id], last_used_at=used)
