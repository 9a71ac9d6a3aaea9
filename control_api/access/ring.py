"""The keys in use: all of them in memory, so that checking one takes microseconds and no I/O."""

import dataclasses
import secrets
from collections.abc import Sequence, Set

from control_api.access import keys
from control_api.access.keys import ApiKey, KeyFault, Scope
from control_api.access.store import KeyStore
from shortlink.clock import Clock


class KeyRing:
    """Every key by its prefix. What this process changes holds at once, what another does from the next `load` on."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._by_prefix: dict[str, ApiKey] = {}
        self._used_ms: dict[str, int] = {}  # since the last flush
        self._changes = 0  # of ours

    async def load(self) -> None:
        """Read all keys from the store; StoreUnavailable: it did not answer."""
        known = self._changes
        stored = await self._store.all()
        if known == self._changes:  # else they may have been read before a change that was made here meanwhile
            self._by_prefix = {key.prefix: key for key in stored}

    def __len__(self) -> int:
        return len(self._by_prefix)

    def check(self, text: str) -> ApiKey | KeyFault:
        """The key that `text` is, or why it is not accepted; an accepted one counts as used now."""
        prefix = keys.prefix_of(text)
        key = self._by_prefix.get(prefix) if prefix else None
        if key is None:
            return KeyFault.INVALID
        now_ms = self._clock.now_ms()
        fault = keys.fault_of(key, text, now_ms)
        if fault is not None:
            return fault
        self._used_ms[key.id] = now_ms
        return key

    async def create(self, name: str, scopes: Set[Scope], expires_at: int | None) -> tuple[ApiKey, str]:
        """Make a key; the second value is the key in clear, which nobody can ask for again."""
        text = keys.draw()
        while keys.prefix_of(text) in self._by_prefix:
            text = keys.draw()
        return await self.adopt(text, name, scopes, expires_at), text

    async def adopt(self, text: str, name: str, scopes: Set[Scope], expires_at: int | None = None) -> ApiKey:
        """Accept a key that was drawn before. ValueError: it is not spelt like a key."""
        prefix = keys.prefix_of(text)
        if prefix is None:
            raise ValueError("not an API key of edge302")
        key = ApiKey(
            id="key_" + secrets.token_hex(8),
            prefix=prefix,
            name=name,
            digest=keys.digest_of(text),
            scopes=frozenset(scopes),
            created_at=self._clock.now_ms(),
            expires_at=expires_at,
        )
        await self._store.add(key)
        self._changes += 1
        self._by_prefix[prefix] = key
        return key

    async def revoke(self, key_id: str) -> bool:
        """Make a key useless from now on. False: no such key."""
        now_ms = self._clock.now_ms()
        if not await self._store.revoke(key_id, now_ms):
            return False
        self._changes += 1
        for prefix, key in self._by_prefix.items():
            if key.id == key_id and key.revoked_at is None:
                self._by_prefix[prefix] = dataclasses.replace(key, revoked_at=now_ms)
                break
        return True

    def all(self) -> Sequence[ApiKey]:
        """Every key, oldest first, with its last use as known now."""
        by_age = sorted(self._by_prefix.values(), key=lambda key: (key.created_at, key.id))
        return [dataclasses.replace(key, last_used_at=self._used_ms.get(key.id, key.last_used_at)) for key in by_age]

    async def flush(self) -> None:
        """Store the last uses since the last flush; on StoreUnavailable they wait for the next one."""
        used, self._used_ms = self._used_ms, {}
        if not used:
            return
        try:
            await self._store.touch(used)
        except BaseException:
            self._used_ms = used | self._used_ms
            raise
        for prefix, key in self._by_prefix.items():
            if key.id in used:
                self._by_prefix[prefix] = dataclasses.replace(key, last_used_at=used[key.id])
