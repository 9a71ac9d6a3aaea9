"""The check of each request: who asks, and may they do this."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asgi

from control_api.access.keys import KeyFault, Scope
from control_api.access.ring import KeyRing
from control_api.bodies import header
from control_api.problems import Problem

_CALLER: Final = "edge302.caller"  # in the ASGI scope, where no client can put anything

_FORWARDED: Final = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `id` is the API key's id, or "local" for who can open the control socket."""

    id: str
    scopes: Set[Scope]

    @property
    def owner_key(self) -> str | None:
        """The key that links made by this caller belong to; None: whoever runs the machine."""
        return None if self is LOCAL else self.id


LOCAL: Final = Caller("local", frozenset({Scope.ADMIN}))


class LocalAdmin:
    """The app as it is served on the control socket: being able to open the socket is the key.

    Not for those for whom a proxy opened it: they need one of their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        if _FORWARDED.isdisjoint(name for name, _ in scope["headers"]):
            scope[_CALLER] = LOCAL
        await self._app(scope, receive, send)


def admit(scope: Asgi, ring: KeyRing, needed: Scope) -> Caller:
    """The caller, once it is clear that they may do what needs the scope `needed`.

    Raises:
        Problem: missing-key, invalid-key, expired-key or revoked-key (401), wrong-scope (403).
    """
    caller = scope.get(_CALLER) or _holder(scope, ring)
    scope[_CALLER] = caller
    if needed not in caller.scopes and Scope.ADMIN not in caller.scopes:
        raise Problem(
            "wrong-scope",
            f"This needs a key with the scope {needed} or admin.",
            headers={"WWW-Authenticate": f'Bearer realm="edge302", error="insufficient_scope", scope="{needed}"'},
        )
    return caller


def still_admitted(scope: Asgi, ring: KeyRing, needed: Scope) -> bool:
    """Whether a request that was admitted would be again: its key may have been revoked meanwhile, or have expired."""
    if scope[_CALLER] is LOCAL:
        return True
    try:
        caller = _holder(scope, ring)
    except Problem:
        return False
    return needed in caller.scopes or Scope.ADMIN in caller.scopes


def caller_id(scope: Asgi) -> str | None:
    """Who was admitted; None: nobody."""
    caller: Caller | None = scope.get(_CALLER)
    return caller.id if caller else None


def _holder(scope: Asgi, ring: KeyRing) -> Caller:
    sent = header(scope, b"authorization")
    if sent is None:
        raise Problem(
            "missing-key",
            "Send an API key as `Authorization: Bearer e302_…`; `edge302 keys create` makes one.",
            field="Authorization",
            headers={"WWW-Authenticate": 'Bearer realm="edge302"'},
        )
    scheme, _, text = sent.decode("latin-1").partition(" ")
    key = ring.check(text.strip(" ")) if scheme.lower() == "bearer" else KeyFault.INVALID
    if isinstance(key, KeyFault):
        kind, detail = _FAULTS[key]
        raise Problem(
            kind,
            detail,
            field="Authorization",
            headers={"WWW-Authenticate": 'Bearer realm="edge302", error="invalid_token"'},
        )
    return Caller(key.id, key.scopes)


_FAULTS: Final = {
    KeyFault.INVALID: ("invalid-key", "Send a key of this service as `Authorization: Bearer e302_…`."),
    KeyFault.EXPIRED: ("expired-key", "Make a new key: `edge302 keys create`."),
    KeyFault.REVOKED: ("revoked-key", "Ask for a new key."),
}
