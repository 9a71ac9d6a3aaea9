"""The redirect of v1.0.0: a FastAPI route that reads the link from Redis and counts its click there.

Run as `python -m bench.targets.v1_app PORT REDIS_PORT PADDING on|off`: with clicks, or without.
"""

import sys
from typing import Final, cast

import uvicorn
from fastapi import FastAPI, Response
from redis.asyncio import Redis

from bench.targets.redis_links import CLICKS, LINK
from devstack.processes import LOOPBACK

MAX_CONNECTIONS: Final = 4096  # a request waits for none, however many come at once


def app(redis_port: int, padding: str, *, clicks: bool) -> FastAPI:
    """The service. `padding`: the value of X-Padding in each redirect; `clicks`: False: they are not counted."""
    # Without time limits, each of which would be a timer of its own: a tenth of what the client costs.
    redis = Redis(
        host=LOOPBACK,
        port=redis_port,
        decode_responses=True,
        socket_timeout=None,
        max_connections=MAX_CONNECTIONS,
    )
    service = FastAPI(openapi_url=None)

    async def counted(code: str) -> str | None:
        # Unknown codes are counted as well: to know first would take a second round trip, at half as much again.
        both = redis.pipeline(transaction=False)
        both.get(LINK + code)
        both.incr(CLICKS + code)
        target: str | None
        target, _ = await both.execute()
        return target

    async def uncounted(code: str) -> str | None:
        return cast("str | None", await redis.get(LINK + code))  # never bytes: they are decoded

    target_of = counted if clicks else uncounted

    @service.get("/{code}")
    async def redirect(code: str) -> Response:
        target = await target_of(code)
        if target is None:
            return Response(status_code=404)
        return Response(status_code=302, headers={"Location": target, "X-Padding": padding})

    return service


if __name__ == "__main__":
    uvicorn.run(
        app(int(sys.argv[2]), sys.argv[3], clicks=sys.argv[4] == "on"),
        host=LOOPBACK,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        backlog=4096,
    )
