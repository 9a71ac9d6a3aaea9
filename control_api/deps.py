"""What FastAPI's routes ask for: the control plane, and a caller with the scope they need."""

from typing import Annotated

from fastapi import Depends, Request

from control_api.access import gate
from control_api.access.gate import Caller
from control_api.access.keys import Scope
from control_api.plane import ControlPlane


async def _plane(request: Request) -> ControlPlane:
    return ControlPlane.of(request.scope)


class Needs:
    """A dependency that admits callers with one scope; the OpenAPI document reads it too."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Caller:
        return gate.admit(request.scope, ControlPlane.of(request.scope).keys, self.scope)


Plane = Annotated[ControlPlane, Depends(_plane)]
LinksReader = Annotated[Caller, Depends(Needs(Scope.LINKS_READ))]
LinksWriter = Annotated[Caller, Depends(Needs(Scope.LINKS_WRITE))]
StatsReader = Annotated[Caller, Depends(Needs(Scope.STATS_READ))]
Admin = Annotated[Caller, Depends(Needs(Scope.ADMIN))]
